package main

import (
	"fmt"
	"strings"
)

// longestText bounds, in runes, the source text that names a mutant.
const longestText = 160

// mutant is one change of one file.
type mutant struct {
	file     string // relative to the module's root
	line     int    // from 1
	function string // "Func", "Type.Method", or "-" outside functions

	start, end  int    // the bytes of the file that are replaced
	replacement string // with this
	epilogue    string // appended to the file, for what the replacement needs

	original, mutated string // as shown to people and in waivers, on one line
}

// change is how the mutant is named in lists and waivers.
func (m mutant) change() string { return m.original + " => " + m.mutated }

// String says where the mutant is and what it changes.
func (m mutant) String() string {
	return fmt.Sprintf("%s:%d: %s (in %s)", m.file, m.line, m.change(), m.function)
}

// apply returns the mutated file.
func (m mutant) apply(source []byte) []byte {
	text := string(source[:m.start]) + m.replacement + string(source[m.end:])
	if m.epilogue != "" {
		text += "\n" + m.epilogue + "\n"
	}
	return []byte(text)
}

// oneLine collapses white space and cuts what is too long to read.
func oneLine(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= longestText {
		return string(runes)
	}
	return string(runes[:longestText]) + "…"
}
