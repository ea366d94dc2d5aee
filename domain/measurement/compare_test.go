package measurement_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

func replayed(log []measurement.Event, r measurement.Register) measurement.Digest {
	values := measurement.Replay(0, log)
	return values.Get(r)
}

// expecting returns a reference to the value of a register after the log.
func expecting(t testing.TB, rule measurement.Rule, log ...measurement.Event) measurement.Reference {
	t.Helper()
	r := log[0].Register
	value := measurement.ReferenceValue{Digest: replayed(log, r), Events: log}
	return measurement.Reference{Register: r, Rule: rule, Values: []measurement.ReferenceValue{value}}
}

func references(t testing.TB, list ...measurement.Reference) measurement.References {
	t.Helper()
	rs, err := measurement.NewReferences(list)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestCompareNamesEveryMismatchAndTheFirstDivergingEvent(t *testing.T) {
	loader, kernel, other := event(t, "pcr4", "loader"), event(t, "pcr4", "kernel"), event(t, "pcr4", "another kernel")
	cmdline, image := event(t, "pcr9", "command line"), event(t, "pcr11", "image")
	refs := references(t,
		expecting(t, measurement.Warn, image),
		expecting(t, measurement.Enforce, loader, kernel),
		expecting(t, measurement.Enforce, cmdline),
		expecting(t, measurement.Ignore, event(t, "pcr10", "never seen")))
	log := []measurement.Event{loader, cmdline, other, event(t, "pcr11", "another image")}
	seen := measurement.Replay(0, log)

	got := refs.Compare(&seen, log)
	want := []measurement.Mismatch{
		{
			Register: register(t, "pcr4"), Rule: measurement.Enforce,
			Expected:   expecting(t, measurement.Enforce, loader, kernel).Values,
			Seen:       replayed([]measurement.Event{loader, other}, kernel.Register),
			Divergence: &measurement.Divergence{Position: 1, Expected: &kernel, Seen: &other},
		},
		{
			Register: register(t, "pcr11"), Rule: measurement.Warn,
			Expected:   expecting(t, measurement.Enforce, image).Values,
			Seen:       replayed(log[3:], image.Register),
			Divergence: &measurement.Divergence{Position: 0, Expected: &image, Seen: &log[3]},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b measurement.Digest) bool { return a == b }), cmp.Comparer(func(a, b measurement.Register) bool { return a == b })); diff != "" {
		t.Errorf("mismatches (-want +got):\n%s", diff)
	}
	if enforced, warned := refs.Distance(&seen); enforced != 1 || warned != 1 {
		t.Errorf("Distance = %d, %d; want 1, 1", enforced, warned)
	}
}

func TestDivergenceAtTheEndOfALog(t *testing.T) {
	a, b := event(t, "pcr4", "a"), event(t, "pcr4", "b")
	tests := []struct {
		name           string
		expected, seen []measurement.Event
		position       int
		want, got      *measurement.Event
	}{
		{"an event too many", []measurement.Event{a}, []measurement.Event{a, b}, 1, nil, &b},
		{"an event too few", []measurement.Event{a, b}, []measurement.Event{a}, 1, &b, nil},
		{"from the start", []measurement.Event{a}, []measurement.Event{b}, 0, &a, &b},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := measurement.Replay(0, tt.seen)
			refs := references(t, expecting(t, measurement.Enforce, tt.expected...))
			got := refs.Compare(&seen, tt.seen)
			if len(got) != 1 || got[0].Divergence == nil {
				t.Fatalf("Compare = %v", got)
			}
			d := got[0].Divergence
			if d.Position != tt.position || !same(d.Expected, tt.want) || !same(d.Seen, tt.got) {
				t.Errorf("divergence = %d, %v, %v", d.Position, d.Expected, d.Seen)
			}
		})
	}
}

func same(a, b *measurement.Event) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// A log that does not lead to the register's value must not be believed about
// where the boot went wrong.
func TestDivergenceNeedsALogThatReplays(t *testing.T) {
	refs := references(t, expecting(t, measurement.Enforce, event(t, "pcr4", "kernel")))
	seen := measurement.Replay(0, []measurement.Event{event(t, "pcr4", "evil")})
	for name, log := range map[string][]measurement.Event{
		"none": nil, "other register": {event(t, "pcr9", "evil")}, "false": {event(t, "pcr4", "innocent")},
	} {
		if got := refs.Compare(&seen, log); len(got) != 1 || got[0].Divergence != nil {
			t.Errorf("%s: Compare = %+v, want one mismatch without divergence", name, got)
		}
	}
}

