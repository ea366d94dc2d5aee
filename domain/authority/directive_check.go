package authority

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

const maxSerial = 1<<53 - 1 // what every JSON reader can hold

func invalid(format string, args ...any) error {
	return &InvalidDirectiveError{[]policy.Problem{{Message: fmt.Sprintf(format, args...)}}}
}

// directiveCheck collects what is wrong.
type directiveCheck struct{ problems []policy.Problem }

func (c *directiveCheck) add(path, format string, args ...any) {
	c.problems = append(c.problems, policy.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// validate returns an *InvalidDirectiveError.
func (d *Directive) validate() error {
	var c directiveCheck
	c.head(d)
	c.place(d)
	c.fields(d)
	c.reference("statement", d.Statement)
	c.reference("policy", d.Policy)
	c.joinPolicy(d.JoinPolicy)
	c.machine(d)
	c.expiry(d)
	if len(c.problems) > 0 {
		return &InvalidDirectiveError{c.problems}
	}
	return nil
}

func (c *directiveCheck) head(d *Directive) {
	if d.Version != Version {
		c.add("version", "%.64q is not a version that this program reads; write %q", d.Version, Version)
	}
	if d.Cluster == (keys.ClusterID{}) {
		c.add("cluster", "is missing")
	}
	c.instant("issued", d.Issued)
	if len(d.Comment) > MaxComment || !utf8.ValidString(d.Comment) || strings.ContainsFunc(d.Comment, unicode.IsControl) {
		c.add("comment", "must be at most %d bytes of UTF-8 in one line, without control characters", MaxComment)
	}
}

// place looks at where in the chain the directive stands.
func (c *directiveCheck) place(d *Directive) {
	if d.Serial == 0 || d.Serial > maxSerial {
		c.add("serial", "must be from 1 to %d", uint64(maxSerial))
	}
	switch {
	case d.Serial == 1 && !d.Previous.IsZero():
		c.add("previous", "must be left out: the first directive follows none")
	case d.Serial == 1 && d.Kind != Statement:
		c.add("kind", "must be %s: the first directive says whose cluster it is", Statement)
	case d.Serial > 1 && d.Previous.Algorithm() != measurement.SHA256:
		c.add("previous", "must be the SHA-256 of directive %d", d.Serial-1)
	}
}

func (c *directiveCheck) instant(path string, t time.Time) {
	if _, offset := t.Zone(); offset != 0 || t.Nanosecond() != 0 || t.IsZero() || t.Year() > 9999 {
		c.add(path, "must be in UTC and in whole seconds, as in 2026-01-31T00:00:00Z")
	}
}

// need says what a kind does with a field.
type need uint8

const (
	never need = iota
	always
	maybe
)

// fields finds fields that the kind needs and does not have, and the other way
// round.
func (c *directiveCheck) fields(d *Directive) {
	wants, known := needs(d.Kind)
	if !known {
		c.add("kind", "%.64q is not a kind of directive", string(d.Kind))
		return
	}
	for _, field := range []struct {
		path string
		set  bool
		need need
	}{
		{"statement", d.Statement != nil, wants.statement},
		{"policy", d.Policy != nil, wants.policy},
		{"joinPolicy", d.JoinPolicy != nil, wants.joinPolicy},
		{"node", !d.Node.IsZero(), wants.node},
		{"role", d.Role != "", wants.approval},
		{"name", d.Name != "", wants.detail},
		{"chip", d.Chip != "", wants.detail},
		{"expires", !d.Expires.IsZero(), wants.approval},
	} {
		switch {
		case field.set && field.need == never:
			c.add(field.path, "must be left out of a directive of kind %s", d.Kind)
		case !field.set && field.need == always:
			c.add(field.path, "is missing, and a directive of kind %s needs it", d.Kind)
		}
	}
}

// wants is which fields a kind has.
type wants struct{ statement, policy, joinPolicy, node, approval, detail need }

func needs(k Kind) (wants, bool) {
	switch k {
	case Statement:
		return wants{statement: always}, true
	case AttestationPolicy:
		return wants{policy: always}, true
	case JoinPolicy:
		return wants{joinPolicy: always}, true
	case Approve:
		return wants{node: always, approval: always, detail: maybe}, true
	case Deny:
		return wants{node: always}, true
	case Freeze, Thaw:
		return wants{}, true
	default:
		return wants{}, false
	}
}

func (c *directiveCheck) reference(path string, r *Reference) {
	if r == nil {
		return
	}
	if r.Serial == 0 || r.Serial > maxSerial {
		c.add(path+".serial", "must be from 1 to %d", uint64(maxSerial))
	}
	if r.Hash.Algorithm() != measurement.SHA256 {
		c.add(path+".hash", "must be a SHA-256, 64 hexadecimal digits")
	}
}

func (c *directiveCheck) joinPolicy(p *join.Policy) {
	if p == nil {
		return
	}
	if err := p.Validate(); err != nil {
		c.add("joinPolicy", "%v", err)
	}
}

// machine looks at what an approval says of the machine.
func (c *directiveCheck) machine(d *Directive) {
	if d.Role != "" && d.Role != join.Worker && d.Role != join.ControlPlane {
		c.add("role", "%.64q is not a role; write %s or %s", string(d.Role), join.Worker, join.ControlPlane)
	}
	if d.Name != "" {
		if _, err := join.ParseNodeName(string(d.Name)); err != nil {
			c.add("name", "%v", err)
		}
	}
	if d.Chip == "" {
		return
	}
	var chip policy.Hex
	if err := chip.UnmarshalText([]byte(d.Chip)); err != nil || len(chip) != policy.SNPChipIDSize && len(chip) != policy.TDXPPIDSize {
		c.add("chip", "must be %d bytes (SEV-SNP) or %d (TDX) in lower-case hexadecimal", policy.SNPChipIDSize, policy.TDXPPIDSize)
	}
}

func (c *directiveCheck) expiry(d *Directive) {
	if d.Expires.IsZero() {
		return
	}
	c.instant("expires", d.Expires)
	switch lifetime := d.Expires.Sub(d.Issued); {
	case lifetime <= 0:
		c.add("expires", "must be after issued")
	case lifetime > MaxApproval:
		c.add("expires", "must be at most %v after issued", MaxApproval)
	}
}
