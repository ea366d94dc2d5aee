package agent

import (
	"errors"
	"fmt"
	"slices"
)

// overflowUID stands for every user that has no number in our user namespace
// (user_namespaces(7)): whoever lets it in lets in more than one.
const overflowUID = 65534

// Access says who may use a socket. The zero Access lets nobody in.
type Access struct {
	// UIDs are the users, by their number in the server's user namespace.
	UIDs []uint32
	// Group, where not nil, is the group of the socket file, whose mode is then
	// 0660 instead of 0600. It lets the users reach the socket and lets in nobody
	// that UIDs does not name.
	Group *uint32
}

// Peer is who opened a connection, as the kernel remembers it (SO_PEERCRED).
type Peer struct {
	UID, GID uint32
	PID      int32
}

func (a *Access) allows(p Peer) bool { return slices.Contains(a.UIDs, p.UID) }

func (a *Access) validate() error {
	if len(a.UIDs) == 0 {
		return errors.New("nobody may use it")
	}
	for _, uid := range a.UIDs {
		if uid == overflowUID || uid == ^uint32(0) {
			return fmt.Errorf("%d is no user's number", uid)
		}
	}
	return nil
}

func (a *Access) mode() uint32 {
	if a.Group == nil {
		return 0o600
	}
	return 0o660
}
