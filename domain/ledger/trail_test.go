package ledger_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

func ledgerHead(t testing.TB, n int) merkle.Head {
	t.Helper()
	l := ledgertest.Filled(t, n)
	return l.Head.Tree()
}

// begun is how each of these histories begins.
func begun(more ...ledger.Entry) []ledger.Entry {
	return append([]ledger.Entry{ledgertest.InitEntry(), ledgertest.DirectiveEntry(1, authority.Statement, 0)}, more...)
}

// changed returns an entry with something changed.
func changed(e ledger.Entry, change func(e *ledger.Entry)) ledger.Entry {
	change(&e)
	return e
}

func rejoin(i int, directive uint64) ledger.Entry {
	return changed(ledgertest.IntentEntry(i, directive), func(e *ledger.Entry) { e.Intent.Kind = join.Rejoin })
}

// recovery goes on from the first entries of begun.
func recovery(t *testing.T, size uint64) ledger.Entry {
	t.Helper()
	l := ledgertest.New()
	l.Append(t, begun(ledgertest.IntentEntry(1, 1))...)
	head, err := ledger.OpenTree(l.Head.Size(), l).Head(min(size, 3))
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Entry{Type: ledger.Recovery, Recovery: &ledger.RecoveryEntry{
		Node: ledgertest.Node(0), Means: "shares", Size: size, Root: measurement.DigestSHA256(head.Root),
	}}
}

