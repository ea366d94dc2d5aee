package owner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/policy"
)

const (
	maxSerial = 1<<53 - 1 // what every JSON reader can hold
	maxName   = 64        // bytes
	maxURI    = 1024      // bytes
)

// InvalidStatementError says everything that is wrong with a statement.
type InvalidStatementError struct{ Problems []policy.Problem }

// Error returns all problems in one line.
func (e *InvalidStatementError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return "invalid cluster statement: " + strings.Join(texts, "; ")
}

// Unwrap returns ErrStatement.
func (e *InvalidStatementError) Unwrap() error { return ErrStatement }

func invalidStatement(format string, args ...any) error {
	return &InvalidStatementError{[]policy.Problem{{Message: fmt.Sprintf(format, args...)}}}
}

// statementCheck collects what is wrong.
type statementCheck struct{ problems []policy.Problem }

func (c *statementCheck) add(path, format string, args ...any) {
	c.problems = append(c.problems, policy.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// validate returns what the statement says of releases and hardware as a policy
// document, copied and sorted. The error is an *InvalidStatementError.
func (s *Statement) validate() (*policy.Document, error) {
	var c statementCheck
	c.head(s)
	c.identity(s)
	hardware := c.hardware(s)
	c.roots(s)
	c.delegates("administrators", s.Administrators)
	c.delegates("readers", s.Readers)
	c.once(s)
	c.addresses(s.KMS)
	if len(c.problems) > 0 {
		return nil, &InvalidStatementError{c.problems}
	}
	return hardware, nil
}

func (c *statementCheck) head(s *Statement) {
	if s.Version != StatementVersion {
		c.add("version", "%q is not a version that this program reads; write %q", s.Version, StatementVersion)
	}
	if s.Serial == 0 || s.Serial > maxSerial {
		c.add("serial", "must be from 1 to %d, and greater than the serial of the statement before", uint64(maxSerial))
	}
	if s.MinimumPolicySerial == 0 || s.MinimumPolicySerial > maxSerial {
		c.add("minimumPolicySerial", "must be from 1 to %d", uint64(maxSerial))
	}
	c.instant("issued", s.Issued)
	c.instant("expires", s.Expires)
	switch lifetime := s.Expires.Sub(s.Issued); {
	case lifetime <= 0:
		c.add("expires", "must be after issued")
	case lifetime > MaxStatementLifetime:
		c.add("expires", "must be at most %v after issued", MaxStatementLifetime)
	}
}

func (c *statementCheck) instant(path string, t time.Time) {
	if _, offset := t.Zone(); offset != 0 || t.Nanosecond() != 0 || t.IsZero() || t.Year() > 9999 {
		c.add(path, "must be in UTC and in whole seconds, as in 2026-01-31T00:00:00Z")
	}
}

func (c *statementCheck) identity(s *Statement) {
	for _, field := range []struct {
		path string
		zero bool
	}{
		{"cluster", s.Cluster == keys.ClusterID{}},
		{"owner", s.Owner == keys.OwnerID{}},
		{"engineCA", s.EngineCA == evidence.SPKIHash{}},
		{"kubernetesCA", s.KubernetesCA == evidence.SPKIHash{}},
		{"ledgerKey", s.LedgerKey == PublicKey{}},
	} {
		if field.zero {
			c.add(field.path, "is missing")
		}
	}
}

// hardware holds releases and requirements against the rules of policies, so that
// each is one that a policy could make.
func (c *statementCheck) hardware(s *Statement) *policy.Document {
	if len(s.Releases) == 0 {
		c.add("releases", "is empty, so nothing could run in the cluster")
		return nil
	}
	for i := range s.Releases {
		if s.Releases[i].Withdrawn {
			c.add(at("releases", i), "is withdrawn; a statement lists what is accepted: leave it out")
		}
		if s.Releases[i].Manifest.IsZero() {
			c.add(at("releases", i)+".manifest", "is missing")
		}
	}
	d := s.document(s.profiles())
	d.Serial = 1 // the statement's own was looked at
	p, err := policy.New(*d)
	if invalid := (*policy.InvalidError)(nil); errors.As(err, &invalid) {
		c.problems = append(c.problems, invalid.Problems...)
		return nil
	}
	if err != nil {
		c.add("", "%v", err)
		return nil
	}
	normalised, err := p.Document()
	if err != nil {
		c.add("", "%v", err)
	}
	return &normalised
}

// roots asks for some where a platform is believed for a certificate's sake.
func (c *statementCheck) roots(s *Statement) {
	if len(s.EndorsementRoots) > MaxRoots {
		c.add("endorsementRoots", "has %d entries, at most %d", len(s.EndorsementRoots), MaxRoots)
		return
	}
	byList := func(t evidence.Traits) bool {
		return activates(t) && s.TPM != nil && s.TPM.EKTrust == policy.EKAllowList
	}
	certified := func(t evidence.Traits) bool { return !byList(t) }
	if anyTraits(platforms(s.Releases), certified) && len(s.EndorsementRoots) == 0 {
		c.add("endorsementRoots", "is empty, and a platform of a release is trusted through certificates")
	}
	for i, root := range s.EndorsementRoots {
		if root == (evidence.SPKIHash{}) {
			c.add(at("endorsementRoots", i), "is all zeros")
		}
	}
	c.unique("endorsementRoots", texts(s.EndorsementRoots))
}

func (c *statementCheck) delegates(path string, list []NamedKey) {
	if len(list) > MaxDelegates {
		c.add(path, "has %d entries, at most %d", len(list), MaxDelegates)
		return
	}
	var names []string
	for i, d := range list {
		if !isName(d.Name) {
			c.add(at(path, i)+".name", "%.64q is not a name: 1 to %d letters, digits, and after the first also - . _ +", d.Name, maxName)
		}
		if d.Key == (PublicKey{}) {
			c.add(at(path, i)+".key", "is missing")
		}
		names = append(names, d.Name)
	}
	c.unique(path, names)
}

// once finds a key that stands for two delegates: what it signs could be held for
// either's.
func (c *statementCheck) once(s *Statement) {
	var all []PublicKey
	for _, d := range slices.Concat(s.Administrators, s.Readers) {
		all = append(all, d.Key)
	}
	if i := repeated(all); i > 0 {
		c.add("", "key %v is listed twice among administrators and readers; an administrator may read", all[i])
	}
}

func (c *statementCheck) addresses(list []string) {
	if len(list) > MaxKMSAddresses {
		c.add("kms", "has %d entries, at most %d", len(list), MaxKMSAddresses)
		return
	}
	for i, uri := range list {
		if !isURI(uri) {
			c.add(at("kms", i), "is not a URI: a scheme, a colon, and at most %d visible ASCII characters in all", maxURI)
		}
	}
	c.unique("kms", list)
}

func (c *statementCheck) unique(path string, list []string) {
	if i := repeated(list); i > 0 {
		c.add(at(path, i), "is listed before")
	}
}

// repeated returns the index of the first entry that stands before it too, 0
// where there is none: the first repeats nothing.
func repeated[T comparable](list []T) int {
	seen := make(map[T]struct{}, len(list))
	for i, v := range list {
		if _, found := seen[v]; found {
			return i
		}
		seen[v] = struct{}{}
	}
	return 0
}

func texts[T fmt.Stringer](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// isName holds a name against the grammar [a-z0-9A-Z][-._+a-z0-9A-Z]*.
func isName(name string) bool {
	foreign := func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("-._+", r) }
	return name != "" && len(name) <= maxName && isAlphanumeric(rune(name[0])) && !strings.ContainsFunc(name, foreign)
}

func isAlphanumeric(r rune) bool { return isLetter(r) || r >= '0' && r <= '9' }

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// isURI holds an address against what every URI has (RFC 3986, section 3): a
// scheme, and something behind the colon. What it means its key service knows.
func isURI(uri string) bool {
	scheme, rest, found := strings.Cut(uri, ":")
	foreign := func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("-.+", r) }
	invisible := func(r rune) bool { return r <= ' ' || r > '~' }
	return found && len(uri) <= maxURI && scheme != "" && rest != "" && isLetter(rune(scheme[0])) &&
		!strings.ContainsFunc(scheme, foreign) && !strings.ContainsFunc(rest, invisible)
}
