package recordedtest

import "encoding/binary"

// Field is a field of an event in a crypto-agile log.
type Field struct {
	Event      int    // its number; the Spec ID event is 0
	Kind       uint32 // the event's type
	Register   uint32 // the event's
	Name       string // as in "pcr", "type", "sha256 digest" or "data"
	From, Size int    // bytes
}

// Fields takes a genuine log apart (PC Client Platform Firmware Profile, section
// 10). It is no parser: it believes what it reads.
func Fields(log []byte) []Field {
	header := 32 + int(binary.LittleEndian.Uint32(log[28:]))
	sizes := map[uint16]int{4: 20, 11: 32, 12: 48, 13: 64, 18: 32}
	fields := []Field{
		{Name: "pcr", From: 0, Size: 4},
		{Name: "type", From: 4, Size: 4},
		{Name: "size", From: 28, Size: 4},
		{Name: "signature", From: 32, Size: 16},
		{Name: "version", From: 52, Size: 2},
		{Name: "banks", From: 56, Size: header - 57},
	}
	for at, event := header, 1; at < len(log); event++ {
		register, kind := binary.LittleEndian.Uint32(log[at:]), binary.LittleEndian.Uint32(log[at+4:])
		add := func(name string, size int) {
			if size > 0 {
				fields = append(fields, Field{event, kind, register, name, at, size})
			}
			at += size
		}
		add("pcr", 4)
		add("type", 4)
		count := binary.LittleEndian.Uint32(log[at:])
		add("count", 4)
		for range count {
			bank := binary.LittleEndian.Uint16(log[at:])
			name := map[uint16]string{4: "sha1", 11: "sha256", 12: "sha384", 13: "sha512", 18: "sm3"}[bank]
			add(name+" bank", 2)
			add(name+" digest", sizes[bank])
		}
		size := int(binary.LittleEndian.Uint32(log[at:]))
		add("size", 4)
		add("data", size)
	}
	return fields
}
