package lifecycle

// initialising founds a cluster. The seal is its commitment: until it is written
// the disk is nobody's, and a power cut leaves a fresh node that takes the same
// init again.
func (s State) initialising(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case Failed:
		return s.initFailed(Tell{Code: StepFailed, What: e.What})
	case InitStreamBroken:
		if s.Stage == Sealing || s.Stage == Starting { // the owner has signed: the cluster exists
			return s.misplaced(e)
		}
		return s.initFailed(Tell{Code: StreamBroken, What: string(s.Stage)})
	}
	switch s.Stage {
	case Preparing:
		return s.preparing(e)
	case Marking:
		return s.marking(e, State.found)
	case Founding:
		return s.founding(e)
	case Confirming:
		return s.confirming(e)
	case Sealing:
		return s.sealing(e, StoreOwn)
	default:
		return s.starting(e, SendResult{})
	}
}

func (s State) initFailed(told Tell) (State, []Effect, error) {
	if s.Stage == Preparing {
		return s.backToFresh(told, 0)
	}
	return s.abandon(told)
}

func (s State) preparing(e Event) (State, []Effect, error) {
	made, ok := e.(SecretMade)
	if !ok {
		return s.misplaced(e)
	}
	target := Mark{Cluster: made.Cluster, Owner: s.Node.Owner}
	if target.incomplete() {
		return s.refuse(e, Malformed)
	}
	s.Target, s.Serial = target, 0
	return s.mark(nil)
}

func (s State) found() (State, []Effect, error) {
	s.Stage = Founding
	return s, []Effect{FoundCluster{Mark: s.Target}}, nil
}

func (s State) founding(e Event) (State, []Effect, error) {
	if _, ok := e.(ClusterFounded); !ok {
		return s.misplaced(e)
	}
	s.Stage = Confirming
	return s, []Effect{SendDraft{Mark: s.Target}}, nil
}

func (s State) confirming(e Event) (State, []Effect, error) {
	signed, ok := e.(StatementSigned)
	switch {
	case !ok:
		return s.misplaced(e)
	case signed.Mark != s.Target:
		return s.refuse(e, OtherCluster)
	case signed.Serial == 0 || signed.Serial < s.Node.Serial:
		return s.refuse(e, OldStatement)
	}
	s.Serial = signed.Serial
	return s.seal()
}
