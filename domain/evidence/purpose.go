package evidence

import (
	"errors"
	"fmt"
)

// ErrPurpose is wrapped by every error about purposes and the roles in them.
var ErrPurpose = errors.New("purpose and role do not fit")

// Purpose is what one attested session is for. The client sets it, and there is
// one a session.
type Purpose string

// The purposes.
const (
	Init    Purpose = "init"
	Join    Purpose = "join"
	Rejoin  Purpose = "rejoin"
	Recover Purpose = "recover"
	Attest  Purpose = "attest"
	Admin   Purpose = "admin"
	Unseal  Purpose = "unseal"
)

// Role is what one end of an attested session is.
type Role string

// The roles.
const (
	Owner         Role = "owner"
	Administrator Role = "administrator"
	Reader        Role = "reader"
	Holder        Role = "holder"
	Joiner        Role = "joiner"
	Locked        Role = "locked"
	JoinService   Role = "joinservice"
	Member        Role = "member"
	KMS           Role = "kms"
)

// CheckRoles says whether a client of one role may hold a session for the
// purpose with a server of the other. Roles are fixed by the purpose and never
// negotiated. The error wraps ErrPurpose.
func (p Purpose) CheckRoles(client, server Role) error {
	if !p.clientMay(client) || server != p.server() {
		return fmt.Errorf("%w: %q from %q to %q", ErrPurpose, string(p), string(client), string(server))
	}
	return nil
}

func (p Purpose) server() Role {
	switch p {
	case Init:
		return Joiner
	case Recover:
		return Locked
	case Join, Rejoin:
		return JoinService
	case Attest, Admin:
		return Member
	case Unseal:
		return KMS
	default:
		return ""
	}
}

func (p Purpose) clientMay(r Role) bool {
	switch p {
	case Init:
		return r == Owner
	case Recover:
		return r == Owner || r == Holder
	case Join:
		return r == Joiner
	case Rejoin, Unseal:
		return r == Locked
	case Attest:
		return r == JoinService
	case Admin:
		return r == Owner || r == Administrator || r == Reader
	default:
		return false
	}
}

// ClientAttests says whether the client proves itself with evidence, as the
// server always does. Where it does not, it proves itself by a signature or a
// share.
func (p Purpose) ClientAttests() bool {
	switch p {
	case Join, Rejoin, Attest, Unseal:
		return true
	default:
		return false
	}
}

// OwnerSigns says whether requests for the purpose are signed by an owner, or in
// Admin by whom the owner named.
func (p Purpose) OwnerSigns() bool { return p.clientMay(Owner) }

// checkAttester says whether a peer of the role attests in a session of the
// purpose.
func (p Purpose) checkAttester(r Role) error {
	if r == "" || (r != p.server() && !(p.ClientAttests() && p.clientMay(r))) {
		return fmt.Errorf("%w: nobody attests as %q for %q", ErrPurpose, string(r), string(p))
	}
	return nil
}
