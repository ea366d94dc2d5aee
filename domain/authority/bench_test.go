package authority_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
)

// long signs a statement, and then approves as many machines.
func long(tb testing.TB, n int) (*authority.Authority, [][]byte) {
	tb.Helper()
	author := newAuthor(tb)
	author.Statement()
	for i := range n {
		author.By("platform").Approve(machine(fmt.Sprint(i)), join.Worker)
	}
	return author.Begin(), author.All()
}

func BenchmarkFold1000(b *testing.B) {
	begin, all := long(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		apply(b, begin, all...)
	}
}

func BenchmarkStandingOnOneOf10000(b *testing.B) {
	begin, all := long(b, 10_000)
	a := apply(b, begin, all...)
	b.ReportAllocs()
	for b.Loop() {
		a.StandingOn(machine("77"))
	}
}

// Every Authority of a long chain can be kept: it shares almost all with the one
// before.
func TestFoldingLeavesLittleBehind(t *testing.T) {
	const n = 400
	a, all := long(t, n)
	kept := make([]*authority.Authority, 0, n+1)
	before := heap()
	for _, d := range all {
		a = apply(t, a, d)
		kept = append(kept, a)
	}
	each := (int64(heap()) - int64(before)) / int64(len(kept))
	if each > 4096 {
		t.Errorf("%d authorities keep %d bytes each", len(kept), each)
	}
	if got := len(kept[n].Standing().Approvals); got != n {
		t.Errorf("%d approvals, want %d", got, n)
	}
	runtime.KeepAlive(all)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
