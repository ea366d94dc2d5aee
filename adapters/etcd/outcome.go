package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/ports"
)

// dropped is how raft says that it has not taken a proposal, as it does while its
// leader hands over. etcd passes that on without a code of its own.
const dropped = "raft proposal dropped"

// failure returns the error of a request that was to change something. It depends
// on where the request can have come to: only what was refused before it became a
// proposal of raft's, or as an applied proposal by all members alike, has surely
// changed nothing. That there is no room is no such answer: a server also gives it
// about what it has just applied, as the first that went over the quota.
func (c *call) failure(ctx context.Context, err error) error {
	kind := ports.ErrOutcomeUnknown
	if !c.sent.Load() || c.refused(err) {
		kind = ports.ErrStoreUnavailable
	}
	return c.explain(ctx, kind, err)
}

// refused says whether a server has answered that it has done nothing.
func (c *call) refused(err error) bool {
	switch {
	case errors.Is(err, rpctypes.ErrNoLeader), errors.Is(err, rpctypes.ErrTooManyRequests),
		errors.Is(err, rpctypes.ErrLeaseNotFound), errors.Is(err, rpctypes.ErrCorrupt):
		return true
	case status.Code(c.err) == codes.Unknown && strings.HasSuffix(status.Convert(c.err).Message(), dropped):
		return true
	}
	switch status.Code(c.err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition, codes.Unimplemented:
		return true // all of them are judged before anything is proposed
	default:
		return false
	}
}

// explain returns an error of that kind which says what gRPC said, and wraps the
// context's where that is done.
func (c *call) explain(ctx context.Context, kind, err error) error {
	if c.err != nil {
		err = c.err
	}
	if done := ctx.Err(); done != nil {
		return fmt.Errorf("%w: %w: %w", kind, done, err)
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// hopeless says whether asking again gives the same answer.
func (c *call) hopeless() bool {
	switch status.Code(c.err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated,
		codes.OutOfRange, codes.Unimplemented, codes.NotFound, codes.DataLoss:
		return true
	default:
		return false
	}
}
