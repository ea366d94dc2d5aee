package agent

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// Bounds of messages in bytes. Those of fields and their framing are generous;
// each field has its own bound as well.
const (
	framing             = 1 << 10
	maxSessionRequest   = 2*evidence.MaxHelloSize + ports.MaxChallengeSize + framing
	maxStatementRequest = evidence.MaxStatementSize + evidence.MaxNonceSize + framing
	maxAnswer           = evidence.MaxSize + evidence.MaxPathSize + framing
)

// checkKnown refuses a message with fields that its type does not have: whoever
// sent it means something that would be ignored.
func checkKnown(m proto.Message) error {
	message := m.ProtoReflect()
	if len(message.GetUnknown()) > 0 {
		return fmt.Errorf("a %s with unknown fields", message.Descriptor().Name())
	}
	var err error
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() != nil && !field.IsList() && !field.IsMap() {
			err = checkKnown(value.Message().Interface())
		}
		return err == nil
	})
	return err
}

func encodeSession(s *evidence.Session) *agentpb.Session {
	return &agentpb.Session{
		Purpose:       string(s.Purpose),
		AttesterRole:  string(s.AttesterRole),
		Exporter:      s.Exporter[:],
		AttesterSpki:  s.AttesterSPKI[:],
		VerifierSpki:  s.VerifierSPKI[:],
		AttesterHello: s.AttesterHello,
		VerifierHello: s.VerifierHello,
	}
}

// decodeSession reads a session that evidence can be bound to. The error wraps
// evidence.ErrBinding.
func decodeSession(m *agentpb.Session) (*evidence.Session, error) {
	s := &evidence.Session{
		Purpose:       evidence.Purpose(m.GetPurpose()),
		AttesterRole:  evidence.Role(m.GetAttesterRole()),
		AttesterHello: m.GetAttesterHello(),
		VerifierHello: m.GetVerifierHello(),
	}
	err := errors.Join(
		fill(s.Exporter[:], m.GetExporter(), "exporter"),
		fill(s.AttesterSPKI[:], m.GetAttesterSpki(), "attester's key hash"),
		fill(s.VerifierSPKI[:], m.GetVerifierSpki(), "verifier's key hash"),
	)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", evidence.ErrBinding, err)
	}
	if _, err := s.Binding(); err != nil {
		return nil, err
	}
	return s, nil
}

// fill copies a field that must be exactly as long as its place.
func fill(place, field []byte, name string) error {
	if len(field) != len(place) {
		return fmt.Errorf("the %s has %d bytes, want %d", name, len(field), len(place))
	}
	copy(place, field)
	return nil
}

func decodeAttestation(m *agentpb.Attestation) (*ports.Attestation, error) {
	e, err := evidence.Decode(m.GetEvidence())
	if err != nil {
		return nil, fmt.Errorf("reading the agent's evidence: %w", err)
	}
	path, err := evidence.DecodePath(m.GetPath())
	if err != nil {
		return nil, fmt.Errorf("reading the agent's path: %w", err)
	}
	return &ports.Attestation{Evidence: e, Path: path}, nil
}

func encodeIdentity(id *ports.Identity) *agentpb.IdentifyResponse {
	return &agentpb.IdentifyResponse{
		Platform:      string(id.Platform),
		EkCertificate: id.EKCertificate,
		EkPublic:      id.EKPublic,
		AkPublic:      id.AKPublic,
		AkCertificate: id.AKCertificate,
	}
}

func decodeIdentity(m *agentpb.IdentifyResponse) (*ports.Identity, error) {
	if n := proto.Size(m); n > ports.MaxIdentitySize {
		return nil, fmt.Errorf("the agent's identity has %d bytes, at most %d", n, ports.MaxIdentitySize)
	}
	return &ports.Identity{
		Platform:      evidence.Platform(m.GetPlatform()),
		EKCertificate: m.GetEkCertificate(),
		EKPublic:      m.GetEkPublic(),
		AKPublic:      m.GetAkPublic(),
		AKCertificate: m.GetAkCertificate(),
	}, nil
}
