package ledger_test

import (
	"maps"
	"testing"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
)

// kinds returns the kinds of a report's problems.
func kinds(r *ledger.Report) []ledger.ProblemKind {
	var list []ledger.ProblemKind
	for _, p := range r.Problems {
		list = append(list, p.Kind)
	}
	return list
}

func TestVerifyContinuesTheKnown(t *testing.T) {
	l := ledgertest.Filled(t, 600)
	for _, n := range []int{2, 200, 256, 300, 512, 599, 600} {
		a := l.Audit()
		a.Known = &ledger.Checkpoint{Origin: origin(), Head: ledgerHead(t, n)}
		if r := a.Verify(l); !r.Sound() {
			t.Errorf("from %d entries: %q", n, r.Problems)
		}
	}
}

// TestThreat34ExportOfAnotherHistory exports a ledger that is sound, signed with
// the right key, and not the one that the auditor knows.
func TestThreat34ExportOfAnotherHistory(t *testing.T) {
	for name, tt := range map[string]struct {
		known, shown *ledgertest.Ledger
		want         ledger.ProblemKind
	}{
		"of the same size": {ledgertest.Filled(t, 300), otherHistory(t, 300), ledger.Forked},
		"grown":            {ledgertest.Filled(t, 300), otherHistory(t, 600), ledger.Forked},
		"rolled back":      {ledgertest.Filled(t, 300), ledgertest.Filled(t, 299), ledger.RolledBack},
	} {
		if r := tt.shown.Audit().Verify(tt.shown); !r.Sound() {
			t.Fatalf("%s: without a known checkpoint: %q", name, r.Problems)
		}
		a := tt.shown.Audit()
		a.Known = tt.known.Checkpoint()
		if r := a.Verify(tt.shown); diff([]ledger.ProblemKind{tt.want}, kinds(r)) != "" || r.Problems[0].Path != ledger.CheckpointPath {
			t.Errorf("%s: %q", name, r.Problems)
		}
	}
}

// otherHistory is a ledger that differs from Filled in one late entry.
func otherHistory(t *testing.T, n int) *ledgertest.Ledger {
	t.Helper()
	l, story := ledgertest.New(), ledgertest.Story(n)
	story[250] = ledgertest.OtherKeysEntry(4711)
	for i := 0; i < n; i += 100 {
		l.Append(t, story[i:min(i+100, n)]...)
	}
	return l
}

// Damage is no fork: what cannot be shown for want of a tile blames nobody, and
// what follows from the entries is shown.
func TestVerifyTellsDamageFromForks(t *testing.T) {
	l := ledgertest.Filled(t, 600)
	a := l.Audit()
	a.Known = &ledger.Checkpoint{Origin: origin(), Head: ledgerHead(t, 200)}
	flip := damages()["first byte flipped"]
	r := a.Verify(spoil(l.Files, "tile/0/000", flip))
	if diff([]ledger.ProblemKind{ledger.Mismatch}, kinds(r)) != "" {
		t.Errorf("a tile that follows from its entries: %q", r.Problems)
	}
	r = a.Verify(spoil(spoil(l.Files, "tile/0/000", flip), "tile/entries/000", flip))
	if r.Sound() || r.Problems[0].Kind != ledger.Untrusted || r.Problems[1].Kind != ledger.Mismatch {
		t.Errorf("a tile that follows from nothing: %q", r.Problems)
	}
}

func TestVerifyAnotherLedgersKnown(t *testing.T) {
	l := ledgertest.Filled(t, 10)
	a := l.Audit()
	a.Known = l.Checkpoint()
	a.Known.Origin = "asterism.dev/ledger/other"
	if r := a.Verify(l); diff([]ledger.ProblemKind{ledger.Untrusted}, kinds(r)) != "" {
		t.Errorf("%q", r.Problems)
	}
}

// Files at hand that are beyond the checkpoint are no part of what is compared.
func TestVerifyKnownBeyondTheShown(t *testing.T) {
	older, newer := ledgertest.Filled(t, 300), ledgertest.Filled(t, 600)
	files := folder(maps.Clone(newer.Files))
	maps.Copy(files, older.Files)
	a := older.Audit()
	a.Known = newer.Checkpoint()
	if r := a.Verify(files); diff([]ledger.ProblemKind{ledger.RolledBack}, kinds(r)) != "" {
		t.Errorf("%q", r.Problems)
	}
}
