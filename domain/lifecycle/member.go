package lifecycle

// member is one until the next boot.
func (s State) member(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case Reattested:
		return s.reattested(e)
	case StatementSeen:
		return s.statementSeen(e)
	case RevokedByOwner:
		return s.revoke([]Effect{StopServices{}, Forget{}})
	case Failed:
		return s.abandon(Tell{Code: StepFailed, What: e.What})
	default:
		return s.misplaced(e)
	}
}

func (s State) reattested(e Reattested) (State, []Effect, error) {
	switch {
	case e.Passed && s.Phase == Withheld:
		s.Phase = Member
		return s, []Effect{ResumeServices{}}, nil
	case !e.Passed && s.Phase == Member:
		s.Phase = Withheld
		return s, []Effect{PauseServices{}}, nil
	default:
		return s, nil, nil
	}
}

// statementSeen keeps the newest of what a member knows in its seal, and never
// goes back.
func (s State) statementSeen(e StatementSeen) (State, []Effect, error) {
	seal := s.Disk.Seal
	switch {
	case e.Serial < seal.Serial || e.Checkpoint.Size < seal.Checkpoint.Size:
		return s.refuse(e, OldStatement)
	case forked(e.Checkpoint, seal.Checkpoint):
		return s.refuse(e, LedgerForked)
	case e.Serial == seal.Serial && e.Checkpoint == seal.Checkpoint:
		return s, nil, nil
	}
	seal.Serial, seal.Checkpoint = e.Serial, e.Checkpoint
	s.Disk.Seal, s.Serial = seal, e.Serial
	return s, []Effect{UpdateSeal{Disk: s.Disk.UUID, Seal: seal}}, nil
}

// onTheWay says that the node bears a mark, and is no member yet.
func (s State) onTheWay() bool {
	switch s.Phase {
	case Initialising, Joining, Rejoining, Recovering:
		return s.Unlocked()
	default:
		return false
	}
}

// revokedOnTheWay never lets the node become a member. What is under way on its
// disk ends as after a failure; the next boot hears the denial from the first
// JoinService that it asks, or where a recovery is to be recorded.
func (s State) revokedOnTheWay() (State, []Effect, error) {
	first := []Effect{Tell{Code: NodeRevoked}, StopServices{}, Forget{}}
	return s.reboot(append(first, s.wipeOwn()...))
}

// revoke is the end. It is not written down: a node that boots again hears it from
// the first JoinService that it asks.
func (s State) revoke(first []Effect) (State, []Effect, error) {
	s.Phase, s.Stage, s.Answering = Revoked, "", false
	return s, append(first, Announce{Phase: Revoked}, OpenRecovery{}), nil
}

// revoked waits for the owner to have the disk wiped.
func (s State) revoked(e Event) (State, []Effect, error) {
	if e, ok := e.(WipeRequested); ok {
		return s.wipeRequested(e)
	}
	return s.misplaced(e)
}
