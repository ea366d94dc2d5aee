package lifecycle_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/lifecycle"
)

var update = flag.Bool("update", false, "draw docs/lifecycle.md anew")

// place is a phase and a stage.
type place struct {
	phase lifecycle.Phase
	stage lifecycle.Stage
}

func at(s lifecycle.State) place { return place{s.Phase, s.Stage} }

func (p place) String() string {
	if p.stage == "" {
		return string(p.phase)
	}
	return fmt.Sprintf("%s, %s", p.phase, p.stage)
}

// arrow is what an event does in a place.
type arrow struct {
	from    place
	event   string
	to      place
	effects string
	refusal lifecycle.Code
}

// drawing is what all worlds have shown, and in which order it came.
type drawing struct {
	arrows map[arrow][]string // notes of the events
	events map[string]int
	notes  map[string]int
}

// draw asks the machine; it knows no transition itself.
func draw(t *testing.T) *drawing {
	t.Helper()
	d := &drawing{arrows: map[arrow][]string{}, events: map[string]int{}, notes: map[string]int{}}
	explore(t, func(w world, v variant) {
		if apt(w.state, v) {
			d.look(w.state, v)
		}
	})
	for _, marked := range []bool{false, true} {
		note := map[bool]string{true: "register marked already", false: "register empty"}[marked]
		d.look(lifecycle.New(node("worker")), variant{note, lifecycle.Booted{Marked: marked}})
	}
	return d
}

// apt says that an event is to a state what its note says. The other worlds, such
// as those in which the other cluster is the node's own, show nothing new.
func apt(s lifecycle.State, v variant) bool {
	seal := s.Disk.Seal
	if s.Target == twin() || seal.Mark == twin() || s.Init == (lifecycle.InitID{2}) {
		return false
	}
	switch e := v.event.(type) {
	case lifecycle.JoinServiceFound:
		return seal.Serial <= e.Serial || v.note != "of its cluster"
	case lifecycle.ShareOffered:
		return seal.Checkpoint.Size == e.Newest.Size || v.note != "from a fork"
	case lifecycle.StatementSeen:
		if v.note == "from a fork" {
			return seal.Checkpoint.Size == e.Checkpoint.Size && seal.Checkpoint != e.Checkpoint
		}
		return seal == lifecycle.Seal{} || seal.Serial == 3
	case lifecycle.TicketReceived:
		return s.Phase != lifecycle.Joining || e.Fits
	default:
		return true
	}
}

func (d *drawing) look(s lifecycle.State, v variant) {
	next, effects, err := lifecycle.Step(s, v.event)
	a := arrow{from: at(s), event: lifecycle.EventName(v.event), to: at(next)}
	names := make([]string, len(effects))
	for i, f := range effects {
		names[i] = lifecycle.EffectName(f)
	}
	a.effects = strings.Join(names, ", ")
	if refusal := (*lifecycle.Refusal)(nil); errors.As(err, &refusal) {
		a.refusal = refusal.Code
	}
	for _, seen := range []struct {
		in  map[string]int
		key string
	}{{d.events, a.event}, {d.notes, v.note}} {
		if _, known := seen.in[seen.key]; !known {
			seen.in[seen.key] = len(seen.in)
		}
	}
	if !slices.Contains(d.arrows[a], v.note) {
		d.arrows[a] = append(d.arrows[a], v.note)
	}
}

// sorted returns the arrows that pass, in the order of a life.
func (d *drawing) sorted(pass func(arrow) bool) []arrow {
	all := slices.DeleteFunc(slices.Collect(maps.Keys(d.arrows)), func(a arrow) bool { return !pass(a) })
	slices.SortFunc(all, func(a, b arrow) int {
		return cmp.Or(
			cmp.Compare(rank(a.from), rank(b.from)), cmp.Compare(d.events[a.event], d.events[b.event]),
			cmp.Compare(rank(a.to), rank(b.to)), cmp.Compare(a.effects, b.effects), cmp.Compare(a.refusal, b.refusal))
	})
	return all
}

func rank(p place) int {
	phases := []lifecycle.Phase{
		lifecycle.Measured, lifecycle.Fresh, lifecycle.Sealed, lifecycle.Damaged, lifecycle.Initialising, lifecycle.Joining,
		lifecycle.Rejoining, lifecycle.Recovering, lifecycle.Member, lifecycle.Withheld, lifecycle.Revoked, lifecycle.Ended,
	}
	stages := []lifecycle.Stage{
		"", lifecycle.Formatting, lifecycle.Waiting, lifecycle.Preparing, lifecycle.Asking, lifecycle.Gathering,
		lifecycle.Combining, lifecycle.Marking, lifecycle.Founding, lifecycle.Confirming, lifecycle.Opening,
		lifecycle.Sealing, lifecycle.Resuming, lifecycle.Recording, lifecycle.Starting,
	}
	return slices.Index(phases, p.phase)*len(stages) + slices.Index(stages, p.stage)
}

func (d *drawing) noted(a arrow) string {
	notes := slices.DeleteFunc(slices.Clone(d.arrows[a]), func(n string) bool { return n == "" })
	slices.SortFunc(notes, func(x, y string) int { return cmp.Compare(d.notes[x], d.notes[y]) })
	if len(notes) == 0 {
		return a.event
	}
	return fmt.Sprintf("%s (%s)", a.event, strings.Join(notes, "; "))
}

// ends are the events that have one meaning everywhere.
func ends(a arrow) bool { return a.event == "booted" || a.event == "stop requested" }

