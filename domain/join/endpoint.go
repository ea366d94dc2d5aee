package join

import (
	"strconv"
	"strings"
)

const maxEndpoint = 253 + len(":65535") // bytes

// validEndpoint accepts host:port, where the host is a DNS name, an IPv4 address
// or an IPv6 address in brackets. It looks at characters only: whoever dials
// finds out whether there is such a host, and a certificate says whose it is.
func validEndpoint(text string) bool {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || len(text) > maxEndpoint || !validPort(text[i+1:]) {
		return false
	}
	host := text[:i]
	if inner, found := strings.CutPrefix(host, "["); found {
		inner, found = strings.CutSuffix(inner, "]")
		return found && strings.Contains(inner, ":") && strings.Trim(inner, "0123456789abcdef:.") == ""
	}
	for label := range strings.SplitSeq(host, ".") {
		if strings.Trim(label, "-") == "" || strings.ContainsFunc(label, func(r rune) bool { return !isLowerAlphanumeric(r) && r != '-' }) {
			return false
		}
	}
	return true
}

// validPort accepts 1 to 65535 in the one way to write it.
func validPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == text
}
