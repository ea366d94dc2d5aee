package lifecycle_test

import (
	"fmt"
	"strings"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
)

// header is what a disk's header area holds.
type header string

const (
	blank     header = "blank"
	throwAway header = "formatted, throw-away key"
	keyed     header = "formatted, cluster's key, no seal"
	sealed    header = "sealed"
	broken    header = "broken"
)

// disk is what outlives a power cut.
type disk struct {
	header header
	seal   lifecycle.Seal
}

// world is a machine around the state machine: what its register and its disk
// really hold, and what it was really told. It judges every effect by that, not by
// what the state says.
type world struct {
	state    lifecycle.State
	disk     disk
	mark     lifecycle.Mark   // in the register
	awaits   string           // the event that ends the last effect
	stuck    bool             // the last effect failed: only Failed can follow
	reported bool             // that the mark is there
	init     lifecycle.InitID // accepted in this boot
	ticketed lifecycle.Mark   // what this boot's last ticket or recovered secret led to
	wiped    bool             // the owner asked for it in this step
	stopped  bool             // powered off or rebooting
	start    uint8            // of the store or the services, the last that was asked for
	recorded bool             // the recovery is in the ledger of the store that runs
	up       bool             // the services that were asked for last run
	denied   bool             // the owner denied the node since it bears its mark
}

const diskUUID = "0a6a1f52-7a6d-4b53-9a53-4f6f2f7f2f01"

// outcome is one way in which a step may go.
type outcome struct {
	world world
	what  string
}

// power turns the machine on.
func (w world) power() world {
	next := world{state: w.state, disk: w.disk, stopped: true}
	next.state, _, _ = lifecycle.Step(next.state, lifecycle.Booted{})
	next.awaits, next.stopped = "disk examined", false
	return next
}

// step feeds an event, and returns all ways to go on: all effects carried out,
// power lost after each number of them, and each of the disk's effects failing
// with its work done or not.
func (w world) step(e lifecycle.Event) (ways []outcome, violations []string) {
	next, effects, err := lifecycle.Step(w.state, e)
	if err != nil {
		return nil, w.refused(next, effects)
	}
	after := w.told(e, next)
	for i, f := range effects {
		ways = append(ways, outcome{after.power(), fmt.Sprintf("power lost before %q", lifecycle.EffectName(f))})
		violations = append(violations, after.judge(f)...)
		before := after
		after = after.apply(f)
		if lifecycle.MayFail(f) {
			ways = append(ways,
				outcome{before.fail(effects[i+1:]), fmt.Sprintf("%q fails, not done", lifecycle.EffectName(f))},
				outcome{after.fail(effects[i+1:]), fmt.Sprintf("%q fails, done", lifecycle.EffectName(f))})
		}
	}
	violations = append(violations, after.standing()...)
	after.wiped = false
	return append(ways, outcome{after.power(), "power lost afterwards"}, outcome{after, ""}), violations
}

// fail leaves out what was still to be done, unless it ends the boot.
func (w world) fail(rest []lifecycle.Effect) world {
	if w.state.Phase != lifecycle.Ended {
		w.stuck, w.awaits, w.wiped = true, "", false
		return w
	}
	w.stopped = true
	for _, f := range rest {
		w = w.apply(f)
	}
	w.wiped = false
	return w
}

func (w world) refused(next lifecycle.State, effects []lifecycle.Effect) []string {
	if next != w.state || effects != nil {
		return []string{"a refused event changed something"}
	}
	return nil
}

