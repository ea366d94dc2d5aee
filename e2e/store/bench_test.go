package store

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// BenchmarkAppend64 is the ledger with 64 callers at one time, each of which waits
// for its entry to be in: one sequencer, and etcd in the same process and in
// memory.
func BenchmarkAppend64(b *testing.B) {
	for name, members := range map[string]int{"1-member": 1, "3-members": 3} {
		b.Run(name, func(b *testing.B) {
			cluster := etcdtest.Start(b, members)
			n := openNode(b, 0, cluster.Endpoints()...)
			appendAll(b, n, 64)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// appendAll appends b.N entries by so many callers.
func appendAll(b *testing.B, n *node, callers int) {
	b.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range callers {
		group.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				p := &sequencing.Proposal{Entries: []ledger.Entry{entry("bench", uint64(i))}}
				if _, err := n.sequencer.Append(context.Background(), p); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
}
