package canonicaljson

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Marshal encodes v, whose keys must be ASCII and whose numbers integers below
// 2^53.
func Marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding canonical JSON: %w", err)
	}
	w := writer{src: data, dst: make([]byte, 0, len(data))}
	if err := w.value(); err != nil {
		return nil, fmt.Errorf("encoding canonical JSON: %w", err)
	}
	return w.dst, nil
}

// appendString appends a string with the shortest escapes (RFC 8785, section
// 3.2.2.2).
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch escape := shortEscape(r); {
		case escape != 0:
			dst = append(dst, '\\', escape)
		case r < 0x20:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, string(r)...)
		}
	}
	return append(dst, '"')
}

// shortEscape returns the letter of a two-character escape, 0 where there is none.
func shortEscape(r rune) byte {
	const from, to = "\"\\\b\f\n\r\t", `"\bfnrt`
	if i := strings.IndexRune(from, r); i >= 0 {
		return to[i]
	}
	return 0
}
