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

// Numbers of the fields of Evidence, as in frames.proto.
const (
	pathNumber = iota + 1
	proofNumber
	evidenceNumber
)

// evidenceFromWire reads the one encoding as unmarshal does, but without a copy:
// a stranger's evidence is the largest of all messages.
func evidenceFromWire(data []byte) (*Evidence, error) {
	fields, err := consumeFields(KindEvidence, data, evidenceNumber)
	if err != nil {
		return nil, err
	}
	m := &Evidence{Path: fields[pathNumber], Evidence: fields[evidenceNumber]}
	if proof := fields[proofNumber]; proof != nil {
		if err := checkSizeIf(KindEvidence, "proof", proof, ports.ProofSize); err != nil {
			return nil, err
		}
		m.Proof = (*ports.Proof)(proof)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}
