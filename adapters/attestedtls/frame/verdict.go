package frame

import (
	"slices"
	"strconv"
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

// Within returns the verdict, shortened where its message has more bytes than the
// limit: remedies go first, then the last of the findings, and one more says how
// many. It returns the verdict as it is where not even that helps.
func (m *Verdict) Within(limit int) *Verdict {
	if m.fits(limit) {
		return m
	}
	bare := slices.Clone(m.Findings)
	slices.SortStableFunc(bare, func(x, y policy.Finding) int { return refusalsFirst(&x) - refusalsFirst(&y) })
	for i := range bare {
		bare[i].Remedy = ""
	}
	short := *m
	for kept := len(bare); kept > 0; kept-- {
		short.Findings = bare[:kept:kept]
		if left := len(bare) - kept; left > 0 {
			short.Findings = append(short.Findings, policy.Finding{
				Code: policy.CodeFindingsOmitted, Severity: policy.Warn, Subject: "findings", Seen: strconv.Itoa(left) + " more",
			})
		}
		if short.fits(limit) {
			return &short
		}
	}
	return m
}

func (m *Verdict) fits(limit int) bool {
	encoded, err := Marshal(m)
	return err == nil && len(encoded) <= limit
}

func refusalsFirst(f *policy.Finding) int {
	if f.Severity == policy.Refuse {
		return 0
	}
	return 1
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
