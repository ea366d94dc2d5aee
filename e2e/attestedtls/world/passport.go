package world

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// Passport is what another process needs to be the attester of a machine. It can be
// handed over as JSON.
type Passport struct {
	Name        string
	Address     string      // of the TPM, as tpm/device takes it
	EventLog    string      // path
	Certificate []byte      // of the attestation key; empty where there is none
	Member      *Membership // nil where the machine bears no mark
}

// Membership says whose mark a machine bears.
type Membership struct {
	Cluster keys.ClusterID
	Owner   keys.OwnerID
}

// HandOver ends the machine's attester, since a software TPM serves one at a time,
// and returns what the next one needs. The TPM stays this machine's to end.
func (m *Machine) HandOver() (*Passport, error) {
	if m.attester == nil {
		return nil, errors.New("handing over a machine: it has no attester any more")
	}
	err := m.attester.Close()
	m.attester = nil
	return &Passport{
		Name: m.Name, Address: m.address, EventLog: m.log, Certificate: m.akCertificate(), Member: m.member,
	}, err
}

// Take makes this process the machine's attester. Close ends that, and leaves the
// TPM alone.
func (p *Passport) Take(ctx context.Context, clock *Clock) (*Machine, error) {
	m := &Machine{Name: p.Name, address: p.Address, log: p.EventLog, member: p.Member}
	if len(p.Certificate) > 0 {
		m.certificate.Store(&p.Certificate)
	}
	var err error
	if m.Keys, err = attestedtls.NewKeys(clock.Now); err != nil {
		return nil, err
	}
	if err := m.open(ctx); err != nil {
		return nil, fmt.Errorf("taking machine %s over: %w", p.Name, err)
	}
	if p.Member == nil {
		return m, nil
	}
	return m, m.attester.Mark(ctx, p.Member.Cluster, p.Member.Owner) // which it bears already: the record is made again
}
