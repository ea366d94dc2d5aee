package agent

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// ErrDenied is wrapped where the caller's user may not use the socket.
var ErrDenied = errors.New("the agent does not serve this user")

// maxMessage bounds the text of an error on its way to the client, in bytes.
const maxMessage = 1 << 10

// meaning is an error, its name on the wire and the status that fits it best.
type meaning struct {
	err    error
	reason agentpb.Reason
	code   codes.Code
}

// meanings are all errors that keep their type across the socket. Where several
// apply the first one's status is taken.
func meanings() []meaning {
	return []meaning{
		{ErrDenied, agentpb.Reason_REASON_DENIED, codes.PermissionDenied},
		{ports.ErrNotServed, agentpb.Reason_REASON_NOT_SERVED, codes.PermissionDenied},
		{evidence.ErrBinding, agentpb.Reason_REASON_BINDING, codes.InvalidArgument},
		{evidence.ErrPurpose, agentpb.Reason_REASON_PURPOSE, codes.InvalidArgument},
		{ports.ErrChallenge, agentpb.Reason_REASON_CHALLENGE, codes.InvalidArgument},
		{ports.ErrUnavailable, agentpb.Reason_REASON_UNAVAILABLE, codes.Unavailable},
	}
}

// toStatus turns an attester's error into what goes over the wire.
func toStatus(err error) error {
	code := codes.Internal
	failure := &agentpb.Failure{}
	for _, m := range slices.Backward(meanings()) {
		if errors.Is(err, m.err) {
			code = m.code
			failure.Reasons = append(failure.Reasons, m.reason)
		}
	}
	if len(failure.Reasons) == 0 {
		code = contextCode(err)
	}
	st := status.New(code, shorten(err.Error()))
	if detailed, err := st.WithDetails(failure); err == nil && len(failure.Reasons) > 0 {
		st = detailed
	}
	return st.Err()
}

func contextCode(err error) codes.Code {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	default:
		return codes.Internal
	}
}

func shorten(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], "?")
}

// answerError is what the agent answered instead of what was asked for.
type answerError struct {
	text  string
	means []error
}

// Error returns the agent's own words.
func (e *answerError) Error() string { return "the attestation agent: " + e.text }

// Unwrap returns the errors of the port that the answer stands for.
func (e *answerError) Unwrap() []error { return e.means }

// fromStatus turns what came over the wire into the errors of the port. An error
// of the caller's own context is returned as that.
func fromStatus(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &answerError{text: "no answer in time", means: []error{ctx.Err()}}
	}
	st := status.Convert(err)
	answer := &answerError{text: st.Message()}
	for _, detail := range st.Details() {
		if failure, ok := detail.(*agentpb.Failure); ok {
			answer.means = append(answer.means, meant(failure)...)
		}
	}
	if len(answer.means) == 0 {
		answer.means = implied(st.Code())
	}
	return answer
}

func meant(failure *agentpb.Failure) []error {
	var means []error
	for _, m := range meanings() {
		if slices.Contains(failure.GetReasons(), m.reason) {
			means = append(means, m.err)
		}
	}
	return means
}

// implied says what gRPC's own failures mean: no agent, a busy one, one that did
// not answer in its time, or a socket of another service.
func implied(code codes.Code) []error {
	switch code {
	case codes.Unavailable, codes.ResourceExhausted, codes.Canceled:
		return []error{ports.ErrUnavailable}
	case codes.DeadlineExceeded:
		return []error{ports.ErrUnavailable, context.DeadlineExceeded}
	case codes.PermissionDenied:
		return []error{ErrDenied}
	case codes.Unimplemented:
		return []error{ports.ErrNotServed}
	default:
		return nil
	}
}
