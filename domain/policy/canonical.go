package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// MaxSize is the size of the largest document in bytes.
const MaxSize = 16 << 20

// ErrNotCanonical says that a document is not in canonical form, such as one
// that says the same in another order.
var ErrNotCanonical = errors.New("not the canonical form of a policy")

// ParseCanonical reads a policy in its canonical form, as Policy.JSON gives it
// and as signatures and hashes cover it: there is exactly one. Everything else
// is refused with an error that wraps ErrNotCanonical or is an *InvalidError.
func ParseCanonical(data []byte) (*Policy, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrNotCanonical, len(data), MaxSize)
	}
	var d Document
	if err := canonicaljson.Decode(data, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	p, err := New(d)
	if err != nil {
		return nil, err
	}
	if err := canonicaljson.Check(p.canonical, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	return p, nil
}

// clone returns a copy that shares nothing with d.
func (d *Document) clone() (Document, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return Document{}, fmt.Errorf("encoding the policy: %w", err)
	}
	var copied Document
	if err := json.Unmarshal(data, &copied); err != nil {
		return Document{}, fmt.Errorf("decoding the policy: %w", err)
	}
	return copied, nil
}

// normalise sorts what is a set, so that equal policies have equal JSON.
// Releases keep their order, which means something.
func (d *Document) normalise() {
	slices.Sort(d.Platforms)
	slices.Sort(d.Profiles)
	sortHex(d.DeniedChips)
	for i := range d.Releases {
		d.Releases[i].normalise()
	}
	if d.TPM != nil {
		sortDigests(d.TPM.AllowedEKs)
		sortDigests(d.TPM.DeniedEKs)
	}
	d.SNP.normalise()
	d.TDX.normalise()
}

func (r *Release) normalise() {
	slices.SortFunc(r.References, func(a, b Reference) int {
		if c := strings.Compare(string(a.Platform), string(b.Platform)); c != 0 {
			return c
		}
		return strings.Compare(a.Firmware, b.Firmware)
	})
	for _, ref := range r.References {
		sortDigests(ref.LaunchDigests)
		for _, values := range ref.Registers {
			slices.SortFunc(values, func(a, b ReferenceValue) int { return strings.Compare(a.Value.String(), b.Value.String()) })
		}
	}
}

func (s *SNP) normalise() {
	if s == nil {
		return
	}
	slices.SortFunc(s.ProductLines, func(a, b ProductLinePolicy) int { return strings.Compare(string(a.Name), string(b.Name)) })
	for _, line := range s.ProductLines {
		sortHex(line.Chips)
	}
	slices.Sort(s.Require)
	sortDigests(s.IDKeys)
	sortDigests(s.AuthorKeys)
	sortHex(s.HostData)
}

func (t *TDX) normalise() {
	if t == nil {
		return
	}
	slices.Sort(t.TCBStatus)
	if t.Grace != nil {
		slices.Sort(t.Grace.TCBStatus)
	}
	slices.Sort(t.Advisories)
	slices.Sort(t.Require)
	sortHex(t.FMSPCs)
	sortHex(t.Chips)
	sortDigests(t.MRConfigIDs)
	sortDigests(t.MROwners)
}

func sortDigests(list []measurement.Digest) {
	slices.SortFunc(list, func(a, b measurement.Digest) int { return strings.Compare(a.String(), b.String()) })
}

func sortHex(list []Hex) {
	slices.SortFunc(list, func(a, b Hex) int { return bytes.Compare(a, b) })
}
