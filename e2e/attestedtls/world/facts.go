package world

import (
	"context"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Facts is all that services, machines and tools know about a cluster. There is no
// secret in it, and it can be handed to other processes as JSON.
type Facts struct {
	Cluster      keys.ClusterID
	Owner        keys.OwnerID
	EngineCA     evidence.SPKIHash
	Roots        []evidence.SPKIHash
	Certificates [][]byte // of the makers of machines, in DER
	Releases     []Release
	Statement    []byte // the encoded owner.SignedStatement
}

// Policy returns the policy under which the cluster's services appraise machines.
func (f *Facts) Policy() (*policy.Policy, error) {
	accepted, err := releases(f.Releases)
	if err != nil {
		return nil, err
	}
	return policy.New(policy.Document{
		Version:   policy.Version,
		Serial:    1,
		Platforms: []evidence.Platform{Platform},
		Profiles:  []string{Profile},
		Releases:  accepted,
		TPM:       &policy.TPM{EKTrust: policy.EKCertificate},
	})
}

// Trust returns what the cluster's services believe in: the maker of its
// machines, and the cluster's own CA.
func (f *Facts) Trust() *ports.Trust {
	return &ports.Trust{EndorsementRoots: f.Roots, EngineCAs: []evidence.SPKIHash{f.EngineCA}, Certificates: f.Certificates}
}

// anchored is what a joiner and an owner's tool know: the owner.
func (f *Facts) anchored() *attestedtls.StatementTrust {
	return &attestedtls.StatementTrust{
		Anchor:       func() owner.Anchor { return owner.Anchor{Owner: f.Owner} },
		Profiles:     []string{Profile},
		Certificates: f.Certificates,
	}
}

func (f *Facts) statement(context.Context) ([]byte, error) { return f.Statement, nil }

// ofMembers is for members and for locked machines of the cluster.
func (f *Facts) ofMembers() attestedtls.TrustSource {
	return f.source(f.Cluster, f.Owner)
}

// ofFresh is for machines of no cluster.
func (f *Facts) ofFresh() attestedtls.TrustSource {
	return f.source(keys.ClusterID{}, keys.OwnerID{})
}

// source compiles the policy once, as services do.
func (f *Facts) source(cluster keys.ClusterID, o keys.OwnerID) attestedtls.TrustSource {
	p, err := f.Policy()
	trust := &attestedtls.Trust{Policy: p, Roots: f.Trust(), Cluster: cluster, Owner: o}
	return func(context.Context) (*attestedtls.Trust, error) { return trust, err }
}
