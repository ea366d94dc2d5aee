package joining

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// ErrApplication is wrapped where an application does not hold together. It is a
// defect of the transport: nothing that a node sends reaches it.
var ErrApplication = errors.New("not an application to decide on")

// Application is a candidate with the bytes whose hashes it and its request name.
type Application struct {
	Candidate *join.Candidate
	Evidence  []byte // as it is kept for audits
	AK        []byte // the attestation key's public area; empty without a TPM
	// Services are public keys as DER-encoded SubjectPublicKeyInfo, in the order of
	// the request's.
	Services []PublicKey
}

// PublicKey is the public key of one of a node's services.
type PublicKey struct {
	Service string
	SPKI    []byte // DER (RFC 5280, section 4.1.2.7)
}

// check says whether every byte is one that the candidate names.
func (a *Application) check() error {
	c := a.Candidate
	if c == nil || c.Request == nil {
		return fmt.Errorf("%w: there is no request", ErrApplication)
	}
	if c.Evidence != measurement.Sum(measurement.SHA256, a.Evidence) {
		return fmt.Errorf("%w: the evidence is not the one that the candidate names", ErrApplication)
	}
	if c.AK.IsZero() != (len(a.AK) == 0) || !c.AK.IsZero() && c.AK != measurement.Sum(measurement.SHA256, a.AK) {
		return fmt.Errorf("%w: the attestation key is not the one that the candidate names", ErrApplication)
	}
	if len(a.Services) != len(c.Request.Services) {
		return fmt.Errorf("%w: %d public keys of %d services", ErrApplication, len(a.Services), len(c.Request.Services))
	}
	for i, want := range c.Request.Services {
		got := &a.Services[i]
		if got.Service != want.Service || evidence.SPKIHash(sha256.Sum256(got.SPKI)) != want.SPKI {
			return fmt.Errorf("%w: the public key of service %d is not the one that the request names", ErrApplication, i)
		}
	}
	return nil
}

// Order is what is to be certified.
type Order struct {
	Record   *join.Record
	AK       []byte
	Services []PublicKey
}

func (a *Application) order(r *join.Record) *Order {
	return &Order{Record: r, AK: bytes.Clone(a.AK), Services: a.Services}
}

// Certified is what was certified, and where the cluster is. Nothing of it is
// secret.
type Certified struct {
	EngineCA      []byte                    // certificate, DER
	AKCertificate []byte                    // DER; empty where the order has no key
	Services      []join.ServiceCertificate // in the order's order
	Kubernetes    *join.Kubernetes          // nil where the cluster runs none
}
