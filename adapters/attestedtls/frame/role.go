package frame

import "github.com/asterism-k8s/asterism/domain/evidence"

// ServerRole returns the role of the server in sessions for the purpose, "" where
// there is no such purpose: the one that evidence.Purpose.CheckRoles accepts.
func ServerRole(p evidence.Purpose) evidence.Role {
	switch p {
	case evidence.Init:
		return evidence.Joiner
	case evidence.Recover:
		return evidence.Locked
	case evidence.Join, evidence.Rejoin:
		return evidence.JoinService
	case evidence.Attest, evidence.Admin:
		return evidence.Member
	case evidence.Unseal:
		return evidence.KMS
	default:
		return ""
	}
}

// IsClient says whether the role may open sessions for the purpose.
func IsClient(p evidence.Purpose, r evidence.Role) bool {
	return p.CheckRoles(r, ServerRole(p)) == nil
}

// ShowsStatement says whether the server of a session for the purpose sends the
// cluster statement: wherever the client is not one that has it, or makes it.
func ShowsStatement(p evidence.Purpose) bool {
	return p != evidence.Init && p != evidence.Attest && ServerRole(p) != ""
}
