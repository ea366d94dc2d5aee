package join

import (
	"errors"
	"fmt"
	"slices"
)

// What Kubernetes' node authorizer knows nodes by (Kubernetes, "Using Node
// Authorization").
const (
	nodeUserPrefix = "system:node:"
	nodesGroup     = "system:nodes"
)

// ErrSubject is wrapped where a node gets no certificate for what it asks.
var ErrSubject = errors.New("no certificate for this")

// Subject is all that a kubelet's certificates may say. It comes from the record;
// what a certificate request says is only compared with it.
type Subject struct {
	CommonName   string
	Organization string
	DNSNames     []string // of a serving certificate; a client's has none
}

// CertificateRequest is what a certificate request (PKCS #10) asks for, as far as
// a certificate could say it.
type CertificateRequest struct {
	CommonName     string
	Organizations  []string
	OtherNames     bool // the subject has an attribute of another type
	DNSNames       []string
	IPAddresses    []string
	EmailAddresses []string
	URIs           []string
}

// ClientSubject returns what the node's client certificate says: the user
// system:node:NAME in the group system:nodes. Only members get one. The error
// wraps ErrSubject.
func (r *Record) ClientSubject() (*Subject, error) {
	if r.State != Member {
		return nil, fmt.Errorf("%w: the node is %s", ErrSubject, r.State)
	}
	if _, err := ParseNodeName(string(r.Name)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSubject, err)
	}
	return &Subject{CommonName: nodeUserPrefix + string(r.Name), Organization: nodesGroup}, nil
}

// ServingSubject returns what the certificate says with which the node's kubelet
// serves: the same, for the node's name alone. An address is in no record, and
// nothing shows whose it is, so it is in no certificate either. The error wraps
// ErrSubject.
func (r *Record) ServingSubject() (*Subject, error) {
	s, err := r.ClientSubject()
	if err != nil {
		return nil, err
	}
	s.DNSNames = []string{string(r.Name)}
	return s, nil
}

// Check wants a certificate request that asks for exactly this. The error wraps
// ErrSubject.
func (s *Subject) Check(c *CertificateRequest) error {
	switch {
	case c.CommonName != s.CommonName:
		return fmt.Errorf("%w: it asks for the user %.80q, not %q", ErrSubject, c.CommonName, s.CommonName)
	case len(c.Organizations) != 1 || c.Organizations[0] != s.Organization || c.OtherNames:
		return fmt.Errorf("%w: it asks for other groups than %q", ErrSubject, s.Organization)
	case !slices.Equal(c.DNSNames, s.DNSNames):
		return fmt.Errorf("%w: it asks for %d DNS names that are not %q", ErrSubject, len(c.DNSNames), s.DNSNames)
	case len(c.IPAddresses)+len(c.EmailAddresses)+len(c.URIs) > 0:
		return fmt.Errorf("%w: it asks for addresses or URIs", ErrSubject)
	default:
		return nil
	}
}