func TestVerifyHistory(t *testing.T) {
	intent, release, outcome, directive := ledgertest.IntentEntry, ledgertest.KeyReleaseEntry, ledgertest.OutcomeEntry, ledgertest.DirectiveEntry
	foreignKey, err := keys.NewID(keys.StateDisk, ledgertest.Disk(2))
	if err != nil {
		t.Fatal(err)
	}
	volumeKey, err := keys.NewID(keys.Volume, "pv-1")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		entries []ledger.Entry
		at      uint64
		want    string // part of the only problem; empty: none
	}{
		"a join":                        {begun(intent(1, 1), release(1), outcome(1)), 0, ""},
		"an outcome without keys":       {begun(intent(1, 1), outcome(1)), 0, ""},
		"no init":                       {begun()[1:], 0, "the first, and no other, is an init"},
		"init twice":                    {begun(ledgertest.InitEntry()), 2, "the first, and no other, is an init"},
		"init of another cluster":       {[]ledger.Entry{changed(ledgertest.InitEntry(), func(e *ledger.Entry) { e.Init.Cluster[0]++ })}, 0, "it is the init of cluster"},
		"init of another owner":         {[]ledger.Entry{changed(ledgertest.InitEntry(), func(e *ledger.Entry) { e.Init.Owner[0]++ })}, 0, "it is the init of owner"},
		"keys without an intent":        {begun(release(1)), 2, "no intent before it admits request"},
		"keys before the intent":        {begun(release(1), intent(1, 1)), 2, "no intent before it admits request"},
		"an outcome without an intent":  {begun(outcome(1)), 2, "no intent before it admits request"},
		"keys of another's request":     {begun(intent(1, 1), changed(release(2), func(e *ledger.Entry) { e.KeyRelease.Request = ledgertest.Request(1) })), 3, "no intent before it"},
		"a ticket of another's request": {begun(intent(1, 1), changed(outcome(2), func(e *ledger.Entry) { e.Outcome.Request = ledgertest.Request(1) })), 3, "no intent before it"},
		"the KEK for a worker":          {begun(intent(1, 1), changed(release(1), func(e *ledger.Entry) { e.KeyRelease.KEK = true })), 3, "the KEK was released"},
		"the KEK for a control plane":   {begun(intent(5, 1), release(5)), 0, ""},
		"the key of another's disk":     {begun(intent(1, 1), changed(release(1), func(e *ledger.Entry) { e.KeyRelease.Keys[1] = foreignKey })), 3, "the node was admitted with disk"},
		"the key of a volume":           {begun(intent(1, 1), changed(release(1), func(e *ledger.Entry) { e.KeyRelease.Keys[1] = volumeKey })), 0, ""},
		"directives in order":           {begun(directive(2, authority.Approve, 1), directive(3, authority.JoinPolicy, 0)), 0, ""},
		"a directive left out":          {begun(directive(3, authority.Freeze, 0)), 2, "it has serial 3 after 1"},
		"a directive twice":             {begun(directive(1, authority.Statement, 0)), 2, "it has serial 1 after 1"},
		"the first directive left out":  {[]ledger.Entry{ledgertest.InitEntry(), directive(2, authority.Freeze, 0)}, 1, "it has serial 2 after 0"},
		"an unknown directive":          {begun(intent(1, 2)), 2, "it rests on directive 2, and 1 was the newest"},
		"an older directive":            {begun(directive(2, authority.JoinPolicy, 0), intent(1, 1)), 0, ""},
		"a denied node":                 {begun(directive(2, authority.Deny, 1), intent(1, 2)), 3, "although directive 2 had denied it"},
		"denied by the first directive": {[]ledger.Entry{ledgertest.InitEntry(), directive(1, authority.Deny, 1), intent(1, 1)}, 2, "although directive 1 had denied it"},
		"a denied node again":           {begun(directive(2, authority.Deny, 1), rejoin(1, 2)), 3, "although directive 2 had denied it"},
		"keys after the denial":         {begun(intent(1, 1), directive(2, authority.Deny, 1), release(1)), 4, "was given keys although directive 2 had denied it"},
		"a ticket after the denial":     {begun(intent(1, 1), release(1), directive(2, authority.Deny, 1), outcome(1)), 5, "got a ticket although directive 2 had denied it"},
		"another's after a denial":      {begun(intent(1, 1), directive(2, authority.Deny, 2), release(1), outcome(1)), 0, ""},
		"denied when all was over":      {begun(intent(1, 1), release(1), outcome(1), directive(2, authority.Deny, 1)), 0, ""},
		"a second outcome":              {begun(intent(1, 1), outcome(1), outcome(1)), 4, "has an outcome already"},
		"outcomes of two requests":      {begun(intent(1, 1), intent(2, 1), outcome(1), outcome(2)), 0, ""},
		"an outcome of a second intent": {begun(intent(1, 1), outcome(1), intent(1, 1), outcome(1)), 0, ""},
		"keys given again":              {begun(intent(1, 1), release(1), outcome(1), release(1)), 0, ""},
		"another than the denied":       {begun(directive(2, authority.Deny, 1), intent(2, 2)), 0, ""},
		"joined while frozen":           {begun(directive(2, authority.Freeze, 0), intent(1, 2)), 3, "although the cluster was frozen"},
		"rejoined while frozen":         {begun(directive(2, authority.Freeze, 0), rejoin(1, 2)), 0, ""},
		"joined after thawing":          {begun(directive(2, authority.Freeze, 0), directive(3, authority.Thaw, 0), intent(1, 3)), 0, ""},
		"a recovery":                    {begun(intent(1, 1), recovery(t, 3)), 0, ""},
		"a recovery of fewer entries":   {begun(intent(1, 1), recovery(t, 2)), 0, ""},
		"a recovery of more entries":    {begun(intent(1, 1), recovery(t, 4)), 3, "it goes on from 4 entries, more than there were"},
		"a recovery of another ledger":  {begun(intent(2, 1), recovery(t, 3)), 3, "it goes on from another ledger"},
		"a recovery from the future":    {begun(intent(1, 1), recovery(t, 5), intent(2, 1)), 3, "more than there were"},
	} {
		t.Run(name, func(t *testing.T) {
			l := ledgertest.New()
			l.Append(t, tt.entries...)
			r := l.Audit().Verify(l)
			if tt.want == "" && !r.Sound() || tt.want != "" && len(r.Problems) != 1 {
				t.Fatalf("%q", r.Problems)
			}
			if tt.want == "" {
				return
			}
			p := r.Problems[0]
			if p.Kind != ledger.BadHistory || p.First != tt.at || p.End != tt.at+1 || !strings.Contains(p.Message, tt.want) || !strings.HasPrefix(p.Path, "tile/entries/000.p/") {
				t.Errorf("%q, want entry %d: %s", p.String(), tt.at, tt.want)
			}
			if r.Entries != uint64(len(tt.entries)) {
				t.Errorf("%d entries verified", r.Entries)
			}
		})
	}
}

