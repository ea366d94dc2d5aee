package lifecycle

import "github.com/asterism-k8s/asterism/domain/join"

// booted starts from nothing: what memory held is gone. A register that is marked
// already means that only the program was started anew, in a boot that is no
// longer innocent and of which nothing is known.
func (s State) booted(e Booted) (State, []Effect, error) {
	next := New(s.Node)
	next.Attempts = min(e.Attempts, MaxAttempts)
	if e.Marked {
		return next.reboot(nil)
	}
	next.Phase = Measured
	return next, []Effect{ExamineDisk{}}, nil
}

// measured waits for the disk to be examined.
func (s State) measured(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case DiskExamined:
		return s.diskExamined(e)
	case Failed:
		return s.damage("it cannot be examined: " + e.What)
	default:
		return s.misplaced(e)
	}
}

func (s State) diskExamined(e DiskExamined) (State, []Effect, error) {
	switch e.Content {
	case Blank, Unsealed:
		return s.format(nil)
	case WithSeal:
		if e.UUID == "" || e.Seal.Mark.incomplete() || !known(e.Seal.Role) {
			return s.damage("its seal does not say whose it is")
		}
		s.Disk = Disk{UUID: e.UUID, Seal: e.Seal}
		return s.lock(nil, LookForJoinService{})
	default:
		return s.damage(e.Damage)
	}
}

func known(r join.Role) bool { return r == join.Worker || r == join.ControlPlane }

// format begins a fresh life, after what has to be done first.
func (s State) format(first []Effect) (State, []Effect, error) {
	next := New(s.Node)
	next.Phase, next.Stage = Fresh, Formatting
	next.Attempts, next.Init = s.Attempts, s.Init
	return next, append(first, FormatDisk{}), nil
}

// lock waits for whoever has the key of a sealed disk.
func (s State) lock(first []Effect, look LookForJoinService) (State, []Effect, error) {
	s.Phase, s.Stage = Sealed, ""
	s.Means, s.Shares = "", Indices{}
	return s, append(first, look, OpenRecovery{Unlock: s.isControlPlane()}), nil
}

// damage waits for the owner.
func (s State) damage(what string) (State, []Effect, error) {
	if what == "" {
		what = "it is not what this release writes"
	}
	s.Phase, s.Stage = Damaged, ""
	s.Disk = Disk{Damage: what}
	return s, []Effect{Announce{Phase: Damaged, Damage: what}, OpenRecovery{}}, nil
}

// damaged waits for the owner to have the disk wiped.
func (s State) damaged(e Event) (State, []Effect, error) {
	if e, ok := e.(WipeRequested); ok {
		return s.wipeRequested(e)
	}
	return s.misplaced(e)
}

// wipeRequested gives up what is on a locked or damaged disk. The request names
// this machine, and the disk if that is known: a wipe meant for another costs
// nothing.
func (s State) wipeRequested(e WipeRequested) (State, []Effect, error) {
	if e.Node != s.Node.Identity || e.Disk != s.Disk.UUID {
		return s.refuse(e, OtherNode)
	}
	wipe := WipeDisk{Disk: s.Disk.UUID, OnRequest: true}
	if s.Unlocked() { // what the secrets have touched ends with this boot
		return s.reboot([]Effect{wipe})
	}
	return s.format([]Effect{StopLooking{}, CloseRecovery{Code: DiskWiped}, Forget{}, wipe})
}
