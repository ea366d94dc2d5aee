package asterismapp_test

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// ekSuffix ends the names of variables that hold the EKs of a transcript's TPMs.
const ekSuffix = "_EK"

// mask is the program of that name: it copies what differs from run to run under
// a name that does not, so that transcripts can be compared. Values of registers
// follow from what was measured, and stay.
func mask() {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text := maskKeys(string(data), os.Environ())
	for _, m := range masks() {
		text = m.pattern.ReplaceAllString(text, m.shown)
	}
	fmt.Print(text)
}

// maskKeys names endorsement keys, also where they are cut short.
func maskKeys(text string, environment []string) string {
	for _, variable := range environment {
		name, ek, _ := strings.Cut(variable, "=")
		machine, isEK := strings.CutSuffix(name, ekSuffix)
		if !isEK || ek == "" {
			continue
		}
		text = strings.ReplaceAll(text, ek, "<EK of "+machine+">")
		text = regexp.MustCompile(ek[:12]+`[0-9a-f]*…`).ReplaceAllString(text, "<EK of "+machine+">…")
	}
	return text
}

type masked struct {
	pattern *regexp.Regexp
	shown   string
}

func masks() []masked {
	var list []masked
	for _, m := range [][2]string{
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "<time>"},
		{`sha256 [0-9a-f]{12}…`, "sha256 <hash>…"},
		{`(?m)^(#   sha256 +)[0-9a-f]{64}`, "${1}<hash>"},
		{`(?m)^(AK +)[0-9a-f]{64}`, "${1}<AK>"},
		{`("hash": ")[0-9a-f]{64}`, "${1}<hash>"},
		{`(report data +)[0-9a-f]{20,}…`, "${1}<hash>…"},
		{`(BINDING_MISMATCH: report data\n   expected   )[0-9a-f]{64}(\n   seen       )[0-9a-f]{64}`, "${1}<hash>${2}<other hash>"},
		{`\d+ bytes`, "<n> bytes"},
	} {
		list = append(list, masked{regexp.MustCompile(m[0]), m[1]})
	}
	return list
}