// Any owner will do where the auditor names none.
func TestVerifyAnyOwner(t *testing.T) {
	l := ledgertest.New()
	l.Append(t, changed(ledgertest.InitEntry(), func(e *ledger.Entry) { e.Init.Owner[0]++ }))
	a := l.Audit()
	a.Owner = keys.OwnerID{}
	if r := a.Verify(l); !r.Sound() {
		t.Errorf("%q", r.Problems)
	}
}

// Times that go back were never made by Append.
func TestVerifyTimes(t *testing.T) {
	l := ledgertest.New()
	appendAt(t, l, 0, 5*time.Second, 5*time.Second, 4*time.Second, 4*time.Second, 0)
	r := l.Audit().Verify(l)
	if len(r.Problems) != 2 || r.Problems[0].First != 3 || r.Problems[1].First != 5 || !strings.Contains(r.Problems[0].Message, "its time 2026-03-01T12:00:04Z is before") {
		t.Errorf("%q", r.Problems)
	}
	if len(r.Warnings) > 0 {
		t.Errorf("warned of %q", r.Warnings)
	}
}

// appendAt appends entries of those times after the start, each by another node.
func appendAt(t *testing.T, l *ledgertest.Ledger, after ...time.Duration) {
	t.Helper()
	var list [][]byte
	for i, e := range ledgertest.Story(len(after)) {
		e.Version, e.By = ledger.Version, ledgertest.Node(i).String()
		e.Time = ledgertest.Start().Add(after[i])
		list = append(list, encodeEntry(t, &e))
	}
	l.AppendRaw(t, list...)
}

// A clock far ahead is no crime, and its reader is told of it.
func TestVerifyWarnsOfClocks(t *testing.T) {
	l := ledgertest.New()
	far := 100 * 365 * 24 * time.Hour
	appendAt(t, l, 0, far, time.Second, time.Second+ledger.MaxAhead, time.Second, time.Second+ledger.MaxAhead+time.Millisecond, time.Second)
	r := l.Audit().Verify(l)
	if len(r.Problems) != 1 || r.Problems[0].First != 4 {
		t.Errorf("%q", r.Problems)
	}
	if len(r.Warnings) != 2 || r.Warnings[0].First != 2 || r.Warnings[1].First != 6 {
		t.Fatalf("warned of %q", r.Warnings)
	}
	for _, by := range []int{1, 2} {
		if w := r.Warnings[0]; w.Kind != ledger.ClockJump || w.End != 3 || !strings.Contains(w.Message, ledgertest.Node(by).String()) {
			t.Errorf("%q does not name node %d", w, by)
		}
	}
}

// What lies between is missing, and may have been the reason.
func TestVerifyTimesWithGaps(t *testing.T) {
	l := ledgertest.New()
	after := make([]time.Duration, 258)
	for i := range 256 {
		after[i] = time.Hour
	}
	appendAt(t, l, after...)
	if r := l.Audit().Verify(l); len(r.Problems) != 1 || r.Problems[0].First != 256 {
		t.Errorf("%q", r.Problems)
	}
	r := l.Audit().Verify(spoil(l.Files, "tile/entries/000", damages()["removed"]))
	if len(r.Problems) != 1 || r.Problems[0].Kind != ledger.Missing {
		t.Errorf("with a gap: %q", r.Problems)
	}
}

