package world

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Certificates of engine CAs begin that long ago, so that a clock may be turned
// back without that alone being the end.
const caAge = 2 * 365 * 24 * time.Hour

// Cluster is one cluster of an owner's.
type Cluster struct {
	ID       keys.ClusterID
	Owner    *Owner
	Maker    *Maker
	Releases []Release // accepted, newest first

	engine    authority
	statement owner.Statement
}

// authority is the engine's CA, which certifies attestation keys.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// NewCluster makes a cluster whose machines come from the maker and run the
// releases, with a statement that was issued an hour ago.
func NewCluster(o *Owner, m *Maker, accepted ...Release) (*Cluster, error) {
	c := &Cluster{Owner: o, Maker: m, Releases: accepted}
	rand.Read(c.ID[:])
	var err error
	if c.engine, err = newAuthority(); err != nil {
		return nil, err
	}
	if c.statement, err = c.newStatement(); err != nil {
		return nil, err
	}
	return c, nil
}

func newAuthority() (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("making the engine CA's key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Engine CA"},
		NotBefore:             time.Now().Add(-caAge),
		NotAfter:              time.Now().Add(caAge),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return authority{}, fmt.Errorf("signing the engine CA's certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	return authority{key, certificate}, err
}

func (a *authority) spki() evidence.SPKIHash {
	return sha256.Sum256(a.certificate.RawSubjectPublicKeyInfo)
}

func (c *Cluster) newStatement() (owner.Statement, error) {
	accepted, err := releases(c.Releases)
	if err != nil {
		return owner.Statement{}, err
	}
	ledger, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return owner.Statement{}, fmt.Errorf("making the ledger's key: %w", err)
	}
	return owner.Statement{
		Serial:              10,
		Cluster:             c.ID,
		Owner:               c.Owner.ID,
		Issued:              time.Now().UTC().Add(-time.Hour).Truncate(time.Second),
		EngineCA:            c.engine.spki(),
		KubernetesCA:        sha256.Sum256([]byte("Kubernetes CA")),
		LedgerKey:           owner.PublicKey(ledger),
		Releases:            accepted,
		EndorsementRoots:    c.Maker.Roots(),
		TPM:                 &policy.TPM{EKTrust: policy.EKCertificate},
		MinimumPolicySerial: 1,
	}, nil
}

// Statement returns the cluster's statement, signed by its owner, after the
// changes.
func (c *Cluster) Statement(changes ...func(*owner.Statement)) ([]byte, error) {
	s := c.statement
	for _, change := range changes {
		change(&s)
	}
	return c.Owner.SignStatement(s)
}

// Facts returns what there is to know about the cluster.
func (c *Cluster) Facts() (*Facts, error) {
	statement, err := c.Statement()
	if err != nil {
		return nil, err
	}
	return &Facts{
		Cluster:      c.ID,
		Owner:        c.Owner.ID,
		EngineCA:     c.engine.spki(),
		Roots:        c.Maker.Roots(),
		Certificates: c.Maker.Certificates(),
		Releases:     c.Releases,
		Statement:    statement,
	}, nil
}
