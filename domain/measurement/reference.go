package measurement

import (
	"errors"
	"fmt"
	"slices"
)

// ErrReference is wrapped by every error about a set of reference values.
var ErrReference = errors.New("unusable reference values")

// Rule says what it means when a register differs from its reference value.
type Rule uint8

// The rules. The zero Rule is Enforce, so that a forgotten rule is a strict one.
const (
	Enforce Rule = iota // a difference refuses
	Warn                // a difference is reported
	Ignore              // the register is not compared
)

// ParseRule reads "enforce", "warn" or "ignore".
func ParseRule(name string) (Rule, error) {
	for _, r := range []Rule{Enforce, Warn, Ignore} {
		if r.String() == name {
			return r, nil
		}
	}
	return Enforce, fmt.Errorf("not a register rule: %q, want enforce, warn or ignore", name)
}

// String returns the rule's name in documents.
func (r Rule) String() string {
	switch r {
	case Enforce:
		return "enforce"
	case Warn:
		return "warn"
	case Ignore:
		return "ignore"
	default:
		return fmt.Sprintf("rule(%d)", uint8(r))
	}
}

// MarshalText encodes like String.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText decodes like ParseRule.
func (r *Rule) UnmarshalText(text []byte) error {
	parsed, err := ParseRule(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// ReferenceValue is one value that a register may hold, and, where it is known,
// how it comes about.
type ReferenceValue struct {
	Digest Digest
	Events []Event // in the order of extension; empty where unknown
}

// Reference states what one register should hold: any one of its values.
type Reference struct {
	Register Register
	Rule     Rule
	Values   []ReferenceValue
}

// Accepts says whether seen is one of the values. The zero Digest, of a register
// without a value, is none.
func (r *Reference) Accepts(seen *Digest) bool {
	for i := range r.Values {
		if r.Values[i].Digest == *seen {
			return true
		}
	}
	return false
}

// References is a set of references, one a register at most, in the order of
// registers. It does not change once it is made.
type References struct {
	list  []Reference
	first []Digest             // the first value of each, side by side: most often it decides
	place [registerCount]uint8 // of a register in list, counted from 1; 0 where it has none
}

// NewReferences returns the set of the given references, which it takes over.
// Each needs at least one value, each value the algorithm of its register's
// bank, and events, where given, must replay to their value from power-on with
// locality 0, 3 or 4.
func NewReferences(list []Reference) (References, error) {
	slices.SortFunc(list, func(a, b Reference) int { return a.Register.Compare(b.Register) })
	for i := range list {
		if i > 0 && list[i].Register == list[i-1].Register {
			return References{}, fmt.Errorf("%w: %v is listed twice", ErrReference, list[i].Register)
		}
		if err := list[i].validate(); err != nil {
			return References{}, err
		}
	}
	return index(list), nil
}

func index(list []Reference) References {
	rs := References{list: list, first: make([]Digest, len(list))}
	for i := range list {
		rs.first[i] = list[i].Values[0].Digest
		rs.place[list[i].Register.slot] = uint8(i + 1)
	}
	return rs
}

func (r *Reference) validate() error {
	if len(r.Values) == 0 {
		return fmt.Errorf("%w: %v has no value", ErrReference, r.Register)
	}
	for _, v := range r.Values {
		if want := r.Register.Bank().Algorithm(); v.Digest.Algorithm() != want {
			return fmt.Errorf("%w: %v takes %v, not %v", ErrReference, r.Register, want, v.Digest.Algorithm())
		}
		if err := v.validateEvents(r.Register); err != nil {
			return err
		}
	}
	return nil
}

func (v *ReferenceValue) validateEvents(r Register) error {
	if len(v.Events) == 0 {
		return nil
	}
	if slices.ContainsFunc(v.Events, func(e Event) bool { return e.Register != r }) {
		return fmt.Errorf("%w: an event listed for %v is of another register", ErrReference, r)
	}
	if !Explains(v.Events, r, v.Digest) {
		return fmt.Errorf("%w: the events listed for %v do not replay to %v", ErrReference, r, v.Digest)
	}
	return nil
}

// Explains says whether the events of register r among events, replayed from any
// locality that firmware starts a TPM from, give the value.
func Explains(events []Event, r Register, value Digest) bool {
	localities := []uint8{0}
	if r == (Register{}) { // PCR 0 alone depends on it
		localities = []uint8{0, 3, 4}
	}
	for _, locality := range localities {
		if got, named := replayOne(locality, events, r); named && got == value && !got.IsZero() {
			return true
		}
	}
	return false
}

// Len returns the number of registers that have a reference.
func (rs *References) Len() int { return len(rs.list) }

// Lookup returns the reference of a register, nil where there is none. It must
// not be changed.
func (rs *References) Lookup(r Register) *Reference {
	if place := rs.place[r.slot]; place > 0 {
		return &rs.list[place-1]
	}
	return nil
}

// differs says whether the i-th reference is compared and not met.
func (rs *References) differs(i int, seen *Registers) bool {
	ref := &rs.list[i]
	value := &seen.values[ref.Register.slot]
	if rs.first[i] == *value || ref.Rule == Ignore {
		return false
	}
	return len(ref.Values) == 1 || !ref.Accepts(value)
}