// told remembers what the event has really said.
func (w world) told(e lifecycle.Event, next lifecycle.State) world {
	before := w.state
	w.state = next
	switch e := e.(type) {
	case lifecycle.RecoveryRecorded:
		w.recorded = w.recorded || e.Start == w.start
	case lifecycle.ServicesStarted:
		w.up = w.up || e.Start == w.start
	case lifecycle.RevokedByOwner:
		w.denied = true
	case lifecycle.Failed:
		w.stuck = false
	case lifecycle.Booted:
		return world{state: next, disk: w.disk, mark: w.mark}
	case lifecycle.InitRequested:
		if e.ID != w.init {
			w.init = e.ID
		}
	case lifecycle.SecretMade:
		w.ticketed = lifecycle.Mark{Cluster: e.Cluster, Owner: before.Node.Owner}
	case lifecycle.TicketReceived:
		w.ticketed = e.Derived
	case lifecycle.SecretOffered:
		w.ticketed = e.Derived
	case lifecycle.Marked:
		w.reported = true
	case lifecycle.WipeRequested:
		unread := before.Phase == lifecycle.Damaged // then the owner gives up whatever is there
		here := e.Node == before.Node.Identity && (unread && e.Disk == "" || e.Disk == diskUUID)
		w.wiped = here && e.Signer != keys.OwnerID{} && e.Signer == w.diskOwner()
	}
	return w
}

func (w world) diskOwner() keys.OwnerID {
	if w.disk.header == sealed {
		return w.disk.seal.Mark.Owner
	}
	return w.state.Node.Owner
}

// apply carries an effect out.
func (w world) apply(f lifecycle.Effect) world {
	if after, ok := answers()[lifecycle.EffectName(f)]; ok {
		w.awaits = after
	}
	switch f := f.(type) {
	case lifecycle.FormatDisk:
		w.disk = disk{header: throwAway}
	case lifecycle.ReplaceKeyslot:
		w.disk = disk{header: keyed}
	case lifecycle.WriteSeal:
		seal := f.Seal
		seal.Threshold = 2
		w.disk = disk{header: sealed, seal: seal}
	case lifecycle.UpdateSeal:
		seal := f.Seal
		seal.Threshold = w.disk.seal.Threshold
		w.disk.seal = seal
	case lifecycle.WipeDisk:
		w.disk = disk{header: blank}
	case lifecycle.StartStore:
		w.start = f.Start
	case lifecycle.StartServices:
		w.start = f.Start
	case lifecycle.StopServices:
		w.up, w.recorded = false, false
	case lifecycle.SetMark:
		w.mark = f.Mark
	case lifecycle.Reboot, lifecycle.PowerOff:
		w.stopped, w.awaits = true, ""
	}
	return w
}

// answers says which event ends an effect.
func answers() map[string]string {
	return map[string]string{
		"examine disk": "disk examined", "format disk": "disk formatted", "make secret": "secret made",
		"mark": "marked", "found cluster": "cluster founded", "send draft": "statement signed",
		"write seal": "disk sealed", "open disk": "disk opened", "start services": "services started",
		"combine shares": "secret offered", "start store": "store started", "record recovery": "recovery recorded",
	}
}

// judge holds an effect against what must hold whatever happens.
func (w world) judge(f lifecycle.Effect) (violations []string) {
	complain := func(format string, args ...any) {
		violations = append(violations, fmt.Sprintf("%q: "+format, append([]any{lifecycle.EffectName(f)}, args...)...))
	}
	if w.usesSecrets(f) && (w.mark == lifecycle.Mark{} || !w.reported) {
		complain("secrets are used before the mark is there")
	}
	switch f := f.(type) {
	case lifecycle.SetMark:
		if w.mark != (lifecycle.Mark{}) {
			complain("the register is marked already")
		}
		if f.Mark != w.ticketed {
			complain("the mark is not of the cluster that the secrets lead to")
		}
		if w.disk.header == sealed && f.Mark != w.disk.seal.Mark {
			complain("the mark is not of the cluster that the disk belongs to")
		}
	case lifecycle.FormatDisk:
		if w.disk.header == sealed || w.disk.header == broken {
			complain("the disk is %s", w.disk.header)
		}
	case lifecycle.WipeDisk:
		if w.disk.header != throwAway && w.disk.header != keyed && !w.wiped {
			complain("the disk is %s and its owner did not ask", w.disk.header)
		}
	case lifecycle.ReplaceKeyslot, lifecycle.WriteSeal:
		if w.disk.header != throwAway && w.disk.header != keyed {
			complain("the disk is %s", w.disk.header)
		}
	case lifecycle.UpdateSeal:
		if w.state.Phase != lifecycle.Member && w.state.Phase != lifecycle.Withheld {
			complain("in %s", w.state.Phase)
		}
		if f.Seal.Serial < w.disk.seal.Serial || f.Seal.Checkpoint.Size < w.disk.seal.Checkpoint.Size || f.Seal.Mark != w.disk.seal.Mark {
			complain("the seal goes back")
		}
	case lifecycle.StartServices:
		if w.state.Phase == lifecycle.Recovering && !w.recorded {
			complain("the recovery is not in the ledger yet")
		}
	case lifecycle.MakeSecret:
		if f.Init != w.init {
			complain("nobody asked for this init")
		}
	}
	return violations
}

