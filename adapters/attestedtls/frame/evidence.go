package frame

import (
	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame/framepb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// Evidence carries what the session is proven with. The parts stay encoded: that
// they do not decode is a finding, which the peer is told with all others.
type Evidence struct {
	Evidence []byte       // as evidence.Evidence.Encode writes it
	Path     []byte       // as evidence.Path.Encode writes it
	Proof    *ports.Proof // nil where there was no challenge
}

// NewEvidence encodes an attestation. The error is an *Error.
func NewEvidence(a *ports.Attestation, proof *ports.Proof) (*Evidence, error) {
	encoded, err := a.Evidence.Encode()
	if err != nil {
		return nil, &Error{KindEvidence, "evidence", err}
	}
	return &Evidence{encoded, a.Path.Encode(), proof}, nil
}

// Kind returns KindEvidence.
func (*Evidence) Kind() Kind { return KindEvidence }

// Validate wants the sizes that encodings can have.
func (m *Evidence) Validate() error {
	if err := checkSize(KindEvidence, "evidence", m.Evidence, evidence.MaxSize); err != nil {
		return err
	}
	return checkSize(KindEvidence, "path", m.Path, evidence.MaxPathSize)
}

func (m *Evidence) toWire() proto.Message {
	w := &framepb.Evidence{Path: m.Path, Evidence: m.Evidence}
	if m.Proof != nil {
		w.Proof = m.Proof[:]
	}
	return w
}

func evidenceFromWire(w *framepb.Evidence) (*Evidence, error) {
	m := &Evidence{Evidence: w.GetEvidence(), Path: w.GetPath()}
	if err := checkSizeIf(KindEvidence, "proof", w.GetProof(), ports.ProofSize); err != nil {
		return nil, err
	}
	if proof := w.GetProof(); len(proof) > 0 {
		m.Proof = (*ports.Proof)(proof)
	}
	return m, nil
}
