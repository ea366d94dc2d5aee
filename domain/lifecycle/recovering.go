package lifecycle

import "github.com/asterism-k8s/asterism/domain/merkle"

// unrecoverable says why a recovery cannot even begin, or nothing. Whether the
// disk is as new as the sender knows is seen once it is open: its seal may lag
// behind the ledger on it.
func (s State) unrecoverable(newest merkle.Head) Code {
	switch {
	case !s.isControlPlane():
		return NotControlPlane
	case s.Answering:
		return JoinServiceAnswers
	case forked(newest, s.Disk.Seal.Checkpoint):
		return LedgerForked
	default:
		return ""
	}
}

// forked says that two heads of one size differ. A head of size zero says nothing.
func forked(a, b merkle.Head) bool { return a.Size == b.Size && a.Size > 0 && a.Root != b.Root }

// shareOffered keeps a share that fits the seal. A bad one is named and dropped.
func (s State) shareOffered(e ShareOffered) (State, []Effect, error) {
	if code := s.unrecoverable(e.Newest); code != "" {
		return s.refuse(e, code)
	}
	switch {
	case s.Disk.Seal.Threshold == 0:
		return s.refuse(e, NoShares)
	case !e.Fits:
		return s.refuse(e, BadShare)
	case s.Shares.Has(e.Index):
		return s.refuse(e, ShareKnown)
	}
	s.Phase, s.Stage, s.Means = Recovering, Gathering, ByShares
	s.Shares = s.Shares.With(e.Index)
	if s.Shares.Len() < int(s.Disk.Seal.Threshold) {
		return s, nil, nil
	}
	s.Stage = Combining
	return s, []Effect{CombineShares{}}, nil
}

// secretOffered takes a secret that fits the seal, and whose cluster and owner are
// the seal's, as the recovery's; any other leaves everything as it is.
func (s State) secretOffered(e SecretOffered) (State, []Effect, error) {
	if e.Means == ByShares { // those are put together by this node alone
		return s.misplaced(e)
	}
	if code := s.unfit(e); code != "" {
		return s.refuse(e, code)
	}
	return s.unlock(e.Means)
}

func (s State) unfit(e SecretOffered) Code {
	code := s.unrecoverable(e.Newest)
	switch {
	case code != "":
		return code
	case e.Means == ByApproval && e.Node != s.Node.Identity:
		return OtherNode
	case !e.Fits:
		return WrongKey
	case e.Derived != s.Disk.Seal.Mark:
		return OtherCluster
	default:
		return ""
	}
}

func (s State) unlock(m Means) (State, []Effect, error) {
	s.Phase, s.Means = Recovering, m
	s.Target, s.Serial = s.Disk.Seal.Mark, s.Disk.Seal.Serial
	return s.mark([]Effect{StopLooking{}, CloseRecovery{Code: RecoveryUnderWay}})
}

// recovering unlocks the disk with what people or a key service hold.
func (s State) recovering(e Event) (State, []Effect, error) {
	switch s.Stage {
	case Gathering:
		return s.gathering(e)
	case Combining:
		return s.combining(e)
	default:
		return s.recoveringMarked(e)
	}
}

// recoveringMarked is a recovery past the point of no return.
func (s State) recoveringMarked(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case Failed:
		return s.abandon(Tell{Code: StepFailed, What: e.What})
	case QuorumAnswered:
		return s.quorumAnswered(e)
	}
	switch s.Stage {
	case Marking:
		return s.marking(e, State.open)
	case Opening:
		return s.recoveredDisk(e)
	case Resuming:
		return s.resuming(e)
	case Recording:
		return s.recording(e)
	default:
		return s.starting(e)
	}
}

func (s State) gathering(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case ShareOffered:
		return s.shareOffered(e)
	case SecretOffered:
		return s.secretOffered(e)
	default:
		return s.interrupted(e)
	}
}

// combining waits for the secret that the shares add up to.
func (s State) combining(e Event) (State, []Effect, error) {
	offered, ok := e.(SecretOffered)
	if !ok || offered.Means != ByShares {
		return s.interrupted(e)
	}
	if code := s.unfit(offered); code != "" {
		return s.backToSealed(Tell{Code: code, What: "from shares"}, 0)
	}
	return s.unlock(ByShares)
}

// interrupted is what may end a recovery before its mark. A JoinService of the
// cluster makes it needless.
func (s State) interrupted(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case JoinServiceFound:
		return s.rejoin(e, []Effect{Forget{}, Tell{Code: JoinServiceAnswers}})
	case Failed:
		return s.backToSealed(Tell{Code: StepFailed, What: e.What}, 0)
	case WipeRequested:
		return s.wipeRequested(e)
	default:
		return s.misplaced(e)
	}
}

// quorumAnswered makes the node one of many rather than the first of a new store.
func (s State) quorumAnswered(e QuorumAnswered) (State, []Effect, error) {
	if s.Resync {
		return s.misplaced(e)
	}
	s.Resync = true
	if s.Stage == Marking || s.Stage == Opening {
		return s, nil, nil
	}
	s.Start++
	next, effects, err := s.open()
	return next, append([]Effect{StopServices{}}, effects...), err
}

// recoveredDisk serves only what is not older than what the recovery's senders
// know.
func (s State) recoveredDisk(e Event) (State, []Effect, error) {
	opened, ok := e.(DiskOpened)
	switch {
	case !ok:
		return s.misplaced(e)
	case !opened.Contains:
		return s.abandon(Tell{Code: OldDisk})
	}
	s.Stage = Resuming
	return s, []Effect{StartStore{Start: s.Start, Store: s.recovered()}}, nil
}

// recovered is how the store of a recovered node starts.
func (s State) recovered() Store {
	if s.Resync {
		return StoreResync
	}
	return StoreOwn
}

// resuming waits for the store. Nothing else may run beside it yet: what a
// JoinService or a key service wrote would come before the recovery.
func (s State) resuming(e Event) (State, []Effect, error) {
	started, ok := e.(StoreStarted)
	switch {
	case !ok:
		return s.misplaced(e)
	case started.Start != s.Start:
		return s.refuse(e, StaleStart)
	}
	s.Stage = Recording
	return s, []Effect{RecordRecovery{Start: s.Start, Means: s.Means}}, nil
}

// recording waits for the recovery to be in the ledger, and only then serves
// anybody.
func (s State) recording(e Event) (State, []Effect, error) {
	recorded, ok := e.(RecoveryRecorded)
	switch {
	case !ok:
		return s.misplaced(e)
	case recorded.Start != s.Start:
		return s.refuse(e, StaleStart)
	}
	return s.start(s.recovered())
}
