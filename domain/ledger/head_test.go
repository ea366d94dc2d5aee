package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

func headOf(n int) *ledger.Head {
	h := &ledger.Head{}
	for i := range n {
		h.Frontier.Append(merkle.LeafHash([]byte{byte(i), byte(i >> 8)}))
		h.Time = ledgertest.Start()
	}
	return h
}

func TestHeadIsTheDocumentedEncoding(t *testing.T) {
	for n, want := range map[int]string{
		0: `{"size":0,"version":"asterism/ledger-head/v1"}`,
		1: `{"peaks":["` + merkle.LeafHash([]byte{0, 0}).String() + `"],"size":1,"time":"2026-03-01T12:00:00Z","version":"asterism/ledger-head/v1"}`,
	} {
		if data, err := headOf(n).Encode(); err != nil || string(data) != want {
			t.Errorf("%d entries = %s, %v", n, data, err)
		}
	}
}

func TestHeadRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := headOf(rapid.IntRange(0, 700).Draw(t, "size"))
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ledger.DecodeHead(data)
		if err != nil || got.Frontier != want.Frontier || !got.Time.Equal(want.Time) || got.Tree() != want.Tree() {
			t.Fatalf("DecodeHead = %v, %v", got, err)
		}
	})
}

func TestHeadRefuses(t *testing.T) {
	data, err := headOf(3).Encode()
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	peak := `"` + headOf(3).Frontier.Peaks()[1].String() + `"`
	for name, text := range map[string]string{
		"empty":           "",
		"too long":        strings.Repeat(" ", ledger.MaxHeadSize+1),
		"trailing":        good + " ",
		"another version": strings.Replace(good, "v1", "v2", 1),
		"a peak less":     strings.Replace(good, ","+peak, "", 1),
		"a peak more":     strings.Replace(good, peak, peak+","+peak, 1),
		"no time":         strings.Replace(good, `"time":"2026-03-01T12:00:00Z",`, "", 1),
		"part of a ms":    strings.Replace(good, "00Z", "00.0001Z", 1),
		"another size":    strings.Replace(good, `"size":3`, `"size":5`, 1) + "",
		"unknown field":   strings.Replace(good, `"size"`, `"a":1,"size"`, 1),
		"time of nothing": `{"size":0,"time":"2026-03-01T12:00:00Z","version":"asterism/ledger-head/v1"}`,
		"too large": `{"peaks":["` + strings.Repeat("0", 64) + `"],"size":9007199254740992,"time":"2026-03-01T12:00:00Z",` +
			`"version":"asterism/ledger-head/v1"}`,
	} {
		h, err := ledger.DecodeHead([]byte(text))
		if name == "another size" { // two bits are set in it, too: only the root tells
			continue
		}
		if !errors.Is(err, ledger.ErrHead) || h != nil {
			t.Errorf("%s: DecodeHead = %v, %v", name, h, err)
		}
	}
	if h, err := (&ledger.Head{Time: ledgertest.Start()}).Encode(); !errors.Is(err, ledger.ErrHead) {
		t.Errorf("Encode = %s, %v", h, err)
	}
}

func TestAppend(t *testing.T) {
	by, now := ledgertest.Node(0).String(), ledgertest.Start().Add(1234567*time.Nanosecond).In(time.FixedZone("", 7200))
	entries := ledgertest.Story(5)
	head, batch, err := ledger.Append(&ledger.Head{}, entries[:2], ledger.Stamp{Now: now, By: by})
	if err != nil {
		t.Fatal(err)
	}
	if batch.First != 0 || batch.Name() != ledger.BatchName(0) || head.Size() != 2 {
		t.Errorf("first batch at %d, head of %d", batch.First, head.Size())
	}
	next, batch, err := ledger.Append(head, entries[2:], ledger.Stamp{Now: now.Add(-time.Hour), By: by})
	if err != nil || batch.First != 2 || next.Size() != 5 || head.Size() != 2 {
		t.Fatalf("second batch: %v, %v", batch, err)
	}
	stored, err := batch.Encode()
	if err != nil {
		t.Fatal(err)
	}
	list, err := ledger.DecodeBatch(stored)
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range list {
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			t.Fatal(err)
		}
		if want := ledgertest.Start().Add(time.Millisecond); !e.Time.Equal(want) || e.By != by || e.Type != entries[2+i].Type {
			t.Errorf("entry %d: %s at %v by %s, want %v: times do not go back by so little", i, e.Type, e.Time, e.By, want)
		}
		head.Frontier.Append(merkle.LeafHash(data))
	}
	if head.Frontier != next.Frontier {
		t.Error("the head is not that of the entries")
	}
	if !entries[2].Time.IsZero() {
		t.Error("Append has changed what it was given")
	}
}

// TestAppendOutlivesClocks: one clock in a far future has its say once, an outage of
// weeks is as long as it was, and a clock that is a little behind is not heard.
func TestAppendOutlivesClocks(t *testing.T) {
	start := ledgertest.Start()
	head := &ledger.Head{}
	for i, step := range []struct{ now, want time.Time }{
		{start, start},
		{start.Add(40 * 24 * time.Hour), start.Add(40 * 24 * time.Hour)},
		{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)},
		{start.Add(41 * 24 * time.Hour), start.Add(41 * 24 * time.Hour)},
		{start.Add(40 * 24 * time.Hour), start.Add(41 * 24 * time.Hour)}, // a day, and no more
		{start.Add(40*24*time.Hour - time.Millisecond), start.Add(40*24*time.Hour - time.Millisecond)},
	} {
		next, _, err := ledger.Append(head, ledgertest.Story(2)[:1], ledger.Stamp{Now: step.now, By: ledgertest.Node(0).String()})
		if err != nil {
			t.Fatal(err)
		}
		if head = next; !head.Time.Equal(step.want) {
			t.Errorf("entry %d at %v, want %v", i, head.Time, step.want)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	stamp := ledger.Stamp{Now: ledgertest.Start(), By: ledgertest.Node(0).String()}
	bad := ledgertest.Story(3)
	bad[1].Directive.Serial = 0
	_, _, err := ledger.Append(&ledger.Head{}, bad, stamp)
	if invalid := (*ledger.InvalidEntryError)(nil); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "entry 1 of the batch") {
		t.Errorf("a bad entry: %v", err)
	}
	if _, _, err := ledger.Append(&ledger.Head{}, nil, stamp); !errors.Is(err, ledger.ErrBatch) {
		t.Errorf("no entries: %v", err)
	}
	if _, _, err := ledger.Append(&ledger.Head{}, ledgertest.Story(2), ledger.Stamp{Now: ledgertest.Start()}); !errors.Is(err, ledger.ErrEntry) {
		t.Errorf("by nobody: %v", err)
	}
	full := fullHead(t)
	if _, _, err := ledger.Append(full, ledgertest.Story(2), stamp); !errors.Is(err, ledger.ErrHead) {
		t.Errorf("a full ledger: %v", err)
	}
	if next, _, err := ledger.Append(full, ledgertest.Story(2)[:1], stamp); err != nil || next.Size() != ledger.MaxSize {
		t.Errorf("the last entry: %v", err)
	}
}

// fullHead is of a ledger with room for one entry.
func fullHead(t *testing.T) *ledger.Head {
	t.Helper()
	peaks := make([]merkle.Hash, 52) // of MaxSize - 1, which is even
	f, err := merkle.NewFrontier(ledger.MaxSize-1, peaks)
	if err != nil {
		t.Fatal(err)
	}
	return &ledger.Head{Frontier: f, Time: ledgertest.Start()}
}
