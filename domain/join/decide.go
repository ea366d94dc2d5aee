package join

import (
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// Decide says whether a candidate joins, or returns as a member, and why not: it
// looks at everything, and tells all that it finds. It is a function of what it
// is given, which it leaves as it is, and answers whatever that may be.
//
// Evidence comes first: who is not admitted by it hears nothing else. Revoked
// machines are refused always; a freeze stops first joins only. Names and disks
// that another machine holds stay with it, also when it is revoked. A machine
// that has a record keeps its name and its platform, and is held against its chip,
// whichever way it comes. It must show another boot than the record's, and the
// machine that got the last ticket must not answer any more, so that of two clones
// one is refused. A request for which no ticket has left may be replaced by the same
// boot, and who never got a ticket is not asked.
//
// The key of a disk that was joined with before is for a rejoin only, and a rejoin
// only for who has had a ticket.
func Decide(c *Candidate, f *Facts, now time.Time) *Decision {
	if d := proves(c); d != nil {
		return d
	}
	j := judge(c, f, now)
	if !j.request() {
		return j.outcome()
	}
	j.standing()
	j.revoked()
	j.platform()
	j.moved()
	j.holders()
	if c.Request.Kind == FirstJoin {
		j.joins()
	} else {
		j.returns()
	}
	j.newBoot()
	j.liveness()
	return j.joined()
}

// request refuses what DecodeRequest would not have let through. It says whether
// there is a request to go on with.
func (j *judgement) request() bool {
	r := j.c.Request
	if r == nil {
		j.refuse(requestInvalid(policy.Problem{Path: "request", Message: "there is none"}))
		return false
	}
	if err := r.Validate(); err != nil {
		for _, p := range problemsOf(err) {
			j.refuse(requestInvalid(p))
		}
	}
	return r.Kind == FirstJoin || r.Kind == Rejoin
}

// holders refuses a name or a disk that is not the candidate's to have.
func (j *judgement) holders() {
	if r := j.f.ByName; r != nil && r.Identity != j.c.Identity {
		j.refuse(nameTaken(r.Name))
	}
	switch r := j.f.ByDisk; {
	case r != nil && r.Identity != j.c.Identity:
		j.refuse(diskTaken(j.c.Request.Disk))
	case j.c.Request.Kind == FirstJoin && j.diskUsed():
		j.refuse(diskUsed(j.c.Request.Disk))
	}
}

// diskUsed says whether the machine has joined with the disk before. A node that
// begins anew formats its disk, and so has another one, even if it is the same
// hardware: who asks for the key of one that was sealed goes round what a rejoin
// compares. It may ask twice before it got a ticket.
func (j *judgement) diskUsed() bool {
	own, disk := j.own, j.c.Request.Disk
	if own == nil || own.Disk != disk {
		return j.f.ByDisk != nil
	}
	return !own.unfinished() || own.Boot != j.boot
}

// returns holds a rejoin against the record, on which it rests: nothing in it is
// the node's choice. Who never got a ticket has nothing to return to.
func (j *judgement) returns() {
	if j.own == nil {
		j.refuse(recordMissing())
		return
	}
	if j.own.unfinished() {
		j.refuse(neverMember())
	}
	if j.own.Disk != j.c.Request.Disk {
		j.refuse(diskMismatch(j.own.Disk, j.c.Request.Disk))
	}
}

// newBoot wants a boot that got nothing yet.
func (j *judgement) newBoot() {
	if !j.boot.known(j.c.Identity) {
		j.refuse(bootUnknown())
		return
	}
	if j.own == nil || j.boot.after(j.own.Boot, j.c.Identity) {
		return
	}
	if j.own.answered() || j.boot != j.own.Boot {
		j.refuse(bootNotNew(j.own, j.boot))
	}
}

// liveness comes last, and asks nobody for the sake of a candidate that is
// refused anyway. A machine that no ticket ever left for cannot be asked, and can do
// no harm. That the record's last request has none says nothing of the machine that
// got the one before.
func (j *judgement) liveness() {
	if j.own == nil || j.own.Held() == (Boot{}) || len(j.refusals) > 0 {
		return
	}
	switch j.f.Other {
	case Silent:
	case Alive:
		j.refuse(cloneAlive())
	default:
		j.ask = true
		j.refuse(livenessUnknown())
	}
}

// joined adds to the decision what is to be written.
func (j *judgement) joined() *Decision {
	if len(j.refusals) > 0 {
		return j.outcome()
	}
	r := j.record()
	if err := r.Validate(); err != nil {
		for _, p := range problemsOf(err) {
			j.refuse(recordInvalid(p))
		}
		return j.outcome()
	}
	d := j.outcome()
	d.Record = r
	return d
}

// record returns the record of an admitted candidate.
func (j *judgement) record() *Record {
	request := j.c.Request
	r := &Record{Version: RecordVersion, Identity: j.c.Identity, Name: request.Name, Role: request.Role, Joined: j.now}
	chip := chipOf(j.c.Claims)
	if j.own != nil {
		r.Serial, r.Holder = j.own.Serial, j.own.Held()
		if len(chip) == 0 {
			chip = j.own.Chip
		}
	}
	if request.Kind == Rejoin {
		r.Name, r.Role, r.Joined = j.own.Name, j.own.Role, j.own.Joined
	}
	r.Serial++
	r.State, r.Disk, r.Boot = Intended, request.Disk, j.boot
	r.Platform, r.Chip = j.c.Claims.Platform, slices.Clone(chip)
	r.Request, r.Kind = request.ID, request.Kind
	r.Approval, r.Spent = j.approval, j.spent
	j.attest(r)
	return r
}

// attest writes down on what grounds a node was believed last.
func (j *judgement) attest(r *Record) {
	r.Release, r.Policy, r.Directive = j.c.Verdict.Release, j.c.Policy, j.f.Standing.serial()
	r.Evidence, r.Attested = j.c.Evidence, j.now
}
