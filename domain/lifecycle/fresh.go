package lifecycle

import (
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// incomplete says that cluster or owner is missing.
func (m Mark) incomplete() bool {
	return m.Cluster == keys.ClusterID{} || m.Owner == keys.OwnerID{}
}

func (s State) isControlPlane() bool { return s.Role() == join.ControlPlane }

// fresh has a disk that is nobody's. Init and join race here: the first that
// convinces takes the node out of this phase, and the other is told so.
func (s State) fresh(e Event) (State, []Effect, error) {
	if s.Stage == Formatting {
		return s.formatting(e)
	}
	switch e := e.(type) {
	case InitRequested:
		return s.initRequested(e)
	case JoinServiceFound:
		return s.firstJoin(e)
	default:
		return s.misplaced(e)
	}
}

func (s State) formatting(e Event) (State, []Effect, error) {
	switch e := e.(type) {
	case DiskFormatted:
		if e.UUID == "" {
			return s.damage("it has no UUID after formatting")
		}
		s.Stage, s.Disk = Waiting, Disk{UUID: e.UUID, Own: true}
		return s, []Effect{Announce{Phase: Fresh}, LookForJoinService{}}, nil
	case Failed:
		return s.damage("it cannot be formatted: " + e.What)
	default:
		return s.misplaced(e)
	}
}

// initRequested accepts one init a boot. The same may come again if it failed
// before the mark.
func (s State) initRequested(e InitRequested) (State, []Effect, error) {
	switch {
	case e.ID == InitID{}:
		return s.refuse(e, Malformed)
	case !s.isControlPlane():
		return s.refuse(e, NotControlPlane)
	case s.Init != InitID{} && s.Init != e.ID:
		return s.refuse(e, OneInitPerBoot)
	}
	s.Phase, s.Stage, s.Init = Initialising, Preparing, e.ID
	return s, []Effect{StopLooking{}, MakeSecret{Init: e.ID}}, nil
}

// firstJoin asks a JoinService of the provisioned owner for a ticket.
func (s State) firstJoin(e JoinServiceFound) (State, []Effect, error) {
	switch {
	case e.Mark.incomplete():
		return s.refuse(e, Malformed)
	case e.Mark.Owner != s.Node.Owner:
		return s.refuse(e, OtherOwner)
	case e.Serial < s.lowestSerial(e.Mark):
		return s.refuse(e, OldStatement)
	}
	return s.ask(e, Joining, join.FirstJoin)
}

// lowestSerial is the oldest statement that a fresh node takes from a cluster.
func (s State) lowestSerial(m Mark) uint64 {
	if m == s.Target {
		return max(s.Node.Serial, s.Serial)
	}
	return s.Node.Serial
}

// ask requests a ticket, under the ID of a request that is still open there.
func (s State) ask(e JoinServiceFound, p Phase, k join.Kind) (State, []Effect, error) {
	if s.Target != e.Mark || s.Request == (join.RequestID{}) {
		s.Request = e.Request
	}
	if s.Request == (join.RequestID{}) {
		return s.refuse(e, Malformed)
	}
	s.Phase, s.Stage, s.Target, s.Serial = p, Asking, e.Mark, e.Serial
	request := RequestTicket{Kind: k, Request: s.Request, Disk: s.Disk.UUID, From: e.Mark}
	return s, []Effect{StopLooking{}, request}, nil
}
