package verifier

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// message walks over the fields of an encoded protobuf message, and takes it
// only as an encoder writes it: fields in ascending order and the shortest
// varints. What is wrong becomes a finding; where it cannot be told where the
// next field starts, the walk ends and broken is set.
type message struct {
	name     string
	rest     []byte
	findings *findings

	number protowire.Number
	wire   protowire.Type
	again  bool // the field before had the same number
	broken bool
}

// next steps to the next field, whose value must then be read.
func (m *message) next() bool {
	if len(m.rest) == 0 || m.broken {
		return false
	}
	number, wire, n := protowire.ConsumeTag(m.rest)
	if n < 0 || n != protowire.SizeTag(number) {
		m.fail("protobuf fields", "bytes that are none")
		return false
	}
	if number < m.number {
		m.findings.malformed(m.name, "fields in ascending order", fmt.Sprintf("field %d after field %d", number, m.number))
	}
	m.rest, m.again = m.rest[n:], number == m.number
	m.number, m.wire = number, wire
	return true
}

// once reads a byte string that may be there once, and must not be empty: an
// encoder leaves empty ones out.
func (m *message) once(limit int) []byte {
	data := m.bytes(limit)
	if m.again {
		m.findings.malformed(m.name, "each field once", fmt.Sprintf("field %d twice", m.number))
	}
	if len(data) == 0 && !m.broken {
		m.findings.malformed(m.name, "fields that hold something", fmt.Sprintf("field %d, empty", m.number))
	}
	return data
}

// bytes reads a byte string of at most limit bytes.
func (m *message) bytes(limit int) []byte {
	if m.wire != protowire.BytesType {
		m.fail("a byte string", fmt.Sprintf("field %d of wire type %d", m.number, m.wire))
		return nil
	}
	data, n := protowire.ConsumeBytes(m.rest)
	if n < 0 || n != protowire.SizeBytes(len(data)) || len(data) > limit {
		m.fail(fmt.Sprintf("at most %d bytes in field %d", limit, m.number), fmt.Sprintf("%d bytes", len(data)))
		return nil
	}
	m.rest = m.rest[n:]
	return data
}

// onceVarint reads a number that may be there once, and must not be above limit.
func (m *message) onceVarint(limit uint64) uint64 {
	if m.wire != protowire.VarintType {
		m.fail("a number", fmt.Sprintf("field %d of wire type %d", m.number, m.wire))
		return 0
	}
	value, n := protowire.ConsumeVarint(m.rest)
	if n < 0 || n != protowire.SizeVarint(value) || value > limit {
		m.fail(fmt.Sprintf("at most %d in field %d", limit, m.number), "another number")
		return 0
	}
	if m.again {
		m.findings.malformed(m.name, "each field once", fmt.Sprintf("field %d twice", m.number))
	}
	m.rest = m.rest[n:]
	return value
}

// unused skips a field that has no business here, and says so.
func (m *message) unused(name string) {
	if name == "" {
		name = fmt.Sprintf("field %d", m.number)
	}
	n := protowire.ConsumeFieldValue(m.number, m.wire, m.rest)
	if n < 0 {
		m.fail("protobuf fields", "bytes that are none")
		return
	}
	if !m.again {
		m.findings.malformed(m.name+": "+name, "", "present")
	}
	m.rest = m.rest[n:]
}

// fail ends the walk with a finding.
func (m *message) fail(expected, seen string) {
	m.findings.malformed(m.name, expected, seen)
	m.rest, m.broken = nil, true
}