// A register that must stay untouched has a known path: the empty one.
func TestDivergenceFromAnUntouchedRegister(t *testing.T) {
	added := event(t, "pcr12", "a parameter from outside")
	untouched := measurement.ReferenceValue{Digest: added.Register.PowerOn()}
	refs := references(t, measurement.Reference{Register: added.Register, Values: []measurement.ReferenceValue{untouched}})
	seen := measurement.Replay(0, []measurement.Event{added})
	got := refs.Compare(&seen, []measurement.Event{added})
	if len(got) != 1 || got[0].Divergence == nil || got[0].Divergence.Position != 0 || !same(got[0].Divergence.Seen, &added) {
		t.Errorf("Compare = %+v", got)
	}
}

func TestDivergenceFollowsTheNearestOfSeveralPaths(t *testing.T) {
	a, b, c := event(t, "pcr4", "a"), event(t, "pcr4", "b"), event(t, "pcr4", "c")
	short, long := expecting(t, measurement.Enforce, c, b), expecting(t, measurement.Enforce, a, b, c)
	bare := measurement.ReferenceValue{Digest: measurement.Sum(measurement.SHA256, nil)}
	short.Values = append(short.Values, long.Values[0], bare)
	log := []measurement.Event{a, b, b}
	seen := measurement.Replay(0, log)
	refs := references(t, short)
	got := refs.Compare(&seen, log)
	if len(got) != 1 || len(got[0].Expected) != 3 || got[0].Divergence == nil || got[0].Divergence.Position != 2 {
		t.Fatalf("Compare = %+v", got)
	}
}

// Where it is not known how a value comes about, nothing can be said to diverge.
func TestNoDivergenceFromAnUnknownPath(t *testing.T) {
	seen := event(t, "pcr4", "seen")
	refs := references(t, measurement.Reference{
		Register: seen.Register, Values: []measurement.ReferenceValue{{Digest: measurement.Sum(measurement.SHA256, nil)}},
	})
	values := measurement.Replay(0, []measurement.Event{seen})
	if got := refs.Compare(&values, []measurement.Event{seen}); len(got) != 1 || got[0].Divergence != nil {
		t.Errorf("Compare = %+v, want no divergence", got)
	}
}

// Of paths that are followed as long, the first that is listed is shown; a longer
// one goes first wherever it stands.
func TestDivergenceDoesNotDependOnLaterPaths(t *testing.T) {
	a, b, c, d := event(t, "pcr4", "a"), event(t, "pcr4", "b"), event(t, "pcr4", "c"), event(t, "pcr4", "d")
	long, other, short := expecting(t, measurement.Enforce, a, b), expecting(t, measurement.Enforce, a, c), expecting(t, measurement.Enforce, c)
	ref := long
	ref.Values = append(ref.Values, other.Values[0], short.Values[0])
	refs := references(t, ref)
	log := []measurement.Event{a, d}
	seen := measurement.Replay(0, log)
	got := refs.Compare(&seen, log)
	if len(got) != 1 || got[0].Divergence == nil || got[0].Divergence.Position != 1 || !same(got[0].Divergence.Expected, &b) {
		t.Errorf("Compare = %+v, want divergence from b at 1", got[0].Divergence)
	}
}

// PCR 0 starts from where the firmware started the TPM; the log is believed from
// each of the places that there are, and from no other.
func TestDivergenceFromEveryLocality(t *testing.T) {
	expected, other := event(t, "pcr0", "firmware"), event(t, "pcr0", "other firmware")
	refs := references(t, expecting(t, measurement.Enforce, expected))
	log := []measurement.Event{event(t, "pcr7", "of another register"), other}
	for locality, want := range map[uint8]bool{0: true, 1: false, 3: true, 4: true} {
		seen := measurement.Replay(locality, log)
		got := refs.Compare(&seen, log)
		if len(got) != 1 || (got[0].Divergence != nil) != want {
			t.Errorf("locality %d: Compare = %+v, want divergence %v", locality, got, want)
		}
	}
}

// No log at all is no explanation, not even of a register that nothing touched.
func TestNothingExplainsNothing(t *testing.T) {
	pcr4 := register(t, "pcr4")
	if measurement.Explains(nil, pcr4, pcr4.PowerOn()) || measurement.Explains([]measurement.Event{event(t, "pcr5", "x")}, pcr4, pcr4.PowerOn()) {
		t.Error("a log without events of the register explains it")
	}
}

