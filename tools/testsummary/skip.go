package main

import (
	"regexp"
	"strings"
)

// reasonOf finds the message of t.Skip in a skipped test's output: the last
// logged message, which testing prints as "    file_test.go:12: message" with
// further lines indented by four columns more. It returns "" for a bare SkipNow.
func reasonOf(output []string) string {
	logged := regexp.MustCompile(`^ *[^ :]+\.go:\d+: ?(.*)$`)
	var reason []string
	for _, line := range output {
		switch match := logged.FindStringSubmatch(line); {
		case match != nil:
			reason = []string{strings.TrimSpace(match[1])}
		case len(reason) > 0 && strings.HasPrefix(line, "        "):
			reason = append(reason, strings.TrimSpace(line))
		}
	}
	return strings.TrimSpace(strings.Join(reason, " "))
}
