package authority

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Authority is everything that was said about a cluster up to one directive. It
// never changes, so it may be shared; Apply returns the next one.
type Authority struct {
	owner   keys.OwnerID
	cluster keys.ClusterID

	head       Head
	issued     time.Time // of the newest directive
	statement  *opened   // nil before the first directive
	policy     *policy.Policy
	unusable   error // why the policy is not to be used
	joinPolicy *join.Policy
	frozen     bool
	words      *words
}

// opened is a cluster statement that the owner signed.
type opened struct {
	encoded   []byte // the owner.SignedStatement
	signed    *owner.SignedStatement
	statement *owner.Statement
	document  *owner.Document // the newest of its chain
}

// Begin returns the Authority of a cluster about which nothing was said yet.
// Owner and cluster are the roots of all trust: they come from the seal, or from
// whoever founds the cluster.
func Begin(id keys.OwnerID, cluster keys.ClusterID) *Authority {
	return &Authority{owner: id, cluster: cluster, unusable: fmt.Errorf("%w: the owner has given none", ErrNoPolicy)}
}

// Owner returns whose cluster it is.
func (a *Authority) Owner() keys.OwnerID { return a.owner }

// Cluster returns which cluster it is.
func (a *Authority) Cluster() keys.ClusterID { return a.cluster }

// Head names the newest directive. It is zero before the first.
func (a *Authority) Head() Head { return a.head }

// Issued returns when the newest directive was issued.
func (a *Authority) Issued() time.Time { return a.issued }

// SignedStatement returns a copy of the newest cluster statement as its owner
// signed it, encoded, nil before the first.
func (a *Authority) SignedStatement() []byte {
	if a.statement == nil {
		return nil
	}
	return bytes.Clone(a.statement.encoded)
}

// Statement returns a copy of the newest cluster statement. The error wraps
// ErrNoStatement before the first. Current says whether it holds.
func (a *Authority) Statement() (*owner.Statement, error) {
	if a.statement == nil {
		return nil, fmt.Errorf("%w: the owner has given none", ErrNoStatement)
	}
	return owner.DecodeStatement(a.statement.signed.Statement)
}

// Document returns a copy of the owner's newest document, whose threshold signs.
// The error wraps ErrNoStatement before the first statement.
func (a *Authority) Document() (*owner.Document, error) {
	if a.statement == nil {
		return nil, fmt.Errorf("%w: the owner has given none", ErrNoStatement)
	}
	d := *a.statement.document
	d.Keys = slices.Clone(d.Keys)
	return &d, nil
}

// Anchor is what a reader of statements knows who has seen this Authority.
func (a *Authority) Anchor() owner.Anchor {
	anchor := owner.Anchor{Owner: a.owner, Cluster: a.cluster}
	if s := a.statement; s != nil {
		anchor.MinSerial, anchor.MinDocument = s.statement.Serial, s.document.Number
		anchor.Known = sha256.Sum256(s.signed.Statement)
	}
	return anchor
}

// Current says whether the newest cluster statement holds at that time: max(clock,
// floor), as policy.Floor has it. The error wraps ErrNoStatement, and where there
// is a statement an *owner.StatementError.
func (a *Authority) Current(now time.Time) error {
	if a.statement == nil {
		return fmt.Errorf("%w: the owner has given none", ErrNoStatement)
	}
	return a.statement.holds(now)
}

func (o *opened) holds(now time.Time) error {
	s := o.statement
	refuse := func(reason owner.StatementReason, verb string, t time.Time) error {
		err := fmt.Errorf("%w: it %s at %s, and it is %s", owner.ErrStatement, verb, stamp(t), stamp(now))
		return fmt.Errorf("%w: %w", ErrNoStatement, &owner.StatementError{Reason: reason, Err: err})
	}
	switch {
	case s.Issued.After(now.Add(MaxSkew)):
		return refuse(owner.NotYetValid, "was issued", s.Issued)
	case now.After(s.Expires):
		return refuse(owner.Expired, "expired", s.Expires)
	default:
		return nil
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Policy returns the newest attestation policy. The error wraps ErrNoPolicy where
// the owner has given none, or where the newest cluster statement does not leave
// it in force: its serial is below the least that the statement accepts, or it
// would accept what the statement does not. Then nothing is to be admitted until
// there is a new one.
func (a *Authority) Policy() (*policy.Policy, error) {
	if a.unusable != nil {
		return nil, a.unusable
	}
	return a.policy, nil
}

// Draft returns the directive that says d next: not signed yet, with the version,
// cluster, serial and hash of the one before filled in, and issued now unless d
// says when. The error is an *InvalidDirectiveError.
func (a *Authority) Draft(d Directive, now time.Time) (*Directive, error) {
	d.Version, d.Cluster, d.Serial, d.Previous = Version, a.cluster, a.head.Serial+1, a.head.Hash
	if d.Issued.IsZero() {
		d.Issued = now.UTC().Truncate(time.Second)
	}
	if d.Issued.Before(a.issued) {
		d.Issued = a.issued
	}
	return NewDirective(d)
}
