package ledger_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
)

func BenchmarkEncodeEntry(b *testing.B) {
	e := oneOfEach()[2]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEntry(b *testing.B) {
	data := encodeEntry(b, &oneOfEach()[2])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ledger.DecodeEntry(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend64 puts a batch in order, as when 64 callers come at once.
func BenchmarkAppend64(b *testing.B) {
	entries, head := ledgertest.Story(66)[2:], headOf(1000)
	stamp := ledger.Stamp{Now: ledgertest.Start(), By: ledgertest.Node(0).String()}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ledger.Append(head, entries, stamp); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(entries))/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkGrow64 makes the files of such a batch.
func BenchmarkGrow64(b *testing.B) {
	files := folder{}
	files.grow(b, 0, 70_000)
	entries := raw(70_000, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ledger.Grow(70_000, files, entries); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify10000 verifies a ledger of 10,000 entries offline.
func BenchmarkVerify10000(b *testing.B) {
	l := ledgertest.Filled(b, 10_000)
	a := l.Audit()
	b.ReportAllocs()
	for b.Loop() {
		if r := a.Verify(l); !r.Sound() || r.Entries != 10_000 {
			b.Fatalf("%d entries, %q", r.Entries, r.Problems)
		}
	}
}
