package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDescription = 200 // bytes, before cleaning
	unverified     = "unverified: "
)

// covered says whether the digest is of those bytes.
func (e *record) covered(data []byte) bool {
	sum := sha256.Sum256(data)
	return bytes.Equal(sum[:], e.digest)
}

// describe returns the type's name and what people are told about the event. Where
// the type says that the digest is of the data, and it is not, both are empty:
// the type is a lie then, or the data.
func (e *record) describe() (kind, description string) {
	kind = e.kind.name()
	text := e.text()
	switch {
	case e.kind.hashesData():
		if !e.covered(e.data) {
			return "", ""
		}
		return kind, text
	case text == "" || e.covered(e.data) || e.kind == evIPL && e.covered(commandOf(e.data)):
		return kind, text
	default:
		return kind, unverified + text
	}
}

// text returns what the data says, as far as people can read it.
func (e *record) text() string {
	switch e.kind {
	case evAction, evEFIAction, evSCRTMVersion, evIPL:
		return plain(e.data)
	case evEFIVariableConfig, evEFIVariableBoot, evEFIVariableBoot2, evEFIVariableAuthority:
		v, ok := parseVariable(e.data)
		if !ok {
			return ""
		}
		return clean(v.name)
	case evEFIBootApplication, evEFIBootDriver, evEFIRuntimeDriver:
		return imagePath(e.data)
	default:
		return ""
	}
}

// commandOf returns what GRUB hashes of a command: the text after its label,
// without the zero at its end.
func commandOf(data []byte) []byte {
	if _, command, found := bytes.Cut(data, []byte(": ")); found {
		data = command
	}
	return bytes.TrimRight(data, "\x00")
}

// plain reads text in ASCII, or in UTF-16 as firmware and boot loaders also write
// it.
func plain(data []byte) string {
	if len(data) >= 2 && len(data)%2 == 0 && data[0] != 0 && data[1] == 0 {
		return clean(decodeUTF16(data))
	}
	return clean(string(data[:min(len(data), maxDescription)]))
}

func decodeUTF16(data []byte) string {
	units := make([]uint16, 0, min(len(data)/2, maxDescription))
	for len(data) >= 2 && len(units) < maxDescription {
		units = append(units, binary.LittleEndian.Uint16(data))
		data = data[2:]
	}
	return string(utf16.Decode(units))
}

// clean bounds text, and leaves nothing in it that a terminal would act on.
func clean(text string) string {
	text = strings.TrimRight(text, "\x00\n ")
	if len(text) > maxDescription {
		text = text[:maxDescription] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, text)
}

// imagePath returns the file in an EFI_IMAGE_LOAD_EVENT's device path (UEFI
// specification, section 10.3.5.4). It is empty where there is none.
func imagePath(data []byte) string {
	r := reader{rest: data}
	r.take(24) // address, length and link-time address of the image
	length, high := r.uint32(), r.uint32()
	if high != 0 {
		return ""
	}
	return filePath(&reader{rest: r.take(length)})
}

func filePath(r *reader) string {
	const media, file, header = 4, 4, 4
	for len(r.rest) >= header {
		kind, sub, length := r.uint8(), r.uint8(), r.uint16()
		if length < header {
			return ""
		}
		if node := r.take(uint32(length) - header); kind == media && sub == file {
			return clean(decodeUTF16(node))
		}
	}
	return ""
}
