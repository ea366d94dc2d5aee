package lifecycle

import "github.com/asterism-k8s/asterism/domain/join"

// joining is a first join.
func (s State) joining(e Event) (State, []Effect, error) {
	if s.Stage == Asking {
		return s.askingToJoin(e)
	}
	if e, ok := e.(Failed); ok {
		return s.abandon(Tell{Code: StepFailed, What: e.What})
	}
	switch s.Stage {
	case Marking:
		return s.marking(e, State.seal)
	case Sealing:
		return s.sealing(e, StoreJoins)
	default:
		return s.starting(e)
	}
}

func (s State) askingToJoin(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case TicketReceived:
		switch {
		case e.Request != s.Request:
			return s.refuse(e, StaleTicket)
		case e.Derived != s.Target:
			return s.answered().backToFresh(Tell{Code: OtherCluster}, 0)
		}
		return s.mark(nil)
	case TicketRefused:
		switch {
		case e.Request != s.Request:
			return s.refuse(e, StaleTicket)
		case e.Why == ThisBoot:
			return s.abandon(e.tell())
		}
		return s.answeredBy(e).backToFresh(e.tell(), e.After)
	case JoinServiceLost:
		return s.backToFresh(Tell{Code: NoAnswer}, 0)
	case Failed:
		return s.backToFresh(Tell{Code: NoAnswer, What: e.What}, 0)
	default:
		return s.misplaced(e)
	}
}

// answered closes the request: the next one has an ID of its own.
func (s State) answered() State {
	s.Request = join.RequestID{}
	return s
}

// answeredBy closes the request if the refusal is an answer rather than a delay.
func (s State) answeredBy(e TicketRefused) State {
	if e.Why == TryLater || e.Why == ForConsent {
		return s
	}
	return s.answered()
}

func (e TicketRefused) tell() Tell {
	switch e.Why {
	case TryLater:
		return Tell{Code: TicketLater}
	case ForConsent:
		return Tell{Code: TicketWaiting}
	case ThisBoot:
		return Tell{Code: BootSpent}
	case ByDenial:
		return Tell{Code: NodeRevoked}
	default:
		return Tell{Code: TicketDenied, What: string(e.Why)}
	}
}
