package measurement

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Registers is a set of register values, such as a quote vouches for. The zero
// value holds none. It is a plain value: assignment copies it.
type Registers struct {
	values [registerCount]Digest
}

// Set records the value of a register. The digest must be of the algorithm of
// the register's bank.
func (rs *Registers) Set(r Register, value Digest) error {
	if value.algorithm != r.Bank().Algorithm() {
		return fmt.Errorf("%w: %v takes %v, not %v", ErrDigest, r, r.Bank().Algorithm(), value.algorithm)
	}
	rs.values[r.slot] = value
	return nil
}

// Get returns the value of a register, the zero Digest where there is none.
func (rs *Registers) Get(r Register) Digest { return rs.values[r.slot] }

// Len returns how many registers have a value.
func (rs *Registers) Len() int {
	n := 0
	for range rs.All() {
		n++
	}
	return n
}

// All iterates over the registers that have a value, in order.
func (rs *Registers) All() iter.Seq2[Register, Digest] {
	return func(yield func(Register, Digest) bool) {
		for i := range rs.values {
			if !rs.values[i].IsZero() && !yield(Register{uint8(i)}, rs.values[i]) {
				return
			}
		}
	}
}

// MarshalJSON encodes an object of register names and hexadecimal values.
func (rs Registers) MarshalJSON() ([]byte, error) { return json.Marshal(maps.Collect(rs.All())) }

// UnmarshalJSON decodes what MarshalJSON encodes.
func (rs *Registers) UnmarshalJSON(data []byte) error {
	var object map[Register]Digest
	if err := json.Unmarshal(data, &object); err != nil {
		return fmt.Errorf("decoding registers: %w", err)
	}
	var decoded Registers
	for _, r := range slices.SortedFunc(maps.Keys(object), Register.Compare) {
		if err := decoded.Set(r, object[r]); err != nil {
			return err
		}
	}
	*rs = decoded
	return nil
}
