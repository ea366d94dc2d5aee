package attestedtls

import (
	"net"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Peer says who is at the other end of a session, and what the session is. It
// never changes, and what it points to is not to be changed.
type Peer struct {
	Purpose evidence.Purpose
	Side    Side          // the peer's
	Role    evidence.Role // the peer's
	// Hello is what the peer said of itself. Its cluster, owner, mark and, where
	// the client meant one, node name were held against what is trusted; nothing
	// else in it was: not a record's ID, nor a disk's UUID.
	Hello frame.Hello

	// Claims is what the peer's evidence proves, and Verdict admits it. Both are
	// nil where the peer does not attest: then it is nobody yet, and proves itself
	// by an owner's signature or a share, over Exporter and the server's key.
	Claims  *policy.Claims
	Verdict *policy.Verdict
	// AKPublic is the public area (TPMT_PUBLIC) of the key that signed the
	// evidence, where the peer showed its identity; the engine's CA may certify it.
	AKPublic []byte
	// AKActivated says that this key answered a challenge in this session.
	AKActivated bool

	// Statement is what the server showed, at a client that believed it.
	Statement *Statement

	Exporter   Exporter
	ClientSPKI evidence.SPKIHash
	ServerSPKI evidence.SPKIHash
	Address    net.Addr // of the peer, for logs; on a relayed connection the relay's
}

// Attested says whether the peer proved itself with evidence.
func (p *Peer) Attested() bool { return p.Claims != nil }
