package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var d Document
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	p, err := New(d)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(p.canonical, data) {
		return nil, fmt.Errorf("%w: it differs from its canonical form from byte %d on", ErrNotCanonical, commonPrefix(p.canonical, data))
	}
	return p, nil
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
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

// canonicalJSON encodes v as RFC 8785 (JSON Canonicalization Scheme) has it:
// keys sorted, no white space, the shortest escapes. Numbers are integers that
// an IEEE 754 double holds exactly.
func canonicalJSON(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding canonical JSON: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("encoding canonical JSON: %w", err)
	}
	var b bytes.Buffer
	writeValue(&b, tree)
	return b.Bytes(), nil
}

func writeValue(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case map[string]any:
		writeObject(b, v)
	case []any:
		b.WriteByte('[')
		for i, element := range v {
			writeSeparator(b, i)
			writeValue(b, element)
		}
		b.WriteByte(']')
	case string:
		writeString(b, v)
	default: // json.Number, bool and nil print as JSON has them
		if v == nil {
			v = "null"
		}
		fmt.Fprint(b, v)
	}
}

// writeObject sorts keys by bytes, which for the ASCII keys of a policy is the
// order of UTF-16 code units that RFC 8785 asks for.
func writeObject(b *bytes.Buffer, object map[string]any) {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	b.WriteByte('{')
	for i, key := range keys {
		writeSeparator(b, i)
		writeString(b, key)
		b.WriteByte(':')
		writeValue(b, object[key])
	}
	b.WriteByte('}')
}

func writeSeparator(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

func writeString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch escape := shortEscape(r); {
		case escape != 0:
			b.WriteByte('\\')
			b.WriteByte(escape)
		case r < 0x20:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// shortEscape returns the letter of a two-character escape, 0 where there is none.
func shortEscape(r rune) byte {
	const from, to = "\"\\\b\f\n\r\t", `"\bfnrt`
	if i := strings.IndexRune(from, r); i >= 0 {
		return to[i]
	}
	return 0
}
