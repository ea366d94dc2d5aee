package lifecycle_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
)

// origin is how a world was first reached.
type origin struct {
	from world
	how  string
}

// exploration is every world that can be reached, with one way there.
type exploration struct {
	order      []world
	seen       map[world]origin
	violations []string
}

// starts are machines before their first boot.
func starts() []world {
	var all []world
	for _, role := range []join.Role{join.ControlPlane, join.Worker} {
		for _, d := range []disk{
			{header: blank},
			{header: throwAway},
			{header: keyed},
			{header: broken},
			{header: sealed, seal: homeSeal(role)},
		} {
			all = append(all, world{state: lifecycle.New(node(role)), disk: d, stopped: true})
		}
	}
	return all
}

// explored is every world, visited breadth first. Attempts only lengthen pauses,
// so worlds that differ in them alone are one.
var explored = sync.OnceValue(func() *exploration {
	x := &exploration{seen: map[world]origin{}}
	for _, w := range starts() {
		x.add(w, origin{how: "powered off"})
		x.add(w.power(), origin{from: w, how: "booted"})
	}
	for i := 0; i < len(x.order) && len(x.violations) == 0; i++ {
		x.expand(x.order[i])
	}
	return x
})

func (x *exploration) expand(w world) {
	for _, v := range w.events() {
		ways, violations := w.step(v.event)
		for _, violation := range violations {
			x.violations = append(x.violations,
				fmt.Sprintf("%s\n%s (%s): %s", x.story(w), lifecycle.EventName(v.event), v.note, violation))
		}
		for _, way := range ways {
			x.add(way.world, origin{w, fmt.Sprintf("%s (%s) %s", lifecycle.EventName(v.event), v.note, way.what)})
		}
	}
	x.add(w.power(), origin{w, "power lost"})
}

// explore shows every world with every event that may happen in it.
func explore(t *testing.T, visit func(from world, v variant)) {
	t.Helper()
	x := explored()
	if len(x.violations) > 0 {
		t.Fatal("the rules do not hold, see TestRulesHoldEverywhere")
	}
	for _, w := range x.order {
		for _, v := range w.events() {
			visit(w, v)
		}
	}
}

func (x *exploration) add(w world, from origin) {
	w.state.Attempts = 0
	if _, known := x.seen[w]; !known {
		x.seen[w] = from
		x.order = append(x.order, w)
	}
}

// events are all that may happen in a world.
func (w world) events() []variant {
	if w.stopped {
		return always()
	}
	return append(w.reports(), always()...)
}

// story tells how a world was reached.
func (x *exploration) story(w world) string {
	told := w.String()
	for range 40 {
		w.state.Attempts = 0
		from := x.seen[w]
		if from.from == (world{}) {
			break
		}
		told = fmt.Sprintf("%v\n  %s\n%s", from.from, from.how, told)
		w = from.from
	}
	return told
}

// Whatever happens, in whatever order, with power lost after any effect: the
// rules of world.judge and world.standing hold.
func TestRulesHoldEverywhere(t *testing.T) {
	t.Parallel()
	x := explored()
	for _, violation := range x.violations {
		t.Error(violation)
	}
	phases := map[lifecycle.Phase]bool{}
	for _, w := range x.order {
		phases[w.state.Phase] = true
	}
	t.Logf("%d worlds", len(x.order))
	if len(phases) != 12 {
		t.Errorf("only %v were reached", phases)
	}
}

// From every world, however it came to be, a node becomes a member once its
// surroundings are well. Only where the disk is really broken, or the node revoked,
// has its owner to have it wiped first.
func TestEveryNodeGetsOn(t *testing.T) {
	t.Parallel()
	x := explored()
	for _, w := range x.order {
		for _, kind := range []surroundings{clusterLives, ownerInits} {
			if end := kind.carry(w); end.state.Phase != lifecycle.Member {
				t.Fatalf("%s\n\nends in %v %+v", x.story(w), end, end.state)
			}
		}
	}
}

// surroundings answer as they do when all is well.
type surroundings int

const (
	clusterLives surroundings = iota // a JoinService of the node's cluster answers and admits it
	ownerInits                       // none does; the owner founds a cluster, or recovers this node
)

func (s surroundings) carry(w world) world {
	for range 30 {
		if w.state.Phase == lifecycle.Member {
			return w
		}
		w = s.next(w)
	}
	return w
}

func (s surroundings) next(w world) world {
	if w.stopped || w.state.Phase == lifecycle.Damaged && w.disk.header != broken {
		return w.power() // as when formatting failed: the disk is none the worse
	}
	for _, e := range s.answer(w) {
		ways, violations := w.step(e)
		if len(violations) > 0 {
			return w
		}
		if len(ways) > 0 {
			w = ways[len(ways)-1].world
		}
		w.stuck = false // if it came too late, it has still come
	}
	return w
}

func (s surroundings) answer(w world) []lifecycle.Event {
	st := w.state
	if w.stuck {
		return []lifecycle.Event{lifecycle.Failed{What: "as reported"}}
	}
	switch st.Phase {
	case lifecycle.Fresh, lifecycle.Sealed:
		if st.Stage != lifecycle.Formatting {
			return s.approach(w)
		}
	case lifecycle.Withheld:
		return []lifecycle.Event{lifecycle.Reattested{Passed: true}}
	case lifecycle.Revoked, lifecycle.Damaged:
		return []lifecycle.Event{lifecycle.WipeRequested{Signer: owner(), Node: st.Node.Identity, Disk: st.Disk.UUID}}
	case lifecycle.Recovering:
		if st.Stage == lifecycle.Gathering {
			return s.approach(w)
		}
	default:
	}
	if st.Stage == lifecycle.Asking {
		return s.ticket(st)
	}
	reports := w.reports()
	return []lifecycle.Event{reports[min(1, len(reports)-1)].event} // the good one
}

// approach is what comes to a waiting node.
func (s surroundings) approach(w world) []lifecycle.Event {
	st := w.state
	service := lifecycle.JoinServiceFound{Mark: home(), Serial: 9, Request: request(1)}
	if w.disk.header == sealed {
		service.Mark = w.disk.seal.Mark
	}
	switch {
	case s == clusterLives || !onlyControlPlane(st):
		return []lifecycle.Event{service}
	case st.Phase == lifecycle.Fresh:
		id := first()
		if st.Init != (lifecycle.InitID{}) {
			id = st.Init
		}
		return []lifecycle.Event{lifecycle.InitRequested{ID: id, Signer: owner()}}
	default:
		return []lifecycle.Event{
			lifecycle.JoinServiceLost{},
			lifecycle.SecretOffered{Means: lifecycle.ByMasterSecret, Signer: owner(), Fits: true, Derived: st.Disk.Seal.Mark},
		}
	}
}

func onlyControlPlane(st lifecycle.State) bool { return st.Role() == join.ControlPlane }

func (s surroundings) ticket(st lifecycle.State) []lifecycle.Event {
	if s == ownerInits && onlyControlPlane(st) {
		return []lifecycle.Event{lifecycle.JoinServiceLost{}}
	}
	return []lifecycle.Event{lifecycle.TicketReceived{Request: st.Request, Derived: st.Target, Fits: true}}
}
