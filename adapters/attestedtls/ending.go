package attestedtls

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// Causes for which a handshake is given up from outside.
var (
	errTimeout  = errors.New("the handshake took too long")
	errSlow     = errors.New("the evidence took too long to arrive")
	errStopping = fmt.Errorf("%w: it is shutting down", ErrClosed)
	errBusy     = fmt.Errorf("%w: too many wait for verification", ErrClosed)
	errFull     = fmt.Errorf("%w: too many sessions with peers that do not attest", ErrClosed)
)

// ending is why a handshake ends without a session: what the caller gets, and
// what the peer is told.
type ending struct {
	err     error           // for the caller
	verdict *policy.Verdict // for the peer; nil where there is nothing to say, or no way
	retry   bool            // whether the peer may do better later
	after   time.Duration   // when, as told to the peer
}

// Error returns the caller's error.
func (e *ending) Error() string { return e.err.Error() }

// Unwrap returns the caller's error.
func (e *ending) Unwrap() error { return e.err }

// refuse ends a handshake over what was found about the peer.
func refuse(v *policy.Verdict) *ending {
	return &ending{err: refused(false, v, 0), verdict: v}
}

// refuseFor ends a handshake with one finding, and the reason behind it.
func refuseFor(cause error, f policy.Finding) *ending {
	v := verdictOf(f)
	r := refused(false, v, 0)
	r.cause = cause
	return &ending{err: r, verdict: v}
}

// refuseFrame ends a handshake over a frame that has no place in it.
func refuseFrame(err error) *ending {
	return refuseFor(fmt.Errorf("%w: %w", ErrProtocol, err), policy.Finding{
		Code: policy.CodeSessionRefused, Subject: "frame", Seen: err.Error(),
		Remedy: "The two ends do not speak the same protocol; check that their versions fit, and that nobody interferes with the connection.",
	})
}

// refusedBy ends a handshake that the peer refused.
func refusedBy(v *policy.Verdict, after time.Duration) *ending {
	return &ending{err: refused(true, v, after)}
}

// lost ends a handshake whose connection failed.
func lost(doing string, err error) *ending {
	return &ending{err: fmt.Errorf("%s: %w", doing, err)}
}

// fail ends a handshake that this end cannot continue. The peer is not told why:
// that is for the logs of this end.
func fail(err error) *ending {
	v := verdictOf(policy.Finding{
		Code: policy.CodeSessionRefused, Subject: "this end",
		Remedy: "The other end has a problem of its own, which its logs explain; try again later.",
	})
	return &ending{err: err, verdict: v, retry: true}
}

// giveUp ends a handshake for a reason that has nothing to do with what the peer
// proved: time, load or the caller's wish.
func giveUp(cause error) *ending {
	finding := policy.Finding{Code: policy.CodeSessionRefused, Subject: "time", Seen: cause.Error()}
	switch {
	case errors.Is(cause, ErrClosed):
		finding = policy.Finding{
			Code: policy.CodeServerBusy, Subject: "server", Seen: cause.Error(),
			Remedy: "Try again after the time that the server names, or at another server.",
		}
	case errors.Is(cause, errSlow), errors.Is(cause, errTimeout), errors.Is(cause, context.DeadlineExceeded):
		finding.Remedy = "Check the connection between the two ends, and the load of both."
	default:
		finding.Subject, finding.Seen = "this end", "it gave up"
		finding.Remedy = "Try again."
	}
	return &ending{err: fmt.Errorf("giving the handshake up: %w", cause), verdict: verdictOf(finding), retry: true}
}

// interrupted returns how a step ended: given up where the context is done, else
// as the connection has it.
func interrupted(ctx context.Context, doing string, err error) *ending {
	if ctx.Err() != nil {
		return giveUp(context.Cause(ctx))
	}
	return lost(doing, err)
}

// endingOf returns err as an ending: what is none yet is a problem of this end.
func endingOf(ctx context.Context, err error) *ending {
	var e *ending
	switch {
	case errors.As(err, &e):
		return e
	case ctx.Err() != nil:
		return giveUp(context.Cause(ctx))
	default:
		return fail(err)
	}
}

func verdictOf(f policy.Finding) *policy.Verdict {
	f.Severity = policy.Refuse
	return &policy.Verdict{Findings: []policy.Finding{f}}
}

// What of an ending goes into a log: codes, and bytes of an error.
const (
	maxCodes  = 10
	maxLogged = 512
)

// codes lists the codes of the first findings that refuse, for logs.
func codes(findings []policy.Finding) string {
	var list []string
	for i := range findings {
		if len(list) == maxCodes {
			list = append(list, "…")
			break
		}
		if findings[i].Severity == policy.Refuse {
			list = append(list, string(findings[i].Code))
		}
	}
	return strings.Join(list, ",")
}

// clip returns at most that many bytes of the text, and whole characters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:most-len(mark)], "") + mark
}
