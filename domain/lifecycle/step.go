package lifecycle

import "github.com/asterism-k8s/asterism/domain/keys"

// Step returns what becomes of a node to which an event happens, and what is to be
// done about it, in order. Every state has an answer to every event.
//
// The error is a *Refusal: the event does not belong to the state, or does not
// convince; then the state is as it was and there are no effects. Whoever caused
// the event may be told, as a Refusal says no more than its reader has proven to
// be entitled to.
func Step(s State, e Event) (State, []Effect, error) {
	if !s.authorises(e) {
		return s.refuse(e, NotTheOwner)
	}
	switch e := e.(type) {
	case Booted:
		return s.booted(e)
	case StopRequested:
		return s.stopRequested(e)
	case RevokedByOwner:
		if s.onTheWay() {
			return s.revokedOnTheWay()
		}
	}
	return s.inPhase(e)
}

func (s State) inPhase(e Event) (State, []Effect, error) {
	switch s.Phase {
	case Measured:
		return s.measured(e)
	case Fresh:
		return s.fresh(e)
	case Sealed:
		return s.sealed(e)
	case Damaged:
		return s.damaged(e)
	case Initialising:
		return s.initialising(e)
	case Joining:
		return s.joining(e)
	case Rejoining:
		return s.rejoining(e)
	case Recovering:
		return s.recovering(e)
	case Member, Withheld:
		return s.member(e)
	case Revoked:
		return s.revoked(e)
	default:
		return s.misplaced(e)
	}
}

// authorises says whether an event that only the owner may cause comes from the
// owner. It is asked first in every state, so that a stranger's request has the
// same answer in all of them.
func (s State) authorises(e Event) bool {
	signer, commands := signerOf(e)
	if !commands {
		return true
	}
	return signer != keys.OwnerID{} && signer == s.owner()
}

// signerOf returns who signed an event, and whether an owner has to.
func signerOf(e Event) (signer keys.OwnerID, commands bool) {
	switch e := e.(type) {
	case InitRequested:
		return e.Signer, true
	case StatementSigned:
		return e.Signer, true
	case WipeRequested:
		return e.Signer, true
	case SecretOffered:
		return e.Signer, e.Means == ByMasterSecret || e.Means == ByApproval
	default:
		return keys.OwnerID{}, false
	}
}
