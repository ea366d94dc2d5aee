package authority

import (
	"errors"
	"fmt"
	"strings"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// Errors of directives.
var (
	// ErrDirective is wrapped by every refusal of a directive.
	ErrDirective = errors.New("not a directive to follow")
	// ErrNoPolicy is wrapped where there is no attestation policy to use.
	ErrNoPolicy = errors.New("no attestation policy to use")
	// ErrNoStatement is wrapped where there is no cluster statement that holds.
	ErrNoStatement = errors.New("no cluster statement that holds")
	// ErrHead is wrapped where bytes are not the encoding of a head.
	ErrHead = errors.New("not a head of directives")
)

// Reason says why a directive is refused. Reasons are stable: programs may decide
// on them.
type Reason string

// The reasons.
const (
	Malformed    Reason = "malformed"     // not an encoding of a signed directive, or it says nothing that could hold
	OtherCluster Reason = "other-cluster" // it, or its statement, is about another cluster
	Gap          Reason = "gap"           // directives before it are missing
	Repeated     Reason = "repeated"      // it is the newest directive itself
	Rollback     Reason = "rollback"      // it, or its document, is older than what is known
	Forked       Reason = "forked"        // another directive, or owner document, has its place
	NotOwner     Reason = "not-owner"     // only the owner may say it, and did not
	NotDelegated Reason = "not-delegated" // signed by a key to which nobody delegated
	BadSignature Reason = "bad-signature" // too few signatures, or one that does not hold
	BadDocument  Reason = "document"      // the document with it is not the one it names, or is not to be used
	Denied       Reason = "denied"        // it approves a machine that was denied for good
	Backdated    Reason = "backdated"     // issued before the directive before it
	NotYetValid  Reason = "not-yet-valid" // issued in the future
	Expired      Reason = "expired"       // it, or the statement behind it, does not hold any more
)

// DirectiveError says why a directive is refused. It is the first reason found,
// since the others mean nothing behind it.
type DirectiveError struct {
	Reason Reason
	Serial uint64 // of the directive; zero where it could not be read
	Err    error  // wraps ErrDirective
}

// Error returns the serial, what led to the reason, and the reason.
func (e *DirectiveError) Error() string {
	return fmt.Sprintf("directive %d: %v (%s)", e.Serial, e.Err, e.Reason)
}

// Unwrap returns what led to the reason.
func (e *DirectiveError) Unwrap() error { return e.Err }

// refuse makes the error; its format may wrap errors.
func refuse(serial uint64, reason Reason, format string, args ...any) error {
	return &DirectiveError{reason, serial, fmt.Errorf("%w: %w", ErrDirective, fmt.Errorf(format, args...))}
}

// InvalidDirectiveError says everything that is wrong with a directive.
type InvalidDirectiveError struct{ Problems []policy.Problem }

// Error returns all problems in one line.
func (e *InvalidDirectiveError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return "invalid directive: " + strings.Join(texts, "; ")
}

// Unwrap returns ErrDirective.
func (e *InvalidDirectiveError) Unwrap() error { return ErrDirective }
