package member_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
	"github.com/asterism-k8s/asterism/ports"
)

// A snapshot of three becomes a store of one that holds the same items with the
// same revisions, and goes on far above all revisions that were given out after
// it. It grows again and is started again like any other.
func TestSnapshotAndRestore(t *testing.T) {
	t.Parallel()
	old := etcdtest.Start(t, 3)
	s := etcdtest.Open(t, nil, old.Endpoints()...)
	want := fill(t, s, 50)
	commit(t, s, put("gone", nil))
	commit(t, s, &ports.Transaction{Then: []ports.Write{{Key: record("gone"), Delete: true}}})
	var snapshot bytes.Buffer
	if err := old.Members[1].Snapshot(bounded(t), &snapshot); err != nil {
		t.Fatal(err)
	}
	lost := commit(t, s, put("lost", nil))
	for _, m := range old.Members {
		etcdtest.Stop(t, m)
	}
	c := etcdtest.Config(t, "restored")
	c.Insecure = true
	if err := member.Restore(bytes.NewReader(snapshot.Bytes()), c.Folder); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "restoring it twice", member.Restore(bytes.NewReader(snapshot.Bytes()), c.Folder), member.ErrOccupied)
	restored := etcdtest.Launch(t, c)
	s = etcdtest.Open(t, nil, restored.Endpoints()...)
	if got := listed(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("restored are %v, want %v", got, want)
	}
	if next := commit(t, s, put("next", nil)); next < lost+1000 {
		t.Errorf("revision %d after %d was given out", next, lost)
	}
	etcdtest.Stop(t, restored)
	restored = etcdtest.Launch(t, c)
	wantMembers(t, restored, "restored")
	other := join(t, restored, "other")
	wantMembers(t, other, "other", "restored")
	commit(t, s, put("last", nil))
	wantSame(t, restored, other)
}

// An item whose TTL has not ended when the snapshot is taken still ends.
func TestRestoreKeepsTTL(t *testing.T) {
	t.Parallel()
	old := etcdtest.Start(t, 1)
	s := etcdtest.Open(t, nil, old.Endpoints()...)
	tx := put("a", nil)
	tx.Then[0].TTL = 2e9
	commit(t, s, tx)
	var snapshot bytes.Buffer
	if err := old.Members[0].Snapshot(bounded(t), &snapshot); err != nil {
		t.Fatal(err)
	}
	c := etcdtest.Config(t, "restored")
	c.Insecure = true
	if err := member.Restore(&snapshot, c.Folder); err != nil {
		t.Fatal(err)
	}
	s = etcdtest.Open(t, nil, etcdtest.Launch(t, c).Endpoints()...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	gone := errors.New("gone")
	err := s.Watch(ctx, ports.Records, func(u *ports.Update) error {
		if u.Whole && len(u.Items) == 0 || len(u.Deleted) == 1 {
			return gone
		}
		return nil
	})
	wantErr(t, "watching it", err, gone)
}

func TestRestoreRefuses(t *testing.T) {
	old := etcdtest.Start(t, 1)
	var good bytes.Buffer
	if err := old.Members[0].Snapshot(bounded(t), &good); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good.Bytes())
	flipped[len(flipped)/2] ^= 1
	for name, snapshot := range map[string][]byte{
		"nothing":        nil,
		"a hash alone":   good.Bytes()[:32],
		"too short":      good.Bytes()[:good.Len()-1],
		"half":           good.Bytes()[:good.Len()/2],
		"too long":       append(bytes.Clone(good.Bytes()), 0),
		"a flipped bit":  flipped,
		"something else": []byte(strings.Repeat("This is something else. ", 1000)),
	} {
		folder := filepath.Join(etcdtest.Folder(t), "restored")
		wantErr(t, name, member.Restore(bytes.NewReader(snapshot), folder), member.ErrSnapshot)
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("%s: %v are left (%v)", name, left, err)
		}
	}
}

// What a crash has left of another attempt goes; what is not of that kind stays.
func TestRestoreRemovesOldDrafts(t *testing.T) {
	old := etcdtest.Start(t, 1)
	var snapshot bytes.Buffer
	if err := old.Members[0].Snapshot(bounded(t), &snapshot); err != nil {
		t.Fatal(err)
	}
	folder := etcdtest.Folder(t)
	for _, left := range []string{"restoring-1/snap", "restoring-2", "other"} {
		if err := os.MkdirAll(filepath.Join(folder, left), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := member.Restore(&snapshot, folder); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(left) != 2 ||
		filepath.Base(left[0]) != "member" || filepath.Base(left[1]) != "other" {
		t.Errorf("the folder holds %v (%v)", left, err)
	}
}

// A folder that cannot be looked into is not said to hold a member.
func TestRestoreIntoFile(t *testing.T) {
	file := filepath.Join(etcdtest.Folder(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := member.Restore(strings.NewReader(""), file)
	wantErr(t, "Restore", err, syscall.ENOTDIR)
	if errors.Is(err, member.ErrOccupied) {
		t.Errorf("Restore: %v", err)
	}
}
