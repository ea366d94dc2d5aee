package ledger_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

var update = flag.Bool("update", false, "write the golden files")

const entriesFile = "testdata/entries.txt"

// oneOfEach returns an entry of every type, complete.
func oneOfEach() []ledger.Entry {
	list := []ledger.Entry{
		ledgertest.InitEntry(), ledgertest.DirectiveEntry(2, authority.Deny, 4), ledgertest.IntentEntry(5, 2),
		ledgertest.KeyReleaseEntry(5), ledgertest.OutcomeEntry(5), ledgertest.ReattestEntry(5, join.Withheld),
		ledgertest.RefusalsEntry(6), ledgertest.OtherKeysEntry(7),
		{Type: ledger.Recovery, Recovery: &ledger.RecoveryEntry{Node: ledgertest.Node(0), Means: "shares", Size: 7, Root: ledgertest.Digest("root")}},
	}
	for i := range list {
		list[i].Version, list[i].By = ledger.Version, ledgertest.Node(0).String()
		list[i].Time = ledgertest.Start().Add(time.Duration(i) * 125 * time.Millisecond)
	}
	return list
}

func identities(a, b join.Identity) bool { return a == b }

func keyIDs(a, b keys.ID) bool { return a == b }

func digests(a, b measurement.Digest) bool { return a == b }

func diff(x, y any) string {
	return cmp.Diff(x, y, cmp.Comparer(identities), cmp.Comparer(keyIDs), cmp.Comparer(digests), cmpopts.EquateEmpty())
}

