package attestedtls

import (
	"context"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Trust is what an end holds its peer against. All of it comes from configuration
// or from an owner's signature, never from the peer.
type Trust struct {
	Policy *policy.Policy
	Roots  *ports.Trust
	// The cluster whose mark a member must bear, and to which a locked node must
	// say it belongs. They are zero where the peer is of no cluster, as in init.
	Cluster keys.ClusterID
	Owner   keys.OwnerID
}

// TrustSource returns what to hold the peer of a new session against.
type TrustSource func(context.Context) (*Trust, error)

// StatementTrust is how the client of a session in which the server shows the
// cluster statement comes by its Trust: the statement, believed for the owner's
// signature, names the releases, the hardware, the CAs and the mark.
type StatementTrust struct {
	// Anchor returns what is known beforehand: the owner, where it is fixed the
	// cluster, and the newest statement seen.
	Anchor func() owner.Anchor
	// Profiles are those of the image's releases that the server may have, as in
	// "release"; a joiner names its own.
	Profiles []string
	// Certificates complete chains to the statement's endorsement roots, in DER.
	Certificates [][]byte
	// Seen is called with the statement after the server was admitted, so that its
	// serial is the least that is taken from then on. It may be nil. An error ends
	// the handshake: what cannot be remembered is not relied on. Sessions at once may
	// call it in any order: it must refuse a serial below the one it keeps, in one
	// step with keeping.
	Seen func(*Statement) error
}

// Statement is a cluster statement that a session's client believed.
type Statement struct {
	*owner.Statement
	Newest  *owner.Document // of the owner's chain: it signs requests
	Encoded []byte          // the owner.SignedStatement
}
