package asterismapp

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// safe returns text that a terminal shows and never obeys: control characters,
// marks that turn the direction of writing, and what is not UTF-8 are escaped as
// in Go.
func safe(text string) string {
	var b strings.Builder
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(text[0])|0x100, 16)[1:])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		text = text[size:]
	}
	return b.String()
}

// safeLines is safe line by line.
func safeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = safe(lines[i])
	}
	return strings.Join(lines, "\n")
}

// safeJSON escapes the control characters that JSON allows in strings: DEL and
// those above ASCII, of which one begins terminal sequences.
func safeJSON(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for _, r := range string(data) {
		if r >= 0x7f && r < 0xa0 {
			out = append(out, `\u00`+strconv.FormatInt(int64(r), 16)...)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}
