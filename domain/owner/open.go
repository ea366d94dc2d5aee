package owner

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/keys"
)

// maxSkew is how far in the future a statement may have been issued.
const maxSkew = 5 * time.Minute

// ErrStatement is wrapped by every refusal of a cluster statement.
var ErrStatement = errors.New("not a cluster statement to trust")

// StatementReason says why a statement is refused. Reasons are stable: programs
// may decide on them.
type StatementReason string

// The reasons.
const (
	Malformed    StatementReason = "malformed"     // not an encoding of a statement, or it says nothing that could hold
	NotOwner     StatementReason = "not-owner"     // it does not follow from the owner ID
	BadSignature StatementReason = "bad-signature" // too few of the owner's keys signed it, or a link of the chain
	OtherCluster StatementReason = "other-cluster"
	Rollback     StatementReason = "rollback" // a newer statement, or owner document, was seen
	Forked       StatementReason = "forked"   // another statement of the same serial was seen
	NotYetValid  StatementReason = "not-yet-valid"
	Expired      StatementReason = "expired"
)

// StatementError says why a statement is refused. It is the first reason found,
// since the others mean nothing behind it: nothing that a stranger signed is
// expired.
type StatementError struct {
	Reason StatementReason
	Err    error // wraps ErrStatement
}

// Error returns the reason and what led to it.
func (e *StatementError) Error() string { return fmt.Sprintf("%v (%s)", e.Err, e.Reason) }

// Unwrap returns what led to the reason.
func (e *StatementError) Unwrap() error { return e.Err }

// Anchor is what a reader of statements knows beforehand.
type Anchor struct {
	Owner   keys.OwnerID   // needed: the root of all trust
	Cluster keys.ClusterID // zero where any cluster of the owner will do

	// The newest that was seen before, zero where nothing was. Known is the
	// Statement.Hash of the statement whose serial is MinSerial: another one of
	// that serial is refused.
	MinSerial   uint64
	Known       Hash
	MinDocument uint32 // number of the owner's document
}

// OpenStatement reads an encoded SignedStatement and returns its statement if
// the owner signed it, and it holds at that time: max(clock, floor), as
// policy.Floor has it. The error is a *StatementError.
func OpenStatement(encoded []byte, anchor Anchor, now time.Time) (*Statement, error) {
	signed, err := DecodeSignedStatement(encoded)
	if err != nil {
		return nil, &StatementError{Malformed, err}
	}
	s, _, err := signed.Open(anchor, now)
	return s, err
}

// Open is OpenStatement after decoding. It also returns the owner's newest
// document, whose threshold signs requests, and whose number the next Anchor
// holds. Nothing of the statement is parsed before its signatures hold.
func (s *SignedStatement) Open(anchor Anchor, now time.Time) (*Statement, *Document, error) {
	newest, err := s.authenticate(anchor)
	if err != nil {
		return nil, nil, err
	}
	statement, err := DecodeStatement(s.Statement)
	if err != nil {
		return nil, nil, &StatementError{Malformed, err}
	}
	if err := anchor.check(statement, sha256.Sum256(s.Statement), newest); err != nil {
		return nil, nil, err
	}
	if err := statement.checkTime(now); err != nil {
		return nil, nil, err
	}
	return statement, newest, nil
}

// authenticate returns the owner's newest document, whose threshold signed the
// statement.
func (s *SignedStatement) authenticate(anchor Anchor) (*Document, error) {
	newest, err := Follow(anchor.Owner, s.Chain)
	switch {
	case errors.Is(err, ErrSignature):
		return nil, &StatementError{BadSignature, fmt.Errorf("%w: %w", ErrStatement, err)}
	case err != nil:
		return nil, &StatementError{NotOwner, fmt.Errorf("%w: %w", ErrStatement, err)}
	}
	if err := newest.Verify(statementPayload(s.Statement), s.Signatures); err != nil {
		return nil, &StatementError{BadSignature, fmt.Errorf("%w: %w", ErrStatement, err)}
	}
	return newest, nil
}

// check holds a statement that the owner signed against what is known.
func (a *Anchor) check(s *Statement, hash Hash, newest *Document) error {
	switch {
	case s.Owner != a.Owner:
		return refuseStatement(NotOwner, "it names owner %v, not %v", s.Owner, a.Owner)
	case a.Cluster != keys.ClusterID{} && s.Cluster != a.Cluster:
		return refuseStatement(OtherCluster, "it is of cluster %v, not %v", s.Cluster, a.Cluster)
	case newest.Number < a.MinDocument:
		return refuseStatement(Rollback, "it ends with the owner's document %d, and %d was seen", newest.Number, a.MinDocument)
	case s.Serial < a.MinSerial:
		return refuseStatement(Rollback, "its serial is %d, and %d was seen", s.Serial, a.MinSerial)
	case s.Serial == a.MinSerial && a.Known != Hash{} && hash != a.Known:
		return refuseStatement(Forked, "it hashes to %v, and %v of the same serial was seen", hash, a.Known)
	default:
		return nil
	}
}

func (s *Statement) checkTime(now time.Time) error {
	switch {
	case s.Issued.After(now.Add(maxSkew)):
		return refuseStatement(NotYetValid, "it was issued at %s, and it is %s", stamp(s.Issued), stamp(now))
	case now.After(s.Expires):
		return refuseStatement(Expired, "it expired at %s, and it is %s", stamp(s.Expires), stamp(now))
	default:
		return nil
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func refuseStatement(reason StatementReason, format string, args ...any) error {
	return &StatementError{reason, fmt.Errorf("%w: %s", ErrStatement, fmt.Sprintf(format, args...))}
}
