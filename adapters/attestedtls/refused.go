package attestedtls

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// Errors of this package, beside *Refused.
var (
	// ErrConfig is wrapped where a configuration cannot work.
	ErrConfig = errors.New("invalid configuration")
	// ErrProtocol is wrapped where the peer does not speak as the table has it.
	ErrProtocol = errors.New("the peer broke the protocol")
	// ErrTLS is wrapped where there was no TLS session: nothing could be said.
	ErrTLS = errors.New("no TLS session")
	// ErrClosed is wrapped where the server takes no more, or has no room.
	ErrClosed = errors.New("the server takes no connection now")
)

// Refused says that there is no session because one end refused the other, and
// everything that it found.
type Refused struct { //nolint:errname // it is what a caller asks for: was I refused?
	// ByPeer says who refused: the peer us, or we the peer. What the peer found
	// is its word alone.
	ByPeer   bool
	Findings []policy.Finding // at least one of them a refusal
	// Release and Firmware name what findings about registers are relative to, as
	// in policy.Verdict.
	Release, Firmware string
	// RetryAfter is how long to wait before the same may end otherwise; 0 where
	// waiting changes nothing, but what was found does.
	RetryAfter time.Duration
	// Attested says that the peer had proved itself with evidence, and was admitted
	// here, before it refused. Else anybody may have said all of the above.
	Attested bool

	cause error
}

// Error lists the findings in one line.
func (r *Refused) Error() string {
	who := "the peer is refused"
	if r.ByPeer {
		who = "refused by the peer"
	}
	var list []string
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity != policy.Warn {
			list = append(list, fmt.Sprintf("%s (%s)", f.Code, f.Subject))
		}
	}
	text := who + ": " + strings.Join(list, ", ")
	if r.cause != nil {
		text += ": " + r.cause.Error()
	}
	return text
}

// Unwrap returns what led to the refusal beside findings, such as ErrProtocol; it
// may be nil.
func (r *Refused) Unwrap() error { return r.cause }

func refused(byPeer bool, v *policy.Verdict, retry time.Duration) *Refused {
	return &Refused{ByPeer: byPeer, Findings: v.Findings, Release: v.Release, Firmware: v.Firmware, RetryAfter: retry}
}
