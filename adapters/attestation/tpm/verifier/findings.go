package verifier

import (
	"strconv"
	"strings"

	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

const (
	maxSeen     = 256 // bytes of something that a peer sent, repeated by a finding
	maxFindings = 64  // of one piece of evidence; garbage has no end of them
)

// findings collects everything that does not hold. All of it refuses.
type findings struct{ list []policy.Finding }

// problem is a finding in the making: what it is about and what was seen there.
type problem struct {
	code     policy.Code
	subject  string
	expected string
	seen     string
	remedy   string
}

func (f *findings) add(p *problem) {
	if len(f.list) == maxFindings {
		return
	}
	finding := policy.Finding{Code: p.code, Severity: policy.Refuse, Subject: p.subject, Seen: clip(p.seen), Remedy: p.remedy}
	if p.expected != "" {
		finding.Expected = []string{p.expected}
	}
	f.list = append(f.list, finding)
}

// addIf adds a problem where there is one.
func (f *findings) addIf(p *problem) {
	if p != nil {
		f.add(p)
	}
}

// malformed is a part of the evidence that cannot be read.
func (f *findings) malformed(subject, expected, seen string) {
	f.add(malformed(subject, expected, seen))
}

func malformed(subject, expected, seen string) *problem {
	return &problem{
		code: policy.CodeEvidenceMalformed, subject: subject, expected: expected, seen: seen,
		remedy: "The attester runs other software than the verifier knows, or the evidence was altered on its way.",
	}
}

// err returns the findings as an error, nil where there are none.
func (f *findings) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return &ports.EvidenceError{Findings: f.list}
}

// clip bounds what was seen, and takes the sting out of it: findings are printed
// on terminals.
func clip(seen string) string {
	if len(seen) > maxSeen {
		seen = seen[:maxSeen] + "…"
	}
	clean := strings.IndexFunc(seen, func(r rune) bool { return !strconv.IsPrint(r) }) < 0
	if clean {
		return seen
	}
	return strings.Trim(strconv.Quote(seen), `"`)
}