func TestAnyListedValueIsAccepted(t *testing.T) {
	ref := expecting(t, measurement.Enforce, event(t, "pcr7", "keys of last year"))
	ref.Values = append(ref.Values, expecting(t, measurement.Enforce, event(t, "pcr7", "keys of this year")).Values...)
	refs := references(t, ref)
	for _, text := range []string{"keys of last year", "keys of this year"} {
		seen := measurement.Replay(0, []measurement.Event{event(t, "pcr7", text)})
		if got := refs.Compare(&seen, nil); len(got) != 0 {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// A register that the evidence does not hold is a mismatch, never a pass.
func TestMissingRegisterIsAMismatch(t *testing.T) {
	var none measurement.Registers
	refs := references(t, expecting(t, measurement.Enforce, event(t, "pcr4", "kernel")))
	got := refs.Compare(&none, nil)
	if len(got) != 1 || !got[0].Seen.IsZero() {
		t.Errorf("Compare = %v", got)
	}
}

func TestDistanceAgreesWithCompare(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := rapid.SampledFrom([]measurement.Rule{measurement.Enforce, measurement.Warn, measurement.Ignore})
		var list []measurement.Reference
		var log []measurement.Event
		for _, name := range []string{"pcr0", "pcr4", "pcr9", "rtmr1"} {
			list = append(list, expecting(t, rules.Draw(rt, "rule"), event(t, name, "right")))
			if text := rapid.SampledFrom([]string{"right", "wrong", ""}).Draw(rt, name); text != "" {
				log = append(log, event(t, name, text))
			}
		}
		seen := measurement.Replay(0, log)
		refs := references(t, list...)
		var enforced, warned int
		for _, m := range refs.Compare(&seen, log) {
			if m.Rule == measurement.Warn {
				warned++
			} else {
				enforced++
			}
		}
		if e, w := refs.Distance(&seen); e != enforced || w != warned {
			rt.Fatalf("Distance = %d, %d; Compare found %d, %d", e, w, enforced, warned)
		}
	})
}

func TestNewReferencesRefuses(t *testing.T) {
	good := expecting(t, measurement.Enforce, event(t, "pcr4", "kernel"))
	change := func(f func(*measurement.Reference)) measurement.Reference {
		ref := expecting(t, measurement.Enforce, event(t, "pcr4", "kernel"))
		f(&ref)
		return ref
	}
	for name, list := range map[string][]measurement.Reference{
		"twice":    {good, good},
		"no value": {change(func(r *measurement.Reference) { r.Values = nil })},
		"wrong algorithm": {change(func(r *measurement.Reference) {
			r.Values[0] = measurement.ReferenceValue{Digest: measurement.Sum(measurement.SHA384, nil)}
		})},
		"zero digest":   {change(func(r *measurement.Reference) { r.Values[0].Digest = measurement.Digest{} })},
		"foreign event": {change(func(r *measurement.Reference) { r.Values[0].Events[0].Register = register(t, "pcr5") })},
		"false events":  {change(func(r *measurement.Reference) { r.Values[0].Events[0] = event(t, "pcr4", "another") })},
	} {
		if _, err := measurement.NewReferences(list); !errors.Is(err, measurement.ErrReference) {
			t.Errorf("%s: %v, want ErrReference", name, err)
		}
	}
}

func TestLookup(t *testing.T) {
	refs := references(t, expecting(t, measurement.Warn, event(t, "pcr9", "x")), expecting(t, measurement.Enforce, event(t, "pcr4", "y")))
	if ref := refs.Lookup(register(t, "pcr9")); ref == nil || ref.Rule != measurement.Warn || refs.Len() != 2 {
		t.Errorf("Lookup = %v of %d", ref, refs.Len())
	}
	if ref := refs.Lookup(register(t, "pcr5")); ref != nil {
		t.Errorf("a register without reference has %v", ref)
	}
}

func BenchmarkDistance(b *testing.B) {
	var list []measurement.Reference
	for _, name := range []string{"pcr0", "pcr2", "pcr3", "pcr4", "pcr6", "pcr7", "pcr8", "pcr9", "pcr11", "pcr12", "pcr13", "pcr14"} {
		list = append(list, expecting(b, measurement.Enforce, event(b, name, name)))
	}
	refs := references(b, list...)
	var seen measurement.Registers
	b.ReportAllocs()
	for b.Loop() {
		refs.Distance(&seen)
	}
}