func TestVerifyBoundsWarnings(t *testing.T) {
	l := ledgertest.New()
	after := make([]time.Duration, 2*ledger.MaxProblems+4)
	for i := range after {
		after[i] = time.Duration(i%2) * 2 * ledger.MaxAhead
	}
	appendAt(t, l, after...)
	if r := l.Audit().Verify(l); len(r.Warnings) != ledger.MaxProblems || !r.Sound() {
		t.Errorf("%d warnings, %q", len(r.Warnings), r.Problems)
	}
}

// An outcome after missing entries may be that of an intent among them.
func TestVerifyOutcomesWithGaps(t *testing.T) {
	l := ledgertest.New()
	l.Append(t, ledgertest.Story(256)...)
	l.Append(t, ledgertest.IntentEntry(1, 1))
	l.Append(t, ledgertest.Story(300)[256:]...)
	l.Append(t, ledgertest.OutcomeEntry(1), ledgertest.OutcomeEntry(1))
	r := l.Audit().Verify(spoil(l.Files, "tile/entries/000", damages()["removed"]))
	if len(r.Problems) != 2 || !strings.Contains(r.Problems[1].Message, "has an outcome already") || r.Problems[1].First != l.Head.Size()-1 {
		t.Errorf("with a gap: %q", r.Problems)
	}
}

// What may have been in entries that are missing is no accusation.
func TestVerifyHistoryWithGaps(t *testing.T) {
	l := ledgertest.New()
	l.Append(t, slices.Concat(begun(ledgertest.DirectiveEntry(2, authority.JoinPolicy, 0)), ledgertest.Story(256)[2:])[:256]...)
	l.Append(t, ledgertest.DirectiveEntry(7, authority.Deny, 1), ledgertest.KeyReleaseEntry(900), ledgertest.OutcomeEntry(900), ledgertest.IntentEntry(901, 9), ledgertest.IntentEntry(1, 7))
	whole := l.Audit().Verify(l)
	if got := len(whole.Problems); got != 5 {
		t.Fatalf("of the whole ledger: %q", whole.Problems)
	}
	r := l.Audit().Verify(spoil(l.Files, "tile/entries/000", damages()["removed"]))
	if len(r.Problems) != 2 || r.Problems[0].Path != "tile/entries/000" || r.Problems[1].First != 260 {
		t.Errorf("with a gap: %q", r.Problems)
	}
}

// Where a recovery went on from cannot be shown without the tiles of then.
func TestVerifyRecoveryFromWhatIsLost(t *testing.T) {
	l := ledgertest.New()
	for batch := range slices.Chunk(ledgertest.Story(300), 100) {
		l.Append(t, batch...)
	}
	l.Append(t, recovery(t, 3))
	flip := damages()["first byte flipped"]
	r := l.Audit().Verify(spoil(spoil(l.Files, "tile/0/000", flip), "tile/entries/000", flip))
	last := r.Problems[len(r.Problems)-1]
	if last.Kind != ledger.BadHistory || last.First != 300 || !strings.Contains(last.Message, "cannot be shown: ") {
		t.Errorf("%q", r.Problems)
	}
}

// An entry that was signed and cannot be read is named, and the next are looked at.
func TestVerifyBadEntry(t *testing.T) {
	l := ledgertest.New()
	l.Append(t, begun()...)
	l.AppendRaw(t, []byte(`{"type":"gossip"}`))
	l.Append(t, ledgertest.OtherKeysEntry(1))
	r := l.Audit().Verify(l)
	if len(r.Problems) != 1 || r.Problems[0].Kind != ledger.BadEntry || r.Problems[0].First != 2 || r.Entries != 3 {
		t.Errorf("%d entries, %q", r.Entries, r.Problems)
	}
}
