package authority

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// strictness collects where a policy would accept what a statement does not.
type strictness struct{ problems []policy.Problem }

// loosenings returns everywhere a policy would accept what the statement does
// not: a joiner, and an owner's tool, would then not believe the nodes that the
// policy admits. A policy may only be stricter.
func loosenings(s *owner.Statement, p *policy.Policy) ([]policy.Problem, error) {
	d, err := p.Document()
	if err != nil {
		return nil, err
	}
	var c strictness
	c.rules(d.Registers)
	for i := range d.Releases {
		c.release(fmt.Sprintf("releases[%d]", i), s, &d.Releases[i])
	}
	c.tpm(s.TPM, d.TPM)
	c.snp(s.SNP, d.SNP)
	c.tdx(s.TDX, d.TDX)
	if d.SNP != nil || d.TDX != nil {
		c.superset("deniedChips", hexTexts(d.DeniedChips), hexTexts(s.DeniedChips))
	}
	return c.problems, nil
}

func joinProblems(list []policy.Problem) string {
	const enough = 8
	var texts []string
	for i, p := range list {
		if i == enough {
			texts = append(texts, fmt.Sprintf("and %d more", len(list)-enough))
			break
		}
		texts = append(texts, p.String())
	}
	return strings.Join(texts, "; ")
}

func (c *strictness) add(path, format string, args ...any) {
	c.problems = append(c.problems, policy.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// rules wants every register enforced: a statement knows no other rule.
func (c *strictness) rules(rules map[measurement.Register]measurement.Rule) {
	var names []string
	for r, rule := range rules {
		if rule != measurement.Enforce {
			names = append(names, r.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names {
		c.add("registers."+name, "is not enforced; leave the register out of the statement's references and the policy's")
	}
}

// release wants each reference of a release that the policy accepts to be in the
// statement.
func (c *strictness) release(path string, s *owner.Statement, r *policy.Release) {
	if r.Withdrawn {
		return
	}
	for i := range r.References {
		ref := &r.References[i]
		if !accepts(s, r, ref) {
			c.add(fmt.Sprintf("%s.references[%d]", path, i), "the statement has no such values for %.64q on %s, or not for as long", r.Name, ref.Platform)
		}
	}
}

// accepts says whether a release of the statement holds for whatever the
// reference holds for.
func accepts(s *owner.Statement, r *policy.Release, ref *policy.Reference) bool {
	return slices.ContainsFunc(s.Releases, func(theirs policy.Release) bool {
		window := theirs.NotAfter.IsZero() || !r.NotAfter.IsZero() && !r.NotAfter.After(theirs.NotAfter)
		same := theirs.Manifest == r.Manifest && theirs.Profile == r.Profile
		return window && same && slices.ContainsFunc(theirs.References, func(wide policy.Reference) bool { return covers(&wide, ref) })
	})
}

// covers says whether whatever meets the narrow reference meets the wide one too.
func covers(wide, narrow *policy.Reference) bool {
	if wide.Platform != narrow.Platform || !sameMark(wide.Mark, narrow.Mark) || !restricted(wide.LaunchDigests, narrow.LaunchDigests) {
		return false
	}
	for r, values := range wide.Registers {
		if !restricted(digests(values), digests(narrow.Registers[r])) {
			return false
		}
	}
	return true
}

func sameMark(a, b *measurement.Register) bool { return a == b || a != nil && b != nil && *a == *b }

func digests(values []policy.ReferenceValue) []measurement.Digest {
	list := make([]measurement.Digest, len(values))
	for i := range values {
		list[i] = values[i].Value
	}
	return list
}

// restricted says whether one of narrow is asked for wherever one of wide is. An
// empty list asks for nothing.
func restricted[T comparable](wide, narrow []T) bool {
	return len(wide) == 0 || len(narrow) > 0 && len(missing(wide, narrow)) == 0
}

// missing returns what is in the list and not in all.
func missing[T comparable](all, list []T) []T {
	known := make(map[T]struct{}, len(all))
	for _, v := range all {
		known[v] = struct{}{}
	}
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool {
		_, found := known[v]
		return found
	})
}
