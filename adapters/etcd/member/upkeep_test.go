package member_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
	"github.com/asterism-k8s/asterism/ports"
)

// A store that is full refuses writes, goes on answering and deleting, and takes
// writes again once there is room: whoever fills it cannot do more than that.
func TestThreat23QuotaHolds(t *testing.T) {
	const quota = 16 << 20
	cluster := etcdtest.StartWith(t, 1, func(c *member.Config) { c.Insecure, c.Quota = true, quota })
	m := cluster.Members[0]
	s := etcdtest.Open(t, nil, cluster.Endpoints()...)
	kept := fill(t, s, 3)
	value := bytes.Repeat([]byte{7}, ports.MaxItemSize)
	for i := 0; ; i++ {
		_, err := s.Commit(t.Context(), put("large", value))
		if errors.Is(err, ports.ErrStoreFull) {
			break
		}
		if err != nil && !errors.Is(err, ports.ErrOutcomeUnknown) || i > 10*quota/len(value) {
			t.Fatalf("after %d writes: %v", i, err)
		}
	}
	status, err := m.Status(t.Context())
	if err != nil || !status.Full || status.Quota != quota {
		t.Errorf("a full member is %+v (%v)", status, err)
	}
	tx := put("n000", nil)
	tx.Then[0].TTL = 3600e9
	_, err = s.Commit(t.Context(), tx) // the lease is refused already
	wantErr(t, "Commit with a TTL", err, ports.ErrStoreFull)
	if it, err := s.Get(t.Context(), record("large")); err != nil || !bytes.Equal(it.Value, value) {
		t.Errorf("reading from a full store: %v", err)
	}
	commit(t, s, &ports.Transaction{Then: []ports.Write{{Key: record("large"), Delete: true}}})
	_, err = s.Commit(t.Context(), put("more", nil))
	wantErr(t, "Commit after a delete alone", err, ports.ErrStoreFull)
	if err := m.ReclaimSpace(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if status, err = m.Status(t.Context()); err != nil || status.Full || status.Size > quota/2 {
		t.Errorf("after its space was reclaimed a member is %+v (%v)", status, err)
	}
	if got := listed(t, s); fmt.Sprint(got) != fmt.Sprint(kept) {
		t.Errorf("the store holds %v, want %v", got, kept)
	}
	commit(t, s, put("more", value))
}

// Where what there is takes all the room, reclaiming says so and the store stays
// full.
func TestReclaimNothing(t *testing.T) {
	const quota = 8 << 20
	cluster := etcdtest.StartWith(t, 1, func(c *member.Config) { c.Insecure, c.Quota = true, quota })
	s := etcdtest.Open(t, nil, cluster.Endpoints()...)
	var reclaimed error
	for i := 0; reclaimed == nil && i < 2*quota/ports.MaxItemSize; i++ {
		_, err := s.Commit(t.Context(), put(fmt.Sprint("n", i), bytes.Repeat([]byte{7}, ports.MaxItemSize)))
		if err != nil && !errors.Is(err, ports.ErrOutcomeUnknown) { // with less room each time
			wantErr(t, "Commit", err, ports.ErrStoreFull)
			reclaimed = cluster.Members[0].ReclaimSpace(bounded(t))
		}
	}
	wantErr(t, "ReclaimSpace", reclaimed, member.ErrStillFull)
	_, err := s.Commit(t.Context(), put("more", nil))
	wantErr(t, "Commit", err, ports.ErrStoreFull)
}

func TestCompactTwice(t *testing.T) {
	cluster := etcdtest.Start(t, 1)
	s := etcdtest.Open(t, nil, cluster.Endpoints()...)
	fill(t, s, 3)
	want := commit(t, s, put("n000", nil))
	for range 2 {
		if err := cluster.Members[0].Compact(bounded(t), int64(want)); err != nil {
			t.Error(err)
		}
	}
	if err := cluster.Members[0].Compact(bounded(t), int64(want)+100); err == nil {
		t.Error("the future is forgotten")
	}
	if it, err := s.Get(t.Context(), record("n000")); err != nil || it.Revision != want {
		t.Errorf("after compaction the record is %+v (%v)", it, err)
	}
}
