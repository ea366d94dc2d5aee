package measurement

// Mismatch is a register that does not hold what its reference says.
type Mismatch struct {
	Register   Register
	Rule       Rule             // Enforce or Warn
	Expected   []ReferenceValue // what would have been accepted, at least one; not to be changed
	Seen       Digest           // the zero Digest where the register has no value
	Divergence *Divergence
}

// Divergence is the first place at which a boot left the expected path. One of
// Expected and Seen is nil where one of the two logs ends before the other.
type Divergence struct {
	Position int    // 0-based, among the events of this register
	Expected *Event // what should have been extended there
	Seen     *Event // what was
}

// Distance counts the registers that differ from their references, by rule. It
// allocates nothing: appraisal asks every known release.
func (rs *References) Distance(seen *Registers) (enforced, warned int) {
	for i := range rs.list {
		switch {
		case !rs.differs(i, seen):
		case rs.list[i].Rule == Warn:
			warned++
		default:
			enforced++
		}
	}
	return enforced, warned
}

// Compare returns a Mismatch for every register that has a reference, is not
// ignored, and holds none of the reference's values, in the order of registers.
// log is the event log of the boot and may be empty; where it explains the
// register's value and the reference lists events, the mismatch says where the
// two part.
func (rs *References) Compare(seen *Registers, log []Event) []Mismatch {
	var mismatches []Mismatch
	for i := range rs.list {
		if !rs.differs(i, seen) {
			continue
		}
		if mismatches == nil {
			mismatches = make([]Mismatch, 0, len(rs.list)-i)
		}
		ref := &rs.list[i]
		m := Mismatch{Register: ref.Register, Rule: ref.Rule, Expected: ref.Values, Seen: seen.Get(ref.Register)}
		if Explains(log, ref.Register, m.Seen) {
			m.Divergence = ref.divergence(log)
		}
		mismatches = append(mismatches, m)
	}
	return mismatches
}

// divergence compares the log with the expected path that it follows longest.
func (r *Reference) divergence(log []Event) *Divergence {
	var longest *Divergence
	for i := range r.Values {
		if !r.Values[i].pathKnown(r.Register) {
			continue
		}
		d := diverge(r.Values[i].Events, log, r.Register)
		if longest == nil || d.Position > longest.Position {
			longest = d
		}
	}
	return longest
}

// pathKnown says whether the events lead to the value. A register that nothing is
// to be extended into needs none.
func (v *ReferenceValue) pathKnown(r Register) bool {
	return len(v.Events) > 0 || v.Digest == r.PowerOn()
}

// diverge walks the register's events in the log beside the expected ones. What it
// returns shares nothing with either.
func diverge(expected, log []Event, r Register) *Divergence {
	n := 0
	for i := range log {
		if log[i].Register != r {
			continue
		}
		if n >= len(expected) || expected[n].Digest != log[i].Digest {
			seen := log[i]
			return &Divergence{Position: n, Expected: eventAt(expected, n), Seen: &seen}
		}
		n++
	}
	return &Divergence{Position: n, Expected: eventAt(expected, n)}
}

func eventAt(events []Event, i int) *Event {
	if i >= len(events) {
		return nil
	}
	e := events[i]
	return &e
}
