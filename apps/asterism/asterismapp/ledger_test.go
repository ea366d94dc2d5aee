package asterismapp_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// sample is an exported ledger, and what an auditor of it holds.
type sample struct {
	files     map[string][]byte
	statement []byte
	owner     keys.OwnerID
}

// newSample makes a ledger of so many entries, with the evidence that they name.
// What changed does to an entry makes it another ledger of the same cluster.
func newSample(tb testing.TB, entries int, changed func(index int, e *ledger.Entry)) *sample {
	tb.Helper()
	return newSampleWith(tb, entries, 0, changed)
}

// newSampleWith is newSample by a clock that jumps ahead with every other batch, and
// back with the next.
func newSampleWith(tb testing.TB, entries int, pause time.Duration, changed func(index int, e *ledger.Entry)) *sample {
	tb.Helper()
	s := &sample{}
	s.owner, s.statement = signedStatement(tb)
	story, l := ledgertest.Story(entries), ledgertest.New()
	story[0].Init.Owner = s.owner
	for i := range story {
		changed(i, &story[i])
	}
	for batch := range slices.Chunk(story, 10) {
		l.Now = l.Now.Add(pause)
		l.Append(tb, batch...)
		pause = -pause
	}
	s.files = l.Files
	for i := range entries {
		if data := ledgertest.Evidence(i); names(story, data) {
			s.files[evidencePath(data)] = data
		}
	}
	return s
}

// signedStatement returns an owner, who has one key, and the cluster's statement for
// a year from the first entry on.
func signedStatement(tb testing.TB) (keys.OwnerID, []byte) {
	tb.Helper()
	key := ledgertest.Signer("owner")
	document := &owner.Document{Threshold: 1, Keys: []owner.PublicKey{ledgertest.Public(key)}}
	id, err := document.ID()
	check(tb, err)
	encoded, err := document.Encode()
	check(tb, err)
	draft := authoritytest.New(tb, authoritytest.Config{Cluster: ledgertest.ClusterID()}).NewStatement(ledgertest.Start())
	draft.Owner, draft.LedgerKey = id, ledgertest.Public(ledgertest.Key())
	draft.Expires = draft.Issued.Add(owner.MaxStatementLifetime)
	statement, err := owner.NewStatement(draft)
	check(tb, err)
	payload, err := owner.StatementPayload(statement)
	check(tb, err)
	signed := &owner.SignedStatement{Chain: []owner.Link{{Document: encoded}}, Signatures: []owner.Signature{authoritytest.Signature(payload, key)}}
	signed.Statement, err = statement.Encode()
	check(tb, err)
	data, err := signed.Encode()
	check(tb, err)
	return id, data
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// names says whether an entry rests on the evidence.
func names(story []ledger.Entry, evidence []byte) bool {
	digest := ledgertest.Digest(string(evidence))
	return slices.ContainsFunc(story, func(e ledger.Entry) bool { return e.Evidence() == digest })
}

func evidencePath(data []byte) string {
	hash := ledgertest.Digest(string(data)).String()
	return filepath.Join("evidence", hash[:2], hash)
}

// write writes a file for each path below a folder.
func (s *sample) write(folder string) error {
	for path, data := range s.files {
		name := filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeLedger is the command "ledger FOLDER ENTRIES [VARIANT]". It writes a ledger
// into the folder, and its cluster statement beside it as statement; the owner is
// $OWNER, and the ledger's key and cluster are $KEY and $CLUSTER. A variant is
// another history: "fork" differs in one entry, "jump" is by clocks that differ by
// days, "rogue" gives the keys of one
// node's disk to another.
func writeLedger(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: ledger FOLDER ENTRIES [fork|jump|rogue]")
	}
	entries, err := strconv.Atoi(args[1])
	ts.Check(err)
	change := func(int, *ledger.Entry) {}
	if len(args) > 2 {
		change = variant(args[2])
	}
	var pause time.Duration
	if len(args) > 2 && args[2] == "jump" {
		pause = 72 * time.Hour
	}
	s := newSampleWith(machinesOf(ts).t, entries, pause, change)
	ts.Check(s.write(ts.MkAbs(args[0])))
	ts.Check(os.WriteFile(ts.MkAbs("statement"), s.statement, 0o644))
	key := ledgertest.Public(ledgertest.Key())
	ts.Setenv("OWNER", s.owner.String())
	ts.Setenv("KEY", hex.EncodeToString(key[:]))
	ts.Setenv("CLUSTER", ledgertest.ClusterID().String())
}

func variant(name string) func(index int, e *ledger.Entry) {
	return func(index int, e *ledger.Entry) {
		switch {
		case name == "fork" && index == 5:
			e.OtherKeys.Count++
		case name == "rogue" && index == 7:
			e.KeyRelease.Keys = ledgertest.KeyReleaseEntry(1).KeyRelease.Keys
		}
	}
}

// The ledger among the examples, and what it is verified with.
const (
	exampleLedger    = "ledger"
	exampleStatement = "cluster.statement"
	exampleEntries   = 20
)

// TestExampleLedger makes sure that ledgers which lie in folders stay readable, and
// are made as they were.
func TestExampleLedger(t *testing.T) {
	s := newSample(t, exampleEntries, func(int, *ledger.Entry) {})
	if *update {
		if err := s.write(example(exampleLedger)); err != nil {
			t.Fatal(err)
		}
		writeExample(t, exampleStatement, s.statement)
	}
	for path, data := range s.files {
		if diff := cmp.Diff(string(data), readDoc(t, filepath.Join(example(exampleLedger), path))); diff != "" {
			t.Errorf("%s (-made +published):\n%s", path, diff)
		}
	}
	system := system(t)
	system.Now = func() time.Time { return ledgertest.Start().Add(time.Hour) }
	folder := t.TempDir() // Bazel's copy is made of links that lead out of it, which are refused
	if err := s.write(folder); err != nil {
		t.Fatal(err)
	}
	runTool(t, system, 0, "audit", "verify", folder, "--statement", example(exampleStatement), "--owner", s.owner.String())
}
