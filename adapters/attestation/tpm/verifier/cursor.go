package verifier

import "encoding/binary"

// cursor reads the TPM's marshalled structures (TPM 2.0 Library, Part 2: big
// endian, TPM2B with a 16-bit size). After the first read beyond the end it
// returns zeros, and whole says so. What it returns aliases the input.
type cursor struct {
	rest []byte
	cut  bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.rest, c.cut = nil, true
		return nil
	}
	taken := c.rest[:n:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) uint8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// sized reads a TPM2B structure's content.
func (c *cursor) sized() []byte { return c.take(int(c.uint16())) }

// whole says whether everything read was there, and nothing is left.
func (c *cursor) whole() bool { return !c.cut && len(c.rest) == 0 }
