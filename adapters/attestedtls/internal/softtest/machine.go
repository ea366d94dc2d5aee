package softtest

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
)

// Machine is an attester in software. Its fields are set before it is used.
type Machine struct {
	Platform  evidence.Platform
	Registers measurement.Registers
	// EKCertificate is the manufacturer's signature over the endorsement key, and
	// AKCertificate the engine CA's over the attestation key.
	EKCertificate, AKCertificate []byte
	// Before runs before each quote; an error is the quote's.
	Before func(context.Context) error
	// Session may replace the session that evidence is made for.
	Session func(*evidence.Session) *evidence.Session

	ek *ecdh.PrivateKey
	ak *ecdsa.PrivateKey

	mu     sync.Mutex
	quotes int
}

// body is the evidence of a machine.
type body struct {
	AK         []byte                `json:"ak"` // SubjectPublicKeyInfo
	EK         []byte                `json:"ek,omitempty"`
	Registers  measurement.Registers `json:"registers"`
	Qualifying []byte                `json:"qualifying"`
	Signature  []byte                `json:"signature,omitempty"` // over all of the above
}

// digest is what a machine signs.
func (b body) digest() ([]byte, error) {
	b.Signature = nil
	data, err := json.Marshal(b)
	sum := sha256.Sum256(data)
	return sum[:], err
}

// newMachine returns a machine of the release that nobody marked.
func newMachine(t testing.TB, p evidence.Platform, release string, manufacturer ed25519.PrivateKey) *Machine {
	t.Helper()
	m := &Machine{Platform: p, Registers: measurement.Replay(0, bootLog(release))}
	err := m.Registers.Set(markRegister(), markRegister().PowerOn())
	if err != nil {
		t.Fatal(err)
	}
	if m.ek, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if m.ak, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	m.EKCertificate = certify(manufacturer, m.EK())
	return m
}

// EK returns the endorsement key, AK the attestation key.
func (m *Machine) EK() []byte { return m.ek.PublicKey().Bytes() }

// AK returns the attestation key.
func (m *Machine) AK() []byte {
	der, err := x509.MarshalPKIXPublicKey(&m.ak.PublicKey)
	if err != nil {
		panic(err) // a P-256 key can be marshalled
	}
	return der
}

// Quotes returns how often the machine made evidence.
func (m *Machine) Quotes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.quotes
}

// Mark makes the machine a member of a cluster.
func (m *Machine) Mark(cluster keys.ClusterID, owner keys.OwnerID) {
	value := markRegister().PowerOn().Extend(measurement.DigestSHA256(keys.MarkSHA256(cluster, owner)))
	if err := m.Registers.Set(markRegister(), value); err != nil {
		panic(err) // PCR 15 takes SHA-256
	}
}

// Identity implements ports.Attester.
func (m *Machine) Identity(context.Context) (*ports.Identity, error) {
	return &ports.Identity{
		Platform: m.Platform, EKCertificate: m.EKCertificate, EKPublic: m.EK(),
		AKPublic: m.AK(), AKCertificate: m.AKCertificate,
	}, nil
}

// Activate implements ports.Attester.
func (m *Machine) Activate(_ context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
	binding, err := s.Binding()
	if err != nil {
		return ports.Proof{}, err
	}
	secret, err := m.open(challenge)
	if err != nil {
		return ports.Proof{}, fmt.Errorf("%w: %w", ports.ErrChallenge, err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(binding.Bytes())
	return ports.Proof(mac.Sum(nil)), nil
}

// Attest implements ports.Attester.
func (m *Machine) Attest(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
	if m.Before != nil {
		if err := m.Before(ctx); err != nil {
			return nil, err
		}
	}
	if m.Session != nil {
		s = m.Session(s)
	}
	binding, err := s.Binding()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.quotes++
	m.mu.Unlock()
	batch, err := evidence.NewBatch([]evidence.Leaf{binding.Leaf()}, evidence.HashAttestationKey(m.AK()))
	if err != nil {
		return nil, err
	}
	signed, err := m.quote(batch.ReportData())
	if err != nil {
		return nil, err
	}
	path, err := batch.Path(0)
	return &ports.Attestation{Evidence: signed, Path: path}, err
}

// quote signs the registers with the report data.
func (m *Machine) quote(data evidence.ReportData) (*evidence.Evidence, error) {
	qualifying := data.Qualifying()
	b := body{AK: m.AK(), EK: m.EK(), Registers: m.Registers, Qualifying: qualifying[:]}
	digest, err := b.digest()
	if err != nil {
		return nil, err
	}
	if b.Signature, err = ecdsa.SignASN1(rand.Reader, m.ak, digest); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	e := &evidence.Evidence{Platform: m.Platform, Body: encoded}
	if len(m.AKCertificate) > 0 {
		e.Endorsements = []evidence.Endorsement{{Kind: evidence.AKCertificate, Data: slices.Clone(m.AKCertificate)}}
	}
	return e, nil
}