// diagram is the picture of phases.
func (d *drawing) diagram() string {
	moves := d.sorted(func(a arrow) bool { return a.refusal == "" && a.from.phase != a.to.phase && !ends(a) })
	leads := map[string]map[lifecycle.Phase]bool{} // phase and event to phases
	for _, a := range moves {
		key := string(a.from.phase) + a.event
		if leads[key] == nil {
			leads[key] = map[lifecycle.Phase]bool{}
		}
		leads[key][a.to.phase] = true
	}
	var order [][2]lifecycle.Phase
	labels := map[[2]lifecycle.Phase][]string{}
	for _, a := range moves {
		edge := [2]lifecycle.Phase{a.from.phase, a.to.phase}
		label := a.event
		if len(leads[string(a.from.phase)+a.event]) > 1 {
			label = strings.ReplaceAll(d.noted(a), ";", " or")
		}
		if labels[edge] == nil {
			order = append(order, edge)
		}
		if !slices.Contains(labels[edge], label) {
			labels[edge] = append(labels[edge], label)
		}
	}
	var text strings.Builder
	text.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> Ended\n    Ended --> Measured: booted\n")
	for _, edge := range order {
		fmt.Fprintf(&text, "    %s --> %s: %s\n", edge[0], edge[1], strings.Join(labels[edge], ", "))
	}
	return text.String() + "```\n"
}

// table lists what changes something.
func (d *drawing) table() string {
	var text strings.Builder
	text.WriteString("| in | event | becomes | effects, in order |\n| --- | --- | --- | --- |\n")
	for _, a := range d.sorted(func(a arrow) bool { return a.refusal == "" && !ends(a) }) {
		to := a.to.String()
		if a.to == a.from {
			to = "stays"
		}
		fmt.Fprintf(&text, "| %v | %s | %s | %s |\n", a.from, d.noted(a), to, cmp.Or(a.effects, "none"))
	}
	return text.String()
}

// endings lists the events that have one meaning everywhere, and where they are
// followed by which effects.
func (d *drawing) endings() string {
	type row struct{ event, to, effects string }
	var order []row
	places := map[row][]string{}
	for _, a := range d.sorted(func(a arrow) bool { return a.refusal == "" && ends(a) }) {
		event := a.event
		if event == "booted" {
			event = d.noted(a)
			a.from = place{phase: "every phase"}
		}
		r := row{event, a.to.String(), a.effects}
		if places[r] == nil {
			order = append(order, r)
		}
		places[r] = append(places[r], a.from.String())
	}
	var text strings.Builder
	text.WriteString("| event | in | becomes | effects, in order |\n| --- | --- | --- | --- |\n")
	for _, r := range order {
		fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", r.event, strings.Join(places[r], "; "), r.to, r.effects)
	}
	return text.String()
}

// refusals lists what each place refuses with, and what it refuses otherwise.
func (d *drawing) refusals() string {
	all := d.sorted(func(a arrow) bool { return a.refusal != "" && a.refusal != lifecycle.NotTheOwner })
	counts := map[place]map[lifecycle.Code]int{}
	for _, a := range all {
		if counts[a.from] == nil {
			counts[a.from] = map[lifecycle.Code]int{}
		}
		counts[a.from][a.refusal]++
	}
	var order []lifecycle.Code
	places := map[lifecycle.Code][]string{}
	for _, p := range slices.SortedFunc(maps.Keys(counts), func(a, b place) int { return cmp.Compare(rank(a), rank(b)) }) {
		code := most(counts[p])
		if places[code] == nil {
			order = append(order, code)
		}
		places[code] = append(places[code], p.String())
	}
	var usual, rest strings.Builder
	usual.WriteString("| in | refuses with | because |\n| --- | --- | --- |\n")
	for _, code := range order {
		fmt.Fprintf(&usual, "| %s | `%s` | %s |\n", strings.Join(places[code], "; "), code, code.Reason())
	}
	rest.WriteString("These refusals are about what was offered:\n\n| in | event | refused with | because |\n| --- | --- | --- | --- |\n")
	for _, a := range all {
		if a.refusal != most(counts[a.from]) {
			fmt.Fprintf(&rest, "| %v | %s | `%s` | %s |\n", a.from, d.noted(a), a.refusal, a.refusal.Reason())
		}
	}
	return usual.String() + "\n" + rest.String()
}

func most(counts map[lifecycle.Code]int) lifecycle.Code {
	codes := slices.Sorted(maps.Keys(counts))
	return slices.MaxFunc(codes, func(a, b lifecycle.Code) int { return cmp.Compare(counts[a], counts[b]) })
}

// docs/lifecycle.md says what the code does.
func TestDrawingIsFresh(t *testing.T) {
	t.Parallel()
	d := draw(t)
	path := filepath.Join("..", "..", "docs", "lifecycle.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, drawn := range map[string]string{
		"diagram": d.diagram(), "arrows": d.extraArrows(t), "table": d.table(), "endings": d.endings(), "refusals": d.refusals(),
	} {
		want = replace(t, want, name, drawn)
	}
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("docs/lifecycle.md is stale: run go test ./domain/lifecycle -update, and read what has changed")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace puts a drawing between its markers.
func replace(t *testing.T, text, name, drawn string) string {
	t.Helper()
	begin, end := fmt.Sprintf("<!-- drawn: %s -->\n", name), "<!-- drawn until here -->"
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("docs/lifecycle.md has no place for the %s", name)
	}
	return before + begin + "\n" + drawn + "\n" + end + after
}
