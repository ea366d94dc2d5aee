package asterismapp

import (
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/ledger"
)

// auditVersion names the form of an audit's report for programs.
const auditVersion = "asterism/audit/v1"

// auditReport is what verifying an exported ledger has shown.
type auditReport struct {
	Version    string            `json:"version"`
	Folder     string            `json:"folder"`
	Sound      bool              `json:"sound"`
	FirstBad   string            `json:"firstBad,omitempty"` // path of the first bad file
	Cluster    string            `json:"cluster"`
	Checkpoint *checkpointReport `json:"checkpoint,omitempty"` // missing where it is not to be trusted
	Known      *checkpointReport `json:"known,omitempty"`
	Entries    uint64            `json:"entries"` // that are what the checkpoint stands for
	Counts     []ledger.Count    `json:"counts"`
	From       time.Time         `json:"from,omitzero"` // the first such entry's
	To         time.Time         `json:"to,omitzero"`   // and the last's
	Evidence   evidenceReport    `json:"evidence"`
	Problems   []ledger.Problem  `json:"problems"` // first things first
	Omitted    uint64            `json:"omitted,omitempty"`
	Warnings   []ledger.Problem  `json:"warnings,omitempty"` // to be looked into, and no proof that anything is wrong
	Extra      []string          `json:"extra,omitempty"`    // files that belong to no ledger, or to a larger one
}

type checkpointReport struct {
	Size uint64 `json:"size"`
	Root string `json:"root"`
}

func reportCheckpoint(c *ledger.Checkpoint) *checkpointReport {
	if c == nil {
		return nil
	}
	return &checkpointReport{c.Head.Size, c.Head.Root.String()}
}

// evidenceReport counts pieces of evidence. What the entries name need not be in
// an export.
type evidenceReport struct {
	Named   int      `json:"named"` // by entries
	Present int      `json:"present"`
	Missing []string `json:"missing,omitempty"` // their SHA-256
	Unnamed int      `json:"unnamed,omitempty"` // in the folder, named by no entry
}

// audited is an entry that is what the checkpoint stands for.
type audited struct {
	Index uint64        `json:"index"`
	Entry *ledger.Entry `json:"entry"`
}

// audit verifies a ledger, and returns the entries that hold.
func (f *ledgerFolder) audit(name string, a *ledger.Audit) (*auditReport, []audited) {
	var entries []audited
	a.Files = append([]string{}, f.tiles...)
	a.Visit = func(index uint64, e *ledger.Entry) { entries = append(entries, audited{index, e}) }
	r := a.Verify(f)
	report := &auditReport{
		Version: auditVersion, Folder: name, Cluster: a.Cluster.String(),
		Checkpoint: reportCheckpoint(r.Checkpoint), Known: reportCheckpoint(a.Known),
		Entries: r.Entries, Counts: r.Counts, From: r.From, To: r.To,
		Problems: append([]ledger.Problem{}, r.Problems...), Omitted: r.Omitted, Warnings: r.Warnings,
		Extra: slices.Concat(r.Extra, f.others),
	}
	report.evidence(f, entries)
	slices.Sort(report.Extra)
	if report.Sound = len(report.Problems) == 0; !report.Sound {
		report.FirstBad = report.Problems[0].Path
	}
	return report, entries
}

// evidence looks at all evidence that is there, and for all that entries name.
func (r *auditReport) evidence(f *ledgerFolder, entries []audited) {
	named, order := map[string]uint64{}, []string(nil) // by path the first entry that names it, and hashes
	for _, e := range entries {
		hash := e.Entry.Evidence()
		if hash.IsZero() {
			continue
		}
		path := evidencePath(hash.String())
		if _, found := named[path]; !found {
			named[path] = e.Index
			order = append(order, hash.String())
		}
	}
	r.Evidence.Named = len(order)
	for _, hash := range order {
		path := evidencePath(hash)
		if f.has(path) {
			r.Evidence.Present++
			r.badEvidence(f, path, named[path], named[path]+1)
		} else {
			r.Evidence.Missing = append(r.Evidence.Missing, hash)
		}
	}
	for _, path := range f.evidence {
		if _, found := named[path]; !found {
			r.Evidence.Unnamed++
			r.badEvidence(f, path, 0, 0)
		}
	}
}

// badEvidence adds a problem where evidence is not what its name says.
func (r *auditReport) badEvidence(f *ledgerFolder, path string, first, end uint64) {
	if wrong := f.checkEvidence(path); wrong != "" {
		r.Problems = append(r.Problems, ledger.Problem{Kind: ledger.Mismatch, Path: path, First: first, End: end, Message: wrong})
	}
}
