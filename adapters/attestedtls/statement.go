package attestedtls

import (
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// believe opens the statement that the server shows, and makes trust of it.
func (c *ClientConfig) believe(shown *frame.Statement, announced [32]byte) (*Statement, *Trust, error) {
	if shown.Hash() != announced {
		return nil, nil, refuseFrame(&frame.Error{Kind: frame.KindStatement, Err: errors.New("the hello announced another")})
	}
	s, err := c.open(shown.Encoded)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.Policy(c.Statement.Profiles...)
	if err != nil {
		return nil, nil, distrust(err, "profiles", fmt.Sprint(c.Statement.Profiles),
			"The owner has to sign a cluster statement with a release of this machine's profile.")
	}
	roots := &ports.Trust{
		EndorsementRoots: s.EndorsementRoots,
		EngineCAs:        []evidence.SPKIHash{s.EngineCA},
		Certificates:     c.Statement.Certificates,
	}
	return s, &Trust{Policy: p, Roots: roots, Cluster: s.Cluster, Owner: s.Owner}, nil
}

func (c *ClientConfig) open(encoded []byte) (*Statement, error) {
	signed, err := owner.DecodeSignedStatement(encoded)
	if err != nil {
		return nil, distrust(err, "cluster statement", string(owner.Malformed), "Check that the versions of the two ends fit.")
	}
	s, newest, err := signed.Open(c.Statement.Anchor(), c.Now())
	var refusal *owner.StatementError
	if errors.As(err, &refusal) {
		return nil, distrust(err, "cluster statement", err.Error(), remedyFor(refusal.Reason))
	}
	if err != nil {
		return nil, err
	}
	if c.Signed != nil {
		c.Signed(s.Issued)
	}
	return &Statement{s, newest, encoded}, nil
}

func distrust(cause error, subject, seen, remedy string) error {
	return refuseFor(cause, policy.Finding{Code: policy.CodeStatementNotTrusted, Subject: subject, Seen: seen, Remedy: remedy})
}

func remedyFor(r owner.StatementReason) string {
	switch r {
	case owner.Expired:
		return "The owner has to sign a new cluster statement; if this one still holds, check the clock of the machine that refuses it."
	case owner.NotYetValid:
		return "Check the clock of the machine that refuses the statement, and of the one on which the owner signed it."
	case owner.Rollback, owner.Forked:
		return "The server shows an older or another statement than was seen before: update its statement, and ask why it has this one."
	case owner.OtherCluster, owner.NotOwner:
		return "The server belongs to another cluster or owner: check the address, and the owner ID that this machine was given."
	default:
		return "The statement is not what the owner signed: check that the versions of the two ends fit, and what answers at the address."
	}
}
