package joining

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// ErrInconsistent is wrapped where items of the store contradict each other,
// which no transaction of this package writes. Nothing is decided then.
var ErrInconsistent = errors.New("the store contradicts itself")

// Refusal is the answer to a node that gets no ticket now, or ever.
type Refusal struct { //nolint:errname // it is an answer that happens to travel as an error
	Decision   *join.Decision
	RetryAfter time.Duration // zero: asking again is of no use
}

// Error names the outcome and the codes of the findings.
func (r *Refusal) Error() string {
	codes := make([]string, len(r.Decision.Findings))
	for i := range r.Decision.Findings {
		codes[i] = string(r.Decision.Findings[i].Code)
	}
	return fmt.Sprintf("the node is %s: %s", r.Decision.Outcome, strings.Join(codes, ", "))
}

// ExhaustedError says that there is no room for the request now.
type ExhaustedError struct {
	What       string // as in "the control-plane lease is held"
	RetryAfter time.Duration
}

// Error names what there is no room for.
func (e *ExhaustedError) Error() string {
	return fmt.Sprintf("%s: try again in %v", e.What, e.RetryAfter)
}

// ReleaseReason says why the KMS refuses a release. Reasons are stable.
type ReleaseReason string

// The reasons.
const (
	NotAllowed ReleaseReason = "not-allowed" // the table does not list the caller
	NoIntent   ReleaseReason = "no-intent"   // no current intent is recorded that says what the caller does
	Barred     ReleaseReason = "barred"      // the node is revoked, denied or withheld
	NoLease    ReleaseReason = "no-lease"    // the node does not hold the control-plane lease
	TooOften   ReleaseReason = "too-often"   // the keys of this request were released MaxReleases times
	Contended  ReleaseReason = "contended"   // what the release rests on changed each time it was tried
)

// ReleaseError says why the KMS refuses a release.
type ReleaseError struct {
	Reason ReleaseReason
	Node   join.Identity
}

// Error names the node and the reason.
func (e *ReleaseError) Error() string {
	return fmt.Sprintf("the keys of node %v are not released (%s)", e.Node, e.Reason)
}

// Status is what a transport tells the other end that an error is.
type Status string

// The statuses, with what gRPC calls them.
const (
	StatusOK         Status = "ok"
	StatusEvidence   Status = "evidence"   // PermissionDenied
	StatusPolicy     Status = "policy"     // FailedPrecondition
	StatusExhausted  Status = "exhausted"  // ResourceExhausted
	StatusDependency Status = "dependency" // Unavailable
	StatusInternal   Status = "internal"   // Internal: a defect, or a store that contradicts itself
)

// StatusOf says what kind of error err is.
func StatusOf(err error) Status {
	var refusal *Refusal
	var exhausted *ExhaustedError
	var release *ReleaseError
	switch {
	case err == nil:
		return StatusOK
	case errors.As(err, &refusal) && refusal.Decision.Cause == join.ByEvidence:
		return StatusEvidence
	case errors.As(err, &refusal), errors.Is(err, ErrTicketChanged):
		return StatusPolicy
	case errors.As(err, &exhausted), errors.Is(err, ports.ErrStoreFull):
		return StatusExhausted
	case errors.As(err, &release):
		return release.status()
	case errors.Is(err, ErrApplication), errors.Is(err, ErrInconsistent), errors.Is(err, ErrItem), errors.Is(err, ports.ErrStoreRequest):
		return StatusInternal
	default:
		return StatusDependency
	}
}

func (e *ReleaseError) status() Status {
	switch e.Reason {
	case NotAllowed:
		return StatusEvidence
	case TooOften, Contended, NoLease:
		return StatusExhausted
	default:
		return StatusPolicy
	}
}

// contended says whether a transaction failed because something that it rests on
// changed, so that deciding anew may help.
func contended(err error) bool {
	return errors.Is(err, ports.ErrStoreConflict)
}

// ended returns the context's error where it is done.
func ended(ctx context.Context, doing string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
