package measurement_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// event returns an event that extends the hash of text.
func event(t testing.TB, name, text string) measurement.Event {
	t.Helper()
	r := register(t, name)
	return measurement.Event{Register: r, Digest: measurement.Sum(r.Bank().Algorithm(), []byte(text)), Type: "EV_IPL", Description: text}
}

// The values are those that the TCG specification demands of a machine whose
// firmware extends only separators: H(00000000) once into each register.
func TestReplayOfASeparator(t *testing.T) {
	separator := event(t, "pcr2", "\x00\x00\x00\x00")
	got := measurement.Replay(0, []measurement.Event{separator})
	const want = "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"
	if value := got.Get(register(t, "pcr2")); value.String() != want {
		t.Errorf("PCR 2 = %v, want %s", value, want)
	}
	if got.Len() != 1 {
		t.Errorf("%d registers have a value, want 1", got.Len())
	}
}

func TestReplayFoldsEventsInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"pcr0", "pcr4", "pcr17", "rtmr2"}), 1, 12).Draw(rt, "registers")
		locality := rapid.SampledFrom([]uint8{0, 3, 4}).Draw(rt, "locality")
		want := map[string]measurement.Digest{}
		var events []measurement.Event
		for i, name := range names {
			e := event(t, name, strings.Repeat("x", i))
			events = append(events, e)
			if _, started := want[name]; !started {
				want[name] = e.Register.PowerOn()
				if name == "pcr0" {
					want[name], _ = measurement.ParseDigest(strings.Repeat("00", 31) + "0" + string('0'+rune(locality)))
				}
			}
			want[name] = want[name].Extend(e.Digest)
		}
		got := measurement.Replay(locality, events)
		for name, value := range want {
			if got.Get(register(t, name)) != value {
				rt.Fatalf("%s = %v, want %v", name, got.Get(register(t, name)), value)
			}
		}
		if unexplained := measurement.Unexplained(locality, events, &got); len(unexplained) != 0 {
			rt.Fatalf("a log does not explain its own replay: %v", unexplained)
		}
	})
}

// Threat row 7: whatever is altered in a log, the quoted values give it away.
func TestThreat07AlteredLogIsUnexplained(t *testing.T) {
	log := []measurement.Event{
		event(t, "pcr0", "firmware"), event(t, "pcr4", "loader"), event(t, "pcr4", "kernel"), event(t, "pcr9", "initrd"),
	}
	quoted := measurement.Replay(3, log)
	alter := map[string]func([]measurement.Event) []measurement.Event{
		"digest": func(l []measurement.Event) []measurement.Event { l[1].Digest = l[2].Digest; return l },
		"other bank": func(l []measurement.Event) []measurement.Event {
			l[1].Digest = measurement.Sum(measurement.SHA384, nil)
			return l
		},
		"no digest":    func(l []measurement.Event) []measurement.Event { l[1].Digest = measurement.Digest{}; return l },
		"register":     func(l []measurement.Event) []measurement.Event { l[1].Register = l[3].Register; return l },
		"order":        func(l []measurement.Event) []measurement.Event { l[1], l[2] = l[2], l[1]; return l },
		"dropped":      func(l []measurement.Event) []measurement.Event { return slices.Delete(l, 1, 2) },
		"last dropped": func(l []measurement.Event) []measurement.Event { return l[:3] },
		"doubled":      func(l []measurement.Event) []measurement.Event { return append(l, l[3]) },
		"all of a PCR": func(l []measurement.Event) []measurement.Event { return slices.Delete(l, 1, 3) },
		"wrong then ok": func(l []measurement.Event) []measurement.Event {
			bad := l[3]
			bad.Digest = measurement.Sum(measurement.SHA384, nil)
			return append([]measurement.Event{bad}, l...)
		},
	}
	for name, change := range alter {
		t.Run(name, func(t *testing.T) {
			if got := measurement.Unexplained(3, change(slices.Clone(log)), &quoted); len(got) == 0 {
				t.Error("the altered log explains the quoted registers")
			}
		})
	}
	if got := measurement.Unexplained(0, log, &quoted); !slices.Equal(got, []measurement.Register{register(t, "pcr0")}) {
		t.Errorf("another startup locality leaves %v unexplained, want PCR 0", got)
	}
	if got := measurement.Unexplained(3, log, &quoted); len(got) != 0 {
		t.Errorf("the genuine log leaves %v unexplained", got)
	}
}

func TestUnexplainedTakesUntouchedRegistersAtPowerOn(t *testing.T) {
	var quoted measurement.Registers
	pcr8, pcr12 := register(t, "pcr8"), register(t, "pcr12")
	_ = quoted.Set(pcr8, pcr8.PowerOn())
	_ = quoted.Set(pcr12, measurement.Sum(measurement.SHA256, nil))
	log := []measurement.Event{event(t, "pcr4", "of a register that is not quoted")}
	if got := measurement.Unexplained(0, log, &quoted); !slices.Equal(got, []measurement.Register{pcr12}) {
		t.Errorf("Unexplained = %v, want PCR 12", got)
	}
}
