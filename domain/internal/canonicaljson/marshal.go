package canonicaljson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Marshal encodes v, whose keys must be ASCII and whose numbers integers below
// 2^53.
func Marshal(v any) ([]byte, error) {
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

// writeObject sorts keys by bytes, which for ASCII keys is the order of UTF-16
// code units that RFC 8785, section 3.2.3, asks for.
func writeObject(b *bytes.Buffer, object map[string]any) {
	b.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(object)) {
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
