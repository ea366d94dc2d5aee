package ledger

import (
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// trail remembers what it takes to say whether an entry follows from those before
// it.
type trail struct {
	audit      *Audit
	incomplete bool   // entries are missing, so what is not remembered may have been there
	newest     *Entry // the one before; nil: none, or it is missing
	directive  uint64 // serial of the newest
	frozen     bool
	denied     map[join.Identity]uint64 // the serial of the denial
	intents    map[admission]*IntentEntry
	answered   map[admission]bool // since the intent
	recoveries []recovered
}

// admission is a request of a node. A request ID alone is not enough: nothing
// keeps a stranger from using somebody else's.
type admission struct {
	request join.RequestID
	node    join.Identity
}

// recovered is a recovery, to be looked at when the whole tree is known.
type recovered struct {
	index uint64
	entry *RecoveryEntry
}

func newTrail(a *Audit) *trail {
	return &trail{audit: a, denied: map[join.Identity]uint64{}, intents: map[admission]*IntentEntry{}, answered: map[admission]bool{}}
}

// gap takes note that entries are missing.
func (t *trail) gap() {
	t.incomplete, t.newest = true, nil
	clear(t.answered)
}

// jump tells of an entry before it whose time is so much later that one of the two
// clocks was wrong. It is to be asked before follow. The sequencers go on like that,
// and which clock it was only their owner can find out.
func (t *trail) jump(e *Entry) string {
	if t.newest == nil || !isAhead(t.newest.Time, e.Time) {
		return ""
	}
	return fmt.Sprintf("its time is %s by the clock of %s, and that of the entry before it %s by the clock of %s: one of the two is wrong",
		e.Time.Format(time.RFC3339Nano), e.By, t.newest.Time.Format(time.RFC3339Nano), t.newest.By)
}

// goesBack says whether an entry is earlier than the one before it, by less than
// what makes Append start from another clock.
func (t *trail) goesBack(e *Entry) bool {
	return t.newest != nil && e.Time.Before(t.newest.Time) && !isAhead(t.newest.Time, e.Time)
}

// follow returns what is wrong with an entry after those before it.
func (t *trail) follow(index uint64, e *Entry) []string {
	var wrong []string
	if t.goesBack(e) {
		wrong = append(wrong, fmt.Sprintf("its time %s is before that of an earlier entry, %s", e.Time.Format(time.RFC3339Nano), t.newest.Time.Format(time.RFC3339Nano)))
	}
	t.newest = e
	if (index == 0) != (e.Type == Init) {
		wrong = append(wrong, fmt.Sprintf("an entry of type %s: the first, and no other, is an init", e.Type))
	}
	switch {
	case e.Init != nil:
		wrong = append(wrong, t.init(e.Init)...)
	case e.Intent != nil:
		wrong = append(wrong, t.intent(e.Intent)...)
	case e.KeyRelease != nil:
		wrong = append(wrong, t.keyRelease(e.KeyRelease)...)
	case e.Outcome != nil:
		wrong = append(wrong, t.outcome(e.Outcome)...)
	case e.Directive != nil:
		wrong = append(wrong, t.follows(e.Directive)...)
	case e.Recovery != nil:
		t.recoveries = append(t.recoveries, recovered{index, e.Recovery})
	}
	return wrong
}

func (t *trail) init(b *InitEntry) []string {
	var wrong []string
	if b.Cluster != t.audit.Cluster {
		wrong = append(wrong, fmt.Sprintf("it is the init of cluster %v, not of %v", b.Cluster, t.audit.Cluster))
	}
	if want := t.audit.Owner; want != (keys.OwnerID{}) && b.Owner != want {
		wrong = append(wrong, fmt.Sprintf("it is the init of owner %v, not of %v", b.Owner, want))
	}
	return wrong
}

// intent looks whether the owner's directives allowed it.
func (t *trail) intent(b *IntentEntry) []string {
	var wrong []string
	if b.Directive > t.directive && !t.incomplete {
		wrong = append(wrong, fmt.Sprintf("it rests on directive %d, and %d was the newest", b.Directive, t.directive))
	}
	wrong = append(wrong, t.barred(b.Node, "was admitted")...)
	if t.frozen && b.Kind == join.FirstJoin {
		wrong = append(wrong, fmt.Sprintf("node %v joined although the cluster was frozen", b.Node))
	}
	t.intents[admission{b.Request, b.Node}] = b
	delete(t.answered, admission{b.Request, b.Node})
	return wrong
}

// outcome looks whether a node that was admitted got one ticket.
func (t *trail) outcome(b *OutcomeEntry) []string {
	_, wrong := t.admitted(b.Request, b.Node)
	wrong = append(wrong, t.barred(b.Node, "got a ticket")...)
	request := admission{b.Request, b.Node}
	if t.answered[request] {
		wrong = append(wrong, fmt.Sprintf("request %v of node %v has an outcome already", b.Request, b.Node))
	}
	t.answered[request] = true
	return wrong
}

// barred accuses whoever gave a node something after its denial, which is for good.
func (t *trail) barred(node join.Identity, got string) []string {
	if serial := t.denied[node]; serial > 0 {
		return []string{fmt.Sprintf("node %v %s although directive %d had denied it", node, got, serial)}
	}
	return nil
}

// admitted returns the intent of a request.
func (t *trail) admitted(id join.RequestID, node join.Identity) (*IntentEntry, []string) {
	intent := t.intents[admission{id, node}]
	if intent == nil && !t.incomplete {
		return nil, []string{fmt.Sprintf("no intent before it admits request %v of node %v", id, node)}
	}
	return intent, nil
}

// keyRelease looks whether the keys are those of the node that was admitted.
func (t *trail) keyRelease(b *KeyReleaseEntry) []string {
	intent, wrong := t.admitted(b.Request, b.Node)
	wrong = append(wrong, t.barred(b.Node, "was given keys")...)
	if intent == nil {
		return wrong
	}
	if b.KEK && intent.Role != join.ControlPlane {
		wrong = append(wrong, fmt.Sprintf("the KEK was released to a node that was admitted as %s", intent.Role))
	}
	for _, id := range b.Keys {
		disk := id.Purpose() == keys.StateDisk || id.Purpose() == keys.StateDiskHeader
		if disk && id.Name() != intent.Disk {
			wrong = append(wrong, fmt.Sprintf("key %v was released, and the node was admitted with disk %s", id, intent.Disk))
		}
	}
	return wrong
}

// follows looks whether a directive is the next one.
func (t *trail) follows(b *DirectiveEntry) []string {
	var wrong []string
	if b.Serial <= t.directive || b.Serial != t.directive+1 && !t.incomplete {
		wrong = append(wrong, fmt.Sprintf("it has serial %d after %d", b.Serial, t.directive))
	}
	t.directive = max(t.directive, b.Serial)
	switch b.Kind {
	case authority.Deny:
		t.denied[b.Node] = b.Serial
	case authority.Freeze:
		t.frozen = true
	case authority.Thaw:
		t.frozen = false
	default: // the others allow more or demand more of evidence, which is not here
	}
	return wrong
}