func (world) usesSecrets(f lifecycle.Effect) bool {
	switch f.(type) {
	case lifecycle.FoundCluster, lifecycle.SendDraft, lifecycle.SendResult, lifecycle.ReplaceKeyslot, lifecycle.WriteSeal,
		lifecycle.UpdateSeal, lifecycle.OpenDisk, lifecycle.StartServices, lifecycle.StartStore, lifecycle.RecordRecovery, lifecycle.ResumeServices:
		return true
	default:
		return false
	}
}

// standing holds a state against what must hold whatever happens.
func (w world) standing() (violations []string) {
	complain := func(bad bool, what string) {
		if bad {
			violations = append(violations, fmt.Sprintf("%s %s: %s", w.state.Phase, w.state.Stage, what))
		}
	}
	member := w.state.Phase == lifecycle.Member || w.state.Phase == lifecycle.Withheld
	complain(member && w.mark != w.disk.seal.Mark, "a member whose register and disk are of two clusters")
	complain(member && w.disk.header != sealed, "a member without a seal")
	complain(!w.stopped && !w.stuck && w.mark != w.state.Mark, "the state does not say what the register holds")
	complain(w.state.Phase == lifecycle.Member && !w.up, "a member whose services do not run")
	complain(w.state.Phase == lifecycle.Member && w.denied, "a member that its owner denied")
	waits := w.state.Phase == lifecycle.Fresh || w.state.Phase == lifecycle.Sealed || w.state.Phase == lifecycle.Damaged
	complain(waits && w.mark != lifecycle.Mark{}, "waits with a mark")
	complain(w.state.Phase == lifecycle.Fresh && w.disk.header == sealed, "Fresh with a sealed disk")
	complain(w.state.Phase == lifecycle.Damaged && !w.stuck && w.state.Disk.Damage == "", "Damaged and does not say by what")
	complain(w.stopped != (w.state.Phase == lifecycle.Ended), "it has not ended, or goes on after its end")
	return violations
}

// examined is the truth about the disk.
func (w world) examined() lifecycle.DiskExamined {
	switch w.disk.header {
	case blank:
		return lifecycle.DiskExamined{Content: lifecycle.Blank}
	case throwAway, keyed:
		return lifecycle.DiskExamined{Content: lifecycle.Unsealed}
	case sealed:
		return lifecycle.DiskExamined{Content: lifecycle.WithSeal, UUID: diskUUID, Seal: w.disk.seal}
	default:
		return lifecycle.DiskExamined{Content: lifecycle.Broken, Damage: "bit flips in the header"}
	}
}

func (w world) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s, disk %s", w.state.Phase, w.state.Stage, w.disk.header))
}

func identity(digit string) join.Identity {
	id, err := join.ParseIdentity("ek:" + strings.Repeat(digit, 64))
	if err != nil {
		panic(err) // the digit is written in this package
	}
	return id
}
