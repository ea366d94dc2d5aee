package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
)

// Bounds of encoded verdicts.
const (
	MaxVerdictSize = 64 << 10 // bytes
	MaxFindings    = 256
)

// ErrVerdict is wrapped by every error about encoded verdicts.
var ErrVerdict = errors.New("not a verdict")

// EncodeVerdict returns the verdict as it travels to the peer: JSON of at most
// MaxVerdictSize bytes, refusals before warnings. What does not fit is left out,
// the least severe first and of those the last, and a warning FINDINGS_OMITTED
// says how many. Control characters are replaced, and what is over 1 KiB, or
// makes a finding too large, is cut.
//
// The error wraps ErrVerdict where the verdict contradicts itself: admitted with
// a refusal, refused without one, or with a finding of no code or severity.
func EncodeVerdict(v Verdict) ([]byte, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	findings := slices.Clone(v.Findings)
	slices.SortStableFunc(findings, func(x, y Finding) int { return severityRank(x.Severity) - severityRank(y.Severity) })
	encoded := make([]json.RawMessage, len(findings))
	for i := range findings {
		encoded[i] = encodeFinding(&findings[i])
	}
	return v.encode(encoded), nil
}

// check finds contradictions.
func (v *Verdict) check() error {
	refused := false
	for i := range v.Findings {
		f := &v.Findings[i]
		if !isCode(f.Code) || f.Severity != Refuse && f.Severity != Warn {
			return fmt.Errorf("%w: finding %d has code %.64q and severity %.64q", ErrVerdict, i, string(f.Code), string(f.Severity))
		}
		refused = refused || f.Severity == Refuse
	}
	if v.Admitted == refused {
		return fmt.Errorf("%w: admitted is %v, and a finding that refuses is there: %v", ErrVerdict, v.Admitted, refused)
	}
	return nil
}

// isCode holds a code against the grammar [A-Z][A-Z0-9_]*, at most 64 bytes.
// Codes that are not known here may be a newer peer's.
func isCode(c Code) bool {
	inner := func(r rune) bool { return !(r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_') }
	return c != "" && len(c) <= maxName && c[0] >= 'A' && c[0] <= 'Z' && !strings.ContainsFunc(string(c), inner)
}

// wireVerdict is a Verdict whose findings are encoded already.
type wireVerdict struct {
	Admitted    bool              `json:"admitted"`
	Release     string            `json:"release,omitempty"`
	Firmware    string            `json:"firmware,omitempty"`
	MarkChecked bool              `json:"markChecked"`
	Findings    []json.RawMessage `json:"findings"`
}

// encode encodes the verdict with as many of the findings as there is room for.
func (v *Verdict) encode(findings []json.RawMessage) []byte {
	wire := wireVerdict{v.Admitted, clean(v.Release, maxText), clean(v.Firmware, maxText), v.MarkChecked, []json.RawMessage{}}
	free := MaxVerdictSize - len(marshal(&wire))
	if fitting(findings, MaxFindings, free+1) < len(findings) {
		note := omitted(len(findings))
		kept := fitting(findings, MaxFindings-1, free-len(note))
		findings[kept] = omitted(len(findings) - kept)
		findings = findings[:kept+1]
	}
	wire.Findings = append(wire.Findings, findings...)
	return marshal(&wire)
}

// fitting returns how many of the findings fit into the bytes, with a comma
// behind each.
func fitting(findings []json.RawMessage, count, size int) int {
	for i, f := range findings {
		if size -= len(f) + 1; size < 0 || i == count {
			return i
		}
	}
	return len(findings)
}

func omitted(n int) json.RawMessage {
	return encodeFinding(&Finding{
		Code: CodeFindingsOmitted, Severity: Warn, Subject: "findings", Seen: strconv.Itoa(n) + " more",
		Remedy: "Resolve the findings above first, or explain the evidence offline to see all of them.",
	})
}

// DecodeVerdict reads what EncodeVerdict writes, and nothing else. The error
// wraps ErrVerdict.
func DecodeVerdict(data []byte) (Verdict, error) {
	if len(data) > MaxVerdictSize {
		return Verdict{}, fmt.Errorf("%w: %d bytes, at most %d", ErrVerdict, len(data), MaxVerdictSize)
	}
	var v Verdict
	if err := canonicaljson.Decode(data, &v); err != nil {
		return Verdict{}, fmt.Errorf("%w: %w", ErrVerdict, err)
	}
	again, err := EncodeVerdict(v)
	if err != nil {
		return Verdict{}, err
	}
	if err := canonicaljson.Check(again, data); err != nil {
		return Verdict{}, fmt.Errorf("%w: %w", ErrVerdict, err)
	}
	return v, nil
}

// marshal is json.Marshal, but < > and & stay as they are. Texts, numbers and
// digests always have JSON; if one had none, nobody would read what is left.
func marshal(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) //nolint:errchkjson // see above
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
