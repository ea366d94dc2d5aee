package join

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// WaitingVersion is the version of waiting candidates that this package reads and
// writes.
const WaitingVersion = "asterism/waiting/v1"

// MaxWaitingSize is how many bytes an encoded Waiting may have.
const MaxWaitingSize = 4 << 10

// ErrWaiting is wrapped by every error about waiting candidates.
var ErrWaiting = errors.New("not a candidate that waits")

// Waiting is a candidate that waits for an approval, as whoever may approve it
// sees it. Its evidence was admitted; name, role and disk are its wish.
type Waiting struct {
	Version  string             `json:"version"`
	Identity Identity           `json:"identity"`
	Kind     Kind               `json:"kind"`
	Name     NodeName           `json:"name"`
	Role     Role               `json:"role"`
	Disk     string             `json:"disk"`
	Platform evidence.Platform  `json:"platform"`
	Chip     policy.Hex         `json:"chip,omitempty"`
	Release  string             `json:"release,omitempty"`
	Evidence measurement.Digest `json:"evidence,omitzero"` // SHA-256
	Codes    []policy.Code      `json:"codes"`             // for what it waits
	Asked    time.Time          `json:"asked"`             // last; UTC, whole milliseconds
}

// NewWaiting returns what is kept of a candidate that Decide lets wait. The error
// is an *InvalidError of the kind ErrWaiting, as where the decision is another.
func NewWaiting(c *Candidate, f *Facts, d *Decision, now time.Time) (*Waiting, error) {
	if d.Outcome != Awaiting {
		return nil, &InvalidError{ErrWaiting, []policy.Problem{{Path: "outcome", Message: fmt.Sprintf("%q", string(d.Outcome))}}}
	}
	w := &Waiting{
		Version: WaitingVersion, Identity: c.Identity, Kind: c.Request.Kind,
		Name: c.Request.Name, Role: c.Request.Role, Disk: c.Request.Disk,
		Platform: c.Claims.Platform, Chip: slices.Clone(chipOf(c.Claims)), Release: c.Verdict.Release,
		Evidence: c.Evidence, Codes: d.Codes(), Asked: instant(now),
	}
	if w.Kind == Rejoin {
		w.Name, w.Role = f.Own.Name, f.Own.Role
	}
	if err := w.Validate(); err != nil {
		return nil, err
	}
	return w, nil
}

// Validate returns an *InvalidError of the kind ErrWaiting with everything that
// is wrong.
func (w *Waiting) Validate() error {
	var ps problems
	if w.Version != WaitingVersion {
		ps.add("version", "%.64q, want %q", w.Version, WaitingVersion)
	}
	ps.node(&Record{Identity: w.Identity, Name: w.Name, Role: w.Role, Disk: w.Disk, Platform: w.Platform, Chip: w.Chip})
	ps.check("kind", checkWord(w.Kind, FirstJoin, Rejoin))
	ps.release(w.Release)
	if !w.Evidence.IsZero() && w.Evidence.Algorithm() != measurement.SHA256 {
		ps.add("evidence", "is no SHA-256")
	}
	ps.codes(&Record{State: Withheld, Codes: w.Codes})
	ps.instant("asked", w.Asked)
	return ps.err(ErrWaiting)
}

// Encode returns the one canonical form (RFC 8785), which is what is stored. The
// error is an *InvalidError of the kind ErrWaiting.
func (w *Waiting) Encode() ([]byte, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	return canonicaljson.Marshal(w)
}

// DecodeWaiting reads what Encode writes, and nothing else. The error wraps
// ErrWaiting.
func DecodeWaiting(data []byte) (*Waiting, error) {
	if len(data) > MaxWaitingSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrWaiting, len(data), MaxWaitingSize)
	}
	return decode[Waiting](data, ErrWaiting)
}