func encodeEntry(t testing.TB, e *ledger.Entry) []byte {
	t.Helper()
	data, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestEntriesAreWhatTheyWere makes sure that what lies in ledgers stays readable.
func TestEntriesAreWhatTheyWere(t *testing.T) {
	var b strings.Builder
	for _, e := range oneOfEach() {
		b.Write(encodeEntry(t, &e))
		b.WriteByte('\n')
	}
	if *update {
		if err := os.WriteFile(entriesFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(entriesFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("entries are encoded in another way (-published +now):\n%s", diff)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(want), "\n"), "\n") {
		got, err := ledger.DecodeEntry([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(&oneOfEach()[i], got); d != "" {
			t.Errorf("entry %d (-made +read):\n%s", i, d)
		}
	}
	if got := len(oneOfEach()); got != len(ledger.Types()) {
		t.Errorf("%d types in the file, want %d", got, len(ledger.Types()))
	}
}

func TestNewSortsAndFillsIn(t *testing.T) {
	e := oneOfEach()[2]
	e.Version = ""
	e.Intent.Warnings = []policy.Code{"B", "A", "B"}
	got, err := ledger.New(e)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff([]policy.Code{"A", "B"}, got.Intent.Warnings); d != "" || got.Version != ledger.Version {
		t.Errorf("New = %q, warnings %s", got.Version, d)
	}
	if e.Intent.Warnings[0] != "B" {
		t.Error("New has changed what it was given")
	}
	release := oneOfEach()[3]
	release.KeyRelease.Keys = append(release.KeyRelease.Keys, release.KeyRelease.Keys[0])
	release.KeyRelease.Keys[0], release.KeyRelease.Keys[1] = release.KeyRelease.Keys[1], release.KeyRelease.Keys[0]
	if got, err = ledger.New(release); err != nil || diff(oneOfEach()[3].KeyRelease.Keys, got.KeyRelease.Keys) != "" {
		t.Errorf("keys %v, %v", got.KeyRelease.Keys, err)
	}
	for i, codes := range []func(e *ledger.Entry) *[]policy.Code{
		5: func(e *ledger.Entry) *[]policy.Code { return &e.Reattest.Codes },
		6: func(e *ledger.Entry) *[]policy.Code { return &e.Refusals.Codes },
	} {
		if codes == nil {
			continue
		}
		e := oneOfEach()[i]
		*codes(&e) = []policy.Code{"Z", "Y", "Z"}
		got, err := ledger.New(e)
		if err != nil || diff([]policy.Code{"Y", "Z"}, *codes(got)) != "" {
			t.Errorf("codes of %s: %v, %v", e.Type, got, err)
		}
	}
}

func TestEntryIsAbout(t *testing.T) {
	for i, want := range []struct {
		node     join.Identity
		evidence measurement.Digest
	}{
		{ledgertest.Node(0), measurement.Sum(measurement.SHA256, ledgertest.Evidence(0))},
		{ledgertest.Node(4), measurement.Digest{}},
		{ledgertest.Node(5), measurement.Sum(measurement.SHA256, ledgertest.Evidence(5))},
		{ledgertest.Node(5), measurement.Digest{}},
		{ledgertest.Node(5), measurement.Digest{}},
		{ledgertest.Node(5), measurement.Sum(measurement.SHA256, ledgertest.Evidence(5))},
		{ledgertest.Node(6), measurement.Digest{}},
		{join.Identity{}, measurement.Digest{}},
		{ledgertest.Node(0), measurement.Digest{}},
	} {
		e := oneOfEach()[i]
		if e.Node() != want.node || e.Evidence() != want.evidence {
			t.Errorf("%s is about %v and rests on %v", e.Type, e.Node(), e.Evidence())
		}
	}
	if e := (&ledger.Entry{}); !e.Node().IsZero() || !e.Evidence().IsZero() {
		t.Errorf("nothing is about %v", e.Node())
	}
}

// Each case spoils one entry, and says where the only problem must be found.
func TestNewRefuses(t *testing.T) {
	local := time.FixedZone("", 3600)
	sha384 := measurement.Sum(measurement.SHA384, nil)
	long := make([]policy.Code, ledger.MaxCodes+1)
	for i := range long {
		long[i] = "A"
	}
	type change = func(e *ledger.Entry)
	for _, tt := range []struct {
		name   string
		of     ledger.Type
		change change
		path   string
	}{
		{"another version", ledger.Init, func(e *ledger.Entry) { e.Version = "asterism/ledger-entry/v2" }, "version"},
		{"no identity", ledger.Init, func(e *ledger.Entry) { e.By = "" }, "by"},
		{"not an identity", ledger.Init, func(e *ledger.Entry) { e.By = "node-1" }, "by"},
		{"no time", ledger.Init, func(e *ledger.Entry) { e.Time = time.Time{} }, "time"},
		{"half a millisecond", ledger.Init, func(e *ledger.Entry) { e.Time = e.Time.Add(500 * time.Microsecond) }, "time"},
		{"local time", ledger.Init, func(e *ledger.Entry) { e.Time = e.Time.In(local) }, "time"},
		{"before 1970", ledger.Init, func(e *ledger.Entry) { e.Time = time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC) }, "time"},
		{"after 9999", ledger.Init, func(e *ledger.Entry) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time"},
		{"two bodies", ledger.Init, func(e *ledger.Entry) { e.Outcome = oneOfEach()[4].Outcome }, "outcome"},

		{"no cluster", ledger.Init, func(e *ledger.Entry) { e.Init.Cluster = keys.ClusterID{} }, "init.cluster"},
		{"no owner", ledger.Init, func(e *ledger.Entry) { e.Init.Owner = keys.OwnerID{} }, "init.owner"},
		{"no node", ledger.Init, func(e *ledger.Entry) { e.Init.Node = join.Identity{} }, "init.node"},
		{"no statement", ledger.Init, func(e *ledger.Entry) { e.Init.Statement = measurement.Digest{} }, "init.statement"},
		{"another hash", ledger.Init, func(e *ledger.Entry) { e.Init.Evidence = sha384 }, "init.evidence"},

		{"no serial", ledger.Directive, func(e *ledger.Entry) { e.Directive.Serial = 0 }, "directive.serial"},
		{"serial too large", ledger.Directive, func(e *ledger.Entry) { e.Directive.Serial = 1 << 53 }, "directive.serial"},
		{"kind", ledger.Directive, func(e *ledger.Entry) { e.Directive.Kind = "adopt"; e.Directive.Node = join.Identity{} }, "directive.kind"},
		{"hash", ledger.Directive, func(e *ledger.Entry) { e.Directive.Hash = measurement.Digest{} }, "directive.hash"},
		{"denies nobody", ledger.Directive, func(e *ledger.Entry) { e.Directive.Node = join.Identity{} }, "directive.node"},
		{"approves nobody", ledger.Directive, func(e *ledger.Entry) {
			e.Directive.Kind, e.Directive.Node = authority.Approve, join.Identity{}
		}, "directive.node"},
		{"freezes somebody", ledger.Directive, func(e *ledger.Entry) { e.Directive.Kind = authority.Freeze }, "directive.node"},

		{"no request", ledger.Intent, func(e *ledger.Entry) { e.Intent.Request = join.RequestID{} }, "intent.request"},
		{"kind of join", ledger.Intent, func(e *ledger.Entry) { e.Intent.Kind = "adopt" }, "intent.kind"},
		{"nobody joins", ledger.Intent, func(e *ledger.Entry) { e.Intent.Node = join.Identity{} }, "intent.node"},
		{"name", ledger.Intent, func(e *ledger.Entry) { e.Intent.Name = "Node_1" }, "intent.name"},
		{"role", ledger.Intent, func(e *ledger.Entry) { e.Intent.Role = "king" }, "intent.role"},
		{"disk", ledger.Intent, func(e *ledger.Entry) { e.Intent.Disk = strings.ToUpper(e.Intent.Disk) }, "intent.disk"},
		{"AK", ledger.Intent, func(e *ledger.Entry) { e.Intent.Boot.AK = sha384 }, "intent.boot.ak"},
		{"session", ledger.Intent, func(e *ledger.Entry) { e.Intent.Boot.Session = sha384 }, "intent.boot.session"},
		{"release", ledger.Intent, func(e *ledger.Entry) { e.Intent.Release = "v1\n" }, "intent.release"},
		{"long release", ledger.Intent, func(e *ledger.Entry) { e.Intent.Release = strings.Repeat("v", 257) }, "intent.release"},
		{"policy", ledger.Intent, func(e *ledger.Entry) { e.Intent.Policy = 0 }, "intent.policy"},
		{"directive", ledger.Intent, func(e *ledger.Entry) { e.Intent.Directive = 0 }, "intent.directive"},
		{"approval", ledger.Intent, func(e *ledger.Entry) { e.Intent.Approval = 1 << 53 }, "intent.approval"},
		{"evidence", ledger.Intent, func(e *ledger.Entry) { e.Intent.Evidence = measurement.Digest{} }, "intent.evidence"},
		{"warnings", ledger.Intent, func(e *ledger.Entry) { e.Intent.Warnings = []policy.Code{"OK", "1A"} }, "intent.warnings[1]"},
		{"small letters", ledger.Intent, func(e *ledger.Entry) { e.Intent.Warnings = []policy.Code{"Ab"} }, "intent.warnings[0]"},
		{"empty code", ledger.Intent, func(e *ledger.Entry) { e.Intent.Warnings = []policy.Code{""} }, "intent.warnings[0]"},
		{"long code", ledger.Intent, func(e *ledger.Entry) { e.Intent.Warnings = []policy.Code{policy.Code(strings.Repeat("A", 65))} }, "intent.warnings[0]"},
		{"many codes", ledger.Intent, func(e *ledger.Entry) { e.Intent.Warnings = long }, "intent.warnings"},

		{"no request", ledger.KeyRelease, func(e *ledger.Entry) { e.KeyRelease.Request = join.RequestID{} }, "keyRelease.request"},
		{"no node", ledger.KeyRelease, func(e *ledger.Entry) { e.KeyRelease.Node = join.Identity{} }, "keyRelease.node"},
		{"no caller", ledger.KeyRelease, func(e *ledger.Entry) { e.KeyRelease.Caller = "" }, "keyRelease.caller"},
		{"caller with a space", ledger.KeyRelease, func(e *ledger.Entry) { e.KeyRelease.Caller = "a b" }, "keyRelease.caller"},
		{"no keys", ledger.KeyRelease, func(e *ledger.Entry) { e.KeyRelease.Keys, e.KeyRelease.KEK = nil, false }, "keyRelease.keys"},
		{"zero key", ledger.KeyRelease, func(e *ledger.Entry) { e.KeyRelease.Keys[1] = keys.ID{} }, "keyRelease.keys[1]"},
		{"many keys", ledger.KeyRelease, func(e *ledger.Entry) { e.KeyRelease.Keys = make([]keys.ID, ledger.MaxKeys+1) }, "keyRelease.keys"},

		{"no request", ledger.Outcome, func(e *ledger.Entry) { e.Outcome.Request = join.RequestID{} }, "outcome.request"},
		{"no node", ledger.Outcome, func(e *ledger.Entry) { e.Outcome.Node = join.Identity{} }, "outcome.node"},
		{"no ticket", ledger.Outcome, func(e *ledger.Entry) { e.Outcome.Ticket = measurement.Digest{} }, "outcome.ticket"},

		{"no node", ledger.Reattest, func(e *ledger.Entry) { e.Reattest.Node = join.Identity{} }, "reattestation.node"},
		{"state", ledger.Reattest, func(e *ledger.Entry) { e.Reattest.State = join.Intended }, "reattestation.state"},
		{"codes", ledger.Reattest, func(e *ledger.Entry) { e.Reattest.Codes = []policy.Code{"a"} }, "reattestation.codes[0]"},
		{"evidence", ledger.Reattest, func(e *ledger.Entry) { e.Reattest.Evidence = sha384 }, "reattestation.evidence"},

		{"no node", ledger.Refusals, func(e *ledger.Entry) { e.Refusals.Node = join.Identity{} }, "refusals.node"},
		{"from", ledger.Refusals, func(e *ledger.Entry) { e.Refusals.From = time.Time{} }, "refusals.from"},
		{"count", ledger.Refusals, func(e *ledger.Entry) { e.Refusals.Count = 0 }, "refusals.count"},
		{"no codes", ledger.Refusals, func(e *ledger.Entry) { e.Refusals.Codes = nil }, "refusals.codes"},
		{"codes", ledger.Refusals, func(e *ledger.Entry) { e.Refusals.Codes = []policy.Code{"A-B"} }, "refusals.codes[0]"},
		{"evidence", ledger.Refusals, func(e *ledger.Entry) { e.Refusals.Evidence = sha384 }, "refusals.evidence"},

		{"caller", ledger.OtherKeys, func(e *ledger.Entry) { e.OtherKeys.Caller = "é" }, "otherKeys.caller"},
		{"purpose", ledger.OtherKeys, func(e *ledger.Entry) { e.OtherKeys.Purpose = keys.StateDisk }, "otherKeys.purpose"},
		{"minute", ledger.OtherKeys, func(e *ledger.Entry) { e.OtherKeys.Minute = e.OtherKeys.Minute.Add(time.Second) }, "otherKeys.minute"},
		{"less than a minute", ledger.OtherKeys, func(e *ledger.Entry) { e.OtherKeys.Minute = e.OtherKeys.Minute.Add(time.Millisecond) }, "otherKeys.minute"},
		{"no minute", ledger.OtherKeys, func(e *ledger.Entry) { e.OtherKeys.Minute = time.Time{} }, "otherKeys.minute"},
		{"count", ledger.OtherKeys, func(e *ledger.Entry) { e.OtherKeys.Count = 0 }, "otherKeys.count"},

		{"no node", ledger.Recovery, func(e *ledger.Entry) { e.Recovery.Node = join.Identity{} }, "recovery.node"},
		{"means", ledger.Recovery, func(e *ledger.Entry) { e.Recovery.Means = "luck" }, "recovery.means"},
		{"size", ledger.Recovery, func(e *ledger.Entry) { e.Recovery.Size = 0 }, "recovery.size"},
		{"root", ledger.Recovery, func(e *ledger.Entry) { e.Recovery.Root = sha384 }, "recovery.root"},
	} {
		t.Run(string(tt.of)+" "+tt.name, func(t *testing.T) {
			for _, e := range oneOfEach() {
				if e.Type == tt.of {
					tt.change(&e)
					wantProblem(t, e, tt.path)
				}
			}
		})
	}
}

func wantProblem(t *testing.T, e ledger.Entry, path string) {
	t.Helper()
	got, err := ledger.New(e)
	invalid := (*ledger.InvalidEntryError)(nil)
	if !errors.As(err, &invalid) || !errors.Is(err, ledger.ErrEntry) || got != nil {
		t.Fatalf("New = %v, %v; want an *InvalidEntryError", got, err)
	}
	if e.Version == "" {
		e.Version = ledger.Version
	}
	if len(invalid.Problems) != 1 || invalid.Problems[0].Path != path || !strings.Contains(err.Error(), path+": ") {
		t.Errorf("problems %q, want one at %s", invalid.Problems, path)
	}
	if data, err := e.Encode(); !errors.Is(err, ledger.ErrEntry) || data != nil {
		t.Errorf("Encode = %s, %v", data, err)
	}
}

func TestNewRefusesTypes(t *testing.T) {
	e := oneOfEach()[0]
	e.Type = ledger.Outcome
	_, err := ledger.New(e)
	invalid := (*ledger.InvalidEntryError)(nil)
	if !errors.As(err, &invalid) || len(invalid.Problems) != 2 {
		t.Errorf("a body of another type: %v, want both places", err)
	}
	e.Type, e.Init = "gossip", nil
	wantProblem(t, e, "type")
	e.By, e.Time = "", time.Time{}
	if _, err := ledger.New(e); !errors.As(err, &invalid) || len(invalid.Problems) != 3 {
		t.Errorf("%v, want everything that is wrong at once", err)
	}
}

func TestEncodeRefusesTooLong(t *testing.T) {
	e := oneOfEach()[3]
	e.KeyRelease.Keys = nil
	for i := range ledger.MaxKeys {
		id, err := keys.NewID(keys.Volume, strings.Repeat("v", 250)+string(rune('a'+i%26))+string(rune('a'+i/26)))
		if err != nil {
			t.Fatal(err)
		}
		e.KeyRelease.Keys = append(e.KeyRelease.Keys, id)
	}
	if data, err := e.Encode(); err != nil || len(data) > ledger.MaxEntrySize {
		t.Errorf("the longest list of keys: %d bytes, %v", len(data), err)
	}
	if e, err := ledger.DecodeEntry(make([]byte, ledger.MaxEntrySize+1)); !errors.Is(err, ledger.ErrEntry) || e != nil {
		t.Errorf("DecodeEntry = %v, %v", e, err)
	}
}

func TestDecodeEntryRefuses(t *testing.T) {
	good := string(encodeEntry(t, &oneOfEach()[6]))
	for name, text := range map[string]string{
		"empty":            "",
		"cut":              good[:len(good)-1],
		"trailing":         good + "\n",
		"space":            strings.Replace(good, ":", ": ", 1),
		"unknown field":    strings.Replace(good, `"count":3`, `"count":3,"extra":1`, 1),
		"another order":    strings.Replace(good, `"NO_REFERENCE","PCR_MISMATCH"`, `"PCR_MISMATCH","NO_REFERENCE"`, 1),
		"twice":            strings.Replace(good, `"NO_REFERENCE","PCR_MISMATCH"`, `"NO_REFERENCE","NO_REFERENCE","PCR_MISMATCH"`, 1),
		"null":             "null",
		"wrong type":       strings.Replace(good, `"count":3`, `"count":"3"`, 1),
		"another spelling": strings.Replace(good, `"count"`, `"Count"`, 1),
		"an offset":        strings.Replace(good, `Z"`, `+00:00"`, 1),
		"not valid":        strings.Replace(good, `"count":3`, `"count":0`, 1),
	} {
		if text == good {
			t.Errorf("%s: nothing was changed", name)
		}
		if e, err := ledger.DecodeEntry([]byte(text)); !errors.Is(err, ledger.ErrEntry) || e != nil {
			t.Errorf("%s: DecodeEntry = %v, %v", name, e, err)
		}
	}
}

func TestEntryRoundTrip(t *testing.T) {
	story := ledgertest.Story(200)
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(story).Draw(t, "entry")
		e.By = ledgertest.Node(rapid.IntRange(0, 9).Draw(t, "by")).String()
		e.Time = time.UnixMilli(rapid.Int64Range(1, 1<<42).Draw(t, "time")).UTC()
		made, err := ledger.New(e)
		if err != nil {
			t.Fatal(err)
		}
		data, err := made.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := ledger.DecodeEntry(data)
		if d := diff(made, read); err != nil || d != "" {
			t.Fatalf("%v, (-made +read):\n%s", err, d)
		}
	})
}
