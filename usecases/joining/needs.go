package joining

import (
	"context"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// Authority knows what the owner has said. governing.Governor serves it.
type Authority interface {
	// Load returns the newest authority and the revision of its head, which is a
	// condition of what is decided on it. It never returns one that is older than
	// what it returned before.
	Load(ctx context.Context) (*authority.Authority, ports.Revision, error)
}

// Recorder puts entries into the ledger, and writes what they are about.
// sequencing.Sequencer serves it.
type Recorder interface {
	// Append carries out a proposal, all of it or nothing.
	Append(ctx context.Context, p *sequencing.Proposal) (*sequencing.Receipt, error)
}

// Prober asks the machine that got a record's last ticket whether it lives.
type Prober interface {
	// Alive returns join.Alive where the machine proves itself as the record's node
	// in the boot r.Held, which need not be r.Boot, and join.Silent where nothing
	// does. An error is for what could not be found out.
	Alive(ctx context.Context, r *join.Record) (join.Liveness, error)
}

// Keys is the KMS as a JoinService sees it. Releaser.For serves it.
type Keys interface {
	// Release returns the keys of a node that was admitted. What it refuses is a
	// *ReleaseError.
	Release(ctx context.Context, q ReleaseRequest) (*Released, error)
}

// Roots is what the KMS keeps and derives no data key from.
type Roots interface {
	// Measurement returns copies of the measurement secret and its salt. The caller
	// wipes the secret.
	Measurement(ctx context.Context) (keys.MeasurementSecret, keys.MeasurementSalt, error)
	// KEK returns a copy of the KEK, which the caller wipes.
	KEK(ctx context.Context) (keys.KEK, error)
}

// Minter makes what a ticket holds beside keys. It is asked only after the intent
// of the node is durable.
type Minter interface {
	// Certify certifies the node's attestation key and its services' keys, and says
	// where the cluster is. Nothing in the result is secret. It may be asked again
	// for a request whose answer was lost.
	Certify(ctx context.Context, o *Order) (*Certified, error)
	// AcceptToken makes Kubernetes accept a bootstrap token for a node until it
	// expires. To be asked twice for one token changes nothing.
	AcceptToken(ctx context.Context, r *join.Record, token *join.Token) error
	// Files returns what a control-plane node must have before it starts. It is
	// secret, and the caller wipes it.
	Files(ctx context.Context, r *join.Record) ([]join.File, error)
}
