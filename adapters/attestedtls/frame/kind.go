package frame

import (
	"fmt"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Kind says what a frame holds. It is the first byte of the frame.
type Kind uint8

// The kinds.
const (
	KindHello Kind = iota + 1
	KindStatement
	KindIdentity
	KindChallenge
	KindEvidence
	KindVerdict
)

// overhead is what protobuf adds to the fields of a message whose parts have
// bounds of their own: a tag and a length each.
const overhead = 32

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{KindHello, KindStatement, KindIdentity, KindChallenge, KindEvidence, KindVerdict}
}

// Bound returns how many bytes a message of the kind may have, 0 for no kind.
func (k Kind) Bound() int {
	switch k {
	case KindHello:
		return evidence.MaxHelloSize
	case KindStatement:
		return owner.MaxSignedStatementSize + overhead
	case KindIdentity:
		return ports.MaxIdentitySize
	case KindChallenge:
		return ports.MaxChallengeSize
	case KindEvidence:
		return evidence.MaxSize + evidence.MaxPathSize + ports.ProofSize + overhead
	case KindVerdict:
		return policy.MaxVerdictSize + overhead
	default:
		return 0
	}
}

// String returns the name of the kind, as findings and logs have it.
func (k Kind) String() string {
	switch k {
	case KindHello:
		return "hello"
	case KindStatement:
		return "statement"
	case KindIdentity:
		return "identity"
	case KindChallenge:
		return "challenge"
	case KindEvidence:
		return "evidence"
	case KindVerdict:
		return "verdict"
	default:
		return fmt.Sprintf("kind %d", uint8(k))
	}
}
