package frame

import (
	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame/framepb"
)

// Challenge carries what only the machine with both the keys of an identity can
// answer, as its verifier made it.
type Challenge struct{ Blob []byte }

// Kind returns KindChallenge.
func (*Challenge) Kind() Kind { return KindChallenge }

// Validate wants a challenge that is not empty. Its bound is the frame's.
func (m *Challenge) Validate() error {
	return checkSize(KindChallenge, "blob", m.Blob, KindChallenge.Bound())
}

func (m *Challenge) toWire() proto.Message { return &framepb.Challenge{Blob: m.Blob} }

func challengeFromWire(w *framepb.Challenge) (*Challenge, error) {
	return &Challenge{w.GetBlob()}, nil
}
