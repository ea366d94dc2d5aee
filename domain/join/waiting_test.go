package join_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// waiting is a member that moved, and waits for its approval.
func waiting(t testing.TB) *join.Waiting {
	t.Helper()
	s := teeRejoin()
	s.f.Own.Chip = chip(9)
	w, err := join.NewWaiting(s.c, s.f, s.decide(), s.now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWaiting(t *testing.T) {
	want := &join.Waiting{
		Version: join.WaitingVersion, Identity: identity("instance:qemu-snp:vm-1"), Kind: join.Rejoin, Name: "node-1", Role: join.Worker, Disk: disk,
		Platform: evidence.QEMUSNP, Chip: chip(1), Release: "v1.2.3", Evidence: hashOf("evidence"), Codes: codes("MACHINE_MOVED"), Asked: now,
	}
	w := waiting(t)
	if diff := cmp.Diff(want, w, comparables()); diff != "" {
		t.Errorf("a rejoin (-want +got):\n%s", diff)
	}
	again, err := join.DecodeWaiting(encode(t, w))
	if diff := cmp.Diff(w, again, comparables()); diff != "" || err != nil {
		t.Errorf("%v; (-want +got):\n%s", err, diff)
	}
	s := teeControlPlane()
	w, err = join.NewWaiting(s.c, s.f, s.decide(), s.now)
	if err != nil || w.Kind != join.FirstJoin || w.Role != join.ControlPlane || w.Name != "node-1" || !cmp.Equal(w.Codes, codes("APPROVAL_MISSING")) {
		t.Errorf("a first join: %+v, %v", w, err)
	}
}

func TestOnlyWhoMayBeApprovedWaits(t *testing.T) {
	for _, s := range []*situation{firstJoin(), unlisted()} {
		if w, err := join.NewWaiting(s.c, s.f, s.decide(), s.now); !errors.Is(err, join.ErrWaiting) || w != nil {
			t.Errorf("%+v, %v", w, err)
		}
	}
	s := teeControlPlane()
	s.c.Verdict.Release = "\n"
	if w, err := join.NewWaiting(s.c, s.f, s.decide(), s.now); !errors.Is(err, join.ErrWaiting) || w != nil {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestInvalidWaiting(t *testing.T) {
	for path, change := range map[string]func(*join.Waiting){
		"version":  func(w *join.Waiting) { w.Version = "" },
		"identity": func(w *join.Waiting) { w.Identity = join.Identity{} },
		"kind":     func(w *join.Waiting) { w.Kind = "" },
		"name":     func(w *join.Waiting) { w.Name = "" },
		"evidence": func(w *join.Waiting) { w.Evidence = measurement.Sum(measurement.SHA384, nil) },
		"codes":    func(w *join.Waiting) { w.Codes = nil },
		"asked":    func(w *join.Waiting) { w.Asked = now.Local().Add(1) },
	} {
		w := waiting(t)
		change(w)
		_, err := w.Encode()
		var invalid *join.InvalidError
		if !errors.Is(err, join.ErrWaiting) || !errors.As(err, &invalid) || invalid.Problems[0].Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := join.DecodeWaiting([]byte(strings.Repeat(" ", join.MaxWaitingSize+1))); !errors.Is(err, join.ErrWaiting) {
		t.Errorf("too large: %v", err)
	}
}

func FuzzDecodeWaiting(f *testing.F) {
	f.Add(encode(f, waiting(f)))
	f.Add([]byte(`{"version":"asterism/waiting/v1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := join.DecodeWaiting(data)
		if err != nil {
			if w != nil || !errors.Is(err, join.ErrWaiting) {
				t.Fatalf("%+v, %v", w, err)
			}
			return
		}
		if !bytes.Equal(encode(t, w), data) {
			t.Fatalf("%q is written as %q", data, encode(t, w))
		}
	})
}
