package lifecycle

import "github.com/asterism-k8s/asterism/domain/join"

// sealed waits for a JoinService of the disk's own cluster, or for people to
// recover it. A JoinService of any other cluster is turned down before anything
// happens, and the search goes on.
func (s State) sealed(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case JoinServiceFound:
		return s.rejoin(e, nil)
	case JoinServiceLost:
		s.Answering = false
		return s, nil, nil
	case ShareOffered:
		return s.shareOffered(e)
	case SecretOffered:
		return s.secretOffered(e)
	case WipeRequested:
		return s.wipeRequested(e)
	default:
		return s.misplaced(e)
	}
}

// rejoin asks a JoinService of the seal's cluster for the disk's key.
func (s State) rejoin(e JoinServiceFound, first []Effect) (State, []Effect, error) {
	switch {
	case e.Mark != s.Disk.Seal.Mark:
		return s.refuse(e, OtherCluster)
	case e.Serial < max(s.Disk.Seal.Serial, s.Serial):
		return s.refuse(e, OldStatement)
	}
	next, effects, err := s.ask(e, Rejoining, join.Rejoin)
	if err != nil {
		return s, nil, err
	}
	next.Answering = true
	next.Means, next.Shares = "", Indices{}
	return next, append(first, effects...), nil
}

// rejoining comes back to the cluster of the disk.
func (s State) rejoining(e Event) (State, []Effect, error) {
	if s.Stage == Asking {
		return s.askingToRejoin(e)
	}
	if e, ok := e.(Failed); ok {
		return s.abandon(Tell{Code: StepFailed, What: e.What})
	}
	switch s.Stage {
	case Marking:
		return s.marking(e, State.open)
	case Opening:
		if _, ok := e.(DiskOpened); !ok {
			return s.misplaced(e)
		}
		return s.start(StoreResync)
	default:
		return s.starting(e)
	}
}

func (s State) askingToRejoin(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case TicketReceived:
		return s.rejoinTicket(e)
	case TicketRefused:
		return s.rejoinRefused(e)
	case JoinServiceLost:
		return s.unanswered(Tell{Code: NoAnswer})
	case Failed:
		return s.unanswered(Tell{Code: NoAnswer, What: e.What})
	case ShareOffered, SecretOffered:
		return s.refuse(e, JoinServiceAnswers)
	case WipeRequested:
		return s.wipeRequested(e)
	default:
		return s.misplaced(e)
	}
}

// unanswered waits for a JoinService again, and for people too: one that gave no
// answer keeps nobody from recovering the node.
func (s State) unanswered(told Tell) (State, []Effect, error) {
	s.Answering = false
	return s.backToSealed(told, 0)
}

// rejoinTicket holds a ticket against the seal before it marks: a genuine cluster
// that is not the disk's own gets nothing and breaks nothing.
func (s State) rejoinTicket(e TicketReceived) (State, []Effect, error) {
	switch {
	case e.Request != s.Request:
		return s.refuse(e, StaleTicket)
	case !e.Fits:
		return s.answered().backToSealed(Tell{Code: WrongKey}, 0)
	case e.Derived != s.Disk.Seal.Mark:
		return s.answered().backToSealed(Tell{Code: OtherCluster}, 0)
	}
	return s.mark([]Effect{CloseRecovery{Code: JoinServiceAnswers}})
}

func (s State) rejoinRefused(e TicketRefused) (State, []Effect, error) {
	switch {
	case e.Request != s.Request:
		return s.refuse(e, StaleTicket)
	case e.Why == ByDenial:
		return s.revoke([]Effect{Forget{}, e.tell()})
	case e.Why == ThisBoot:
		return s.abandon(e.tell())
	}
	return s.answeredBy(e).backToSealed(e.tell(), e.After)
}
