package lifecycle

import "github.com/asterism-k8s/asterism/domain/join"

// mark passes the point of no return. It is called where the node has made sure
// whose mark it is to bear, and nowhere twice in a boot.
func (s State) mark(first []Effect) (State, []Effect, error) {
	s.Stage, s.Mark = Marking, s.Target
	s.Request, s.Shares = join.RequestID{}, Indices{}
	return s, append(first, SetMark{Mark: s.Target}), nil
}

// marking waits for the mark to be there, and for nothing less goes on.
func (s State) marking(e Event, next func(State) (State, []Effect, error)) (State, []Effect, error) {
	marked, ok := e.(Marked)
	switch {
	case !ok:
		return s.misplaced(e)
	case marked.Mark != s.Mark:
		return s.refuse(e, OtherCluster)
	}
	return next(s)
}

// open unlocks the disk with the key that fitted its seal.
func (s State) open() (State, []Effect, error) {
	s.Stage = Opening
	return s, []Effect{OpenDisk{Disk: s.Disk.UUID}}, nil
}

// seal writes the node's commitment. From here on the disk is not its own to wipe.
func (s State) seal() (State, []Effect, error) {
	s.Stage, s.Disk.Own = Sealing, false
	return s, []Effect{ReplaceKeyslot{Disk: s.Disk.UUID}, WriteSeal{Disk: s.Disk.UUID, Seal: s.newSeal()}}, nil
}

func (s State) newSeal() Seal {
	return Seal{Mark: s.Target, Role: s.Node.Role, Serial: s.Serial}
}

// sealing waits for the seal to be durable, and only then lets anything else be
// stored.
func (s State) sealing(e Event, store Store) (State, []Effect, error) {
	if _, ok := e.(DiskSealed); !ok {
		return s.misplaced(e)
	}
	s.Disk.Seal = s.newSeal()
	return s.start(store)
}

// starting waits for the services; with them the node is a member. A statement
// newer than the seal's, which it has rejoined under, goes into the seal.
func (s State) starting(e Event, effects ...Effect) (State, []Effect, error) {
	started, ok := e.(ServicesStarted)
	switch {
	case !ok:
		return s.misplaced(e)
	case started.Start != s.Start:
		return s.refuse(e, StaleStart)
	}
	s.Phase, s.Stage, s.Attempts, s.Start = Member, "", 0, 0
	s.Means, s.Resync, s.Answering = "", false, false
	if s.Serial > s.Disk.Seal.Serial {
		s.Disk.Seal.Serial = s.Serial
		effects = append(effects, UpdateSeal{Disk: s.Disk.UUID, Seal: s.Disk.Seal})
	}
	return s, effects, nil
}

// start starts what the role runs.
func (s State) start(store Store) (State, []Effect, error) {
	s.Stage = Starting
	if !s.isControlPlane() {
		store = NoStore
	}
	return s, []Effect{StartServices{Start: s.Start, Role: s.Role(), Store: store}}, nil
}
