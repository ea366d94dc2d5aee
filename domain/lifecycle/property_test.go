package lifecycle_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
)

// lies are reports that come whether or not they are true.
func lies() []variant {
	all := append(always(), statements()...)
	for _, awaited := range answers() {
		all = append(all, world{awaits: awaited, mark: home(), disk: disk{header: sealed, seal: homeSeal(join.ControlPlane)}}.reports()...)
	}
	return append(all,
		variant{"register empty", lifecycle.Booted{Attempts: 200}}, variant{"register marked", lifecycle.Booted{Marked: true}},
		variant{"blank", lifecycle.DiskExamined{Content: lifecycle.Blank}}, variant{"broken", lifecycle.DiskExamined{}},
		variant{"of the other cluster", lifecycle.Marked{Mark: twin()}}, variant{"", nil})
}

// boot is what one boot of a lied-to node has done.
type boot struct {
	marks  int
	marked bool
	inits  map[lifecycle.InitID]bool
}

// A node that is told anything in any order still keeps the rules that do not
// depend on being told the truth.
func TestRulesHoldUnderLies(t *testing.T) {
	t.Parallel()
	events := lies()
	rapid.Check(t, func(t *rapid.T) {
		s := lifecycle.New(node(rapid.SampledFrom([]join.Role{join.Worker, join.ControlPlane}).Draw(t, "role")))
		b := boot{inits: map[lifecycle.InitID]bool{}}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			e := events[rapid.IntRange(0, len(events)-1).Draw(t, "event")].event
			next, effects, err := lifecycle.Step(s, e)
			if twice, again, _ := lifecycle.Step(s, e); twice != next || len(again) != len(effects) {
				t.Fatal("one event, two answers")
			}
			if err != nil {
				if next != s || effects != nil {
					t.Fatalf("%v, and changes something", err)
				}
				continue
			}
			b = b.told(e)
			for _, f := range effects {
				b.judge(t, s, e, f)
			}
			s = next
			if s.Attempts > lifecycle.MaxAttempts || len(b.inits) > 1 || b.marks > 1 {
				t.Fatalf("%d attempts, %d inits, %d marks", s.Attempts, len(b.inits), b.marks)
			}
		}
	})
}

func (b boot) told(e lifecycle.Event) boot {
	switch e := e.(type) {
	case lifecycle.Booted:
		return boot{inits: map[lifecycle.InitID]bool{}}
	case lifecycle.InitRequested:
		b.inits[e.ID] = true
	case lifecycle.Marked:
		b.marked = true
	}
	return b
}

func (b *boot) judge(t *rapid.T, before lifecycle.State, e lifecycle.Event, f lifecycle.Effect) {
	_, asked := e.(lifecycle.WipeRequested)
	switch f := f.(type) {
	case lifecycle.SetMark:
		b.marks++
		if seal := before.Disk.Seal; seal != (lifecycle.Seal{}) && f.Mark != seal.Mark {
			t.Fatalf("marks for %v with a disk of %v", f.Mark, seal.Mark)
		}
	case lifecycle.WipeDisk:
		if f.OnRequest != asked || !asked && !before.Disk.Own {
			t.Fatalf("%s wipes %+v", lifecycle.EventName(e), before.Disk)
		}
	case lifecycle.StartServices:
		if _, recorded := e.(lifecycle.RecoveryRecorded); before.Phase == lifecycle.Recovering && !recorded {
			t.Fatalf("%s starts services", lifecycle.EventName(e))
		}
	case lifecycle.LookForJoinService:
		if f.After < 0 || f.After > lifecycle.MaxPause {
			t.Fatalf("pauses for %v", f.After)
		}
	case lifecycle.Reboot:
		if f.After < lifecycle.MinPause || f.After > lifecycle.MaxPause {
			t.Fatalf("pauses for %v", f.After)
		}
	}
	if (world{}).usesSecrets(f) && !b.marked {
		t.Fatalf("%q before the mark", lifecycle.EffectName(f))
	}
}
