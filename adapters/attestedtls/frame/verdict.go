package frame

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame/framepb"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// MaxRetryAfter is the longest time that a peer is told to wait.
const MaxRetryAfter = time.Hour

// Verdict carries what one end decided about the other.
type Verdict struct {
	policy.Verdict
	// RetryAfter is how long to wait before the same may end otherwise, in whole
	// milliseconds; 0 where waiting changes nothing. An admission has none.
	RetryAfter time.Duration
}

// Kind returns KindVerdict.
func (*Verdict) Kind() Kind { return KindVerdict }

// Validate wants a verdict that policy.EncodeVerdict takes, and a retry time from 0
// to MaxRetryAfter in whole milliseconds, which an admission has none of.
func (m *Verdict) Validate() error {
	switch d := m.RetryAfter; {
	case d < 0 || d > MaxRetryAfter || d%time.Millisecond != 0:
		return wrong(KindVerdict, "retry_after_ms", "%v, want whole milliseconds up to %v", d, MaxRetryAfter)
	case d != 0 && m.Admitted:
		return wrong(KindVerdict, "retry_after_ms", "%v after an admission", d)
	}
	if _, err := policy.EncodeVerdict(m.Verdict); err != nil {
		return &Error{KindVerdict, "verdict", err}
	}
	return nil
}

func (m *Verdict) toWire() proto.Message {
	encoded, _ := policy.EncodeVerdict(m.Verdict) // Validate has tried
	return &framepb.Verdict{Verdict: encoded, RetryAfterMs: uint32(m.RetryAfter / time.Millisecond)}
}

func verdictFromWire(w *framepb.Verdict) (*Verdict, error) {
	decoded, err := policy.DecodeVerdict(w.GetVerdict())
	if err != nil {
		return nil, &Error{KindVerdict, "verdict", err}
	}
	return &Verdict{decoded, time.Duration(w.GetRetryAfterMs()) * time.Millisecond}, nil
}
