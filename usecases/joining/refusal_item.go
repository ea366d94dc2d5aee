package joining

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

const (
	tallyVersion = "asterism/refusals/v1"
	maxTallySize = 16 << 10 // bytes
)

// tally counts the refusals of one machine in one interval. Its fields are in the
// order of RFC 8785.
type tally struct {
	Codes    []policy.Code      `json:"codes"` // sorted
	Count    uint64             `json:"count"`
	Evidence measurement.Digest `json:"evidence,omitzero"` // of the last that was kept; zero: none was
	From     time.Time          `json:"from"`              // UTC, whole seconds
	Node     join.Identity      `json:"node"`
	Version  string             `json:"version"`
}

func (t *tally) encode() ([]byte, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	return encodeItem(t)
}

func decodeTally(data []byte) (*tally, error) {
	t, err := decodeItem[tally](data, maxTallySize)
	if err != nil {
		return nil, fmt.Errorf("reading refusals: %w", err)
	}
	if err := t.validate(); err != nil {
		return nil, fmt.Errorf("reading refusals: %w", err)
	}
	return t, nil
}

func (t *tally) validate() error {
	switch {
	case t.Version != tallyVersion:
		return fmt.Errorf("%w: refusals of version %q", ErrItem, t.Version)
	case t.Node == (join.Identity{}) || !t.Evidence.IsZero() && t.Evidence.Algorithm() != measurement.SHA256:
		return fmt.Errorf("%w: refusals name no machine, or evidence by no SHA-256", ErrItem)
	case t.Count == 0 || t.Count > math.MaxInt32 || len(t.Codes) == 0 || len(t.Codes) > join.MaxCodes:
		return fmt.Errorf("%w: %d refusals for %d reasons", ErrItem, t.Count, len(t.Codes))
	case !slices.IsSorted(t.Codes) || len(slices.Compact(slices.Clone(t.Codes))) != len(t.Codes):
		return fmt.Errorf("%w: the reasons of refusals are not sorted", ErrItem)
	case !wholeSeconds(t.From):
		return fmt.Errorf("%w: refusals from a time that is not in UTC and whole seconds", ErrItem)
	default:
		return nil
	}
}

// plus returns both tallies as one, which began when the first of them did and
// ends with the evidence of later, if that has any.
func (t *tally) plus(later *tally) *tally {
	sum := *t
	sum.Count = min(t.Count+later.Count, math.MaxInt32)
	sum.Codes = codesOf(append(slices.Clone(t.Codes), later.Codes...))
	if !later.Evidence.IsZero() {
		sum.Evidence = later.Evidence
	}
	return &sum
}

// codesOf returns codes as items and entries hold them: sorted, each once.
func codesOf(codes []policy.Code) []policy.Code {
	slices.Sort(codes)
	codes = slices.Compact(codes)
	return codes[:min(len(codes), join.MaxCodes)]
}
