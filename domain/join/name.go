package join

import (
	"errors"
	"fmt"
	"strings"
)

// MaxNodeName is how many bytes a node's name may have.
const MaxNodeName = 63

// ErrNodeName is wrapped by every error about the name of a node.
var ErrNodeName = errors.New("not a name for a node")

// NodeName is a name that Kubernetes can give a node: a lower-case subdomain of
// RFC 1123 (labels of a-z, 0-9 and inner hyphens, joined by dots) of at most 63
// bytes, because Kubernetes also makes a label's value of it
// (kubernetes.io/hostname).
//
// No two names look alike: there is one case, nothing outside ASCII, and no label
// that begins with xn--, which programs show as something else (RFC 5890, section
// 2.3.2.1). And none stands for something that is no node, since certificates are
// made out to it by a CA that pods trust: its last label is not a number, which
// resolvers take for an address; it is no localhost (RFC 6761, section 6.3); its
// first label is not kubernetes, by which pods know the API server; and no label
// is svc, which is in the name of every service.
type NodeName string

// ParseNodeName returns text as a name. The error wraps ErrNodeName.
func ParseNodeName(text string) (NodeName, error) {
	if len(text) > MaxNodeName {
		return "", fmt.Errorf("%w: %d bytes, at most %d", ErrNodeName, len(text), MaxNodeName)
	}
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if why := wrongLabel(label); why != "" {
			return "", fmt.Errorf("%w: %q: %s", ErrNodeName, text, why)
		}
	}
	if why := reserved(labels[0], labels[len(labels)-1]); why != "" {
		return "", fmt.Errorf("%w: %q: %s", ErrNodeName, text, why)
	}
	return NodeName(text), nil
}

// wrongLabel says what is wrong with one label of a name.
func wrongLabel(label string) string {
	outside := func(r rune) bool { return !isLowerAlphanumeric(r) && r != '-' }
	switch {
	case label == "":
		return "a label is empty"
	case strings.ContainsFunc(label, outside):
		return "only a-z, 0-9, '-' and '.' may be in it"
	case label[0] == '-' || label[len(label)-1] == '-':
		return "a label begins or ends with '-'"
	case strings.HasPrefix(label, "xn--"):
		return "a label begins with xn--, and is shown as something else"
	case label == "svc":
		return "svc is for the names of services"
	default:
		return ""
	}
}

// reserved says for what else a name with that first and last label is kept.
func reserved(first, last string) string {
	switch {
	case first == "kubernetes":
		return "pods know the API server by it"
	case last == "localhost":
		return "every machine has it"
	case isNumber(last):
		return "it ends like an IP address"
	default:
		return ""
	}
}

// isNumber says whether a resolver takes the label for a part of an address:
// decimal, or hexadecimal behind 0x.
func isNumber(label string) bool {
	if digits, found := strings.CutPrefix(label, "0x"); found {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// UnmarshalText decodes like ParseNodeName, and leaves n as it was on an error.
func (n *NodeName) UnmarshalText(text []byte) error {
	parsed, err := ParseNodeName(string(text))
	if err != nil {
		return err
	}
	*n = parsed
	return nil
}
