package authority_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// TestScenarios plays testdata/scenarios/*.txt. A line is
//
//	WHO says something [-> REASON]
//
// where WHO is the owner or the name of a delegate or stranger. What is refused
// must leave the Authority as it was. "(lost)" at the end of a line signs the
// directive and does not show it. "directive N again" shows an older one, and a
// line that begins with = says what the Authority is then.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	author := authoritytest.New(t, authoritytest.Config{Seed: "scenario"})
	s := &scenario{T: t, author: author, now: author.Begin(), authors: map[string]*authoritytest.Author{}}
	for n, text := range strings.Split(string(data), "\n") {
		if text = strings.TrimSpace(text); text != "" && text[0] != '#' {
			s.at = fmt.Sprintf("%s:%d: %s", file, n+1, text)
			s.line(text)
		}
	}
}

type scenario struct {
	*testing.T
	at      string
	author  *authoritytest.Author
	authors map[string]*authoritytest.Author // who went on alone
	now     *authority.Authority
}

func (s *scenario) line(text string) {
	if state, found := strings.CutPrefix(text, "= "); found {
		if got := summary(s.now); got != state {
			s.Errorf("%s: it is\n%s", s.at, got)
		}
		return
	}
	text, reason, _ := strings.Cut(text, " -> ")
	text, lost := strings.CutSuffix(text, " (lost)")
	words := strings.Fields(text)
	if words[0] == "directive" {
		n, err := strconv.Atoi(words[1])
		if err != nil {
			s.Fatalf("%s: %v", s.at, err)
		}
		s.show(s.author.All()[n-1], reason)
		return
	}
	fork := s.fork(words[0])
	data := s.say(fork, words[1], words[2:])
	if data == nil {
		return
	}
	if lost || s.show(data, reason) {
		s.author = fork.By("")
	}
}

// fork returns the author of that name, who goes on alone until what was signed is
// accepted.
func (s *scenario) fork(name string) *authoritytest.Author {
	if alone, found := s.authors[name]; found {
		return alone.Fork()
	}
	switch name {
	case "owner":
		name = ""
	case "former-owner":
		return s.author.Former()
	}
	return s.author.By(name).Fork()
}

// show applies a directive and says whether it was accepted.
func (s *scenario) show(data []byte, reason string) bool {
	before := dump(s.T, s.now)
	next, err := s.now.Apply(data)
	if after := dump(s.T, s.now); after != before {
		s.Errorf("%s: the Authority has changed from\n%s to\n%s", s.at, before, after)
	}
	var refused *authority.DirectiveError
	switch {
	case err == nil && reason == "":
		s.now = next
		return true
	case err == nil:
		s.Errorf("%s: accepted", s.at)
	case !errors.As(err, &refused) || !errors.Is(err, authority.ErrDirective) || next != nil:
		s.Errorf("%s: %v, and %v", s.at, err, next)
	case string(refused.Reason) != reason:
		s.Errorf("%s: %v", s.at, err)
	}
	return false
}

// say signs what the words say. Nil where nothing is signed.
func (s *scenario) say(by *authoritytest.Author, verb string, words []string) []byte {
	options := options(words)
	d := func(k authority.Kind) authority.Directive {
		return authority.Directive{Kind: k, Issued: s.issued(options)}
	}
	switch verb {
	case "states":
		return by.Statement(func(o *owner.Statement) { s.statement(o, options) })
	case "sets":
		return by.Policy(func(p *policy.Document) { p.Serial = number(options, "serial", p.Serial) })
	case "admits":
		rules := d(authority.JoinPolicy)
		rules.JoinPolicy = join.Default()
		return by.Sign(rules, nil)
	case "approves":
		return by.Approve(authoritytest.Machine(words[0]), join.Role(words[2]), func(d *authority.Directive) {
			d.Name = join.NodeName(options["name"])
		})
	case "denies":
		return by.Deny(authoritytest.Machine(words[0]), strings.Join(words[2:], " "))
	case "freezes":
		return by.Sign(d(authority.Freeze), []byte(options["with"]))
	case "thaws":
		return by.Sign(d(authority.Thaw), nil)
	case "changes": // keys
		s.author.Rotate(int(number(options, "keys", 3)), int(number(options, "threshold", 2)))
		return nil
	case "splits":
		s.authors["twin"] = s.author.Fork()
		return nil
	default:
		s.Fatalf("%s: %q", s.at, verb)
		return nil
	}
}

func (s *scenario) statement(o *owner.Statement, options map[string]string) {
	o.Serial = number(options, "serial", o.Serial)
	o.MinimumPolicySerial = number(options, "minimum", o.MinimumPolicySerial)
	if names, found := options["administrators"]; found {
		o.Administrators = slices.DeleteFunc(o.Administrators, func(n owner.NamedKey) bool { return !strings.Contains(names, n.Name) })
	}
	if lifetime, found := options["for"]; found {
		d, err := time.ParseDuration(lifetime)
		if err != nil {
			s.Fatalf("%s: %v", s.at, err)
		}
		o.Expires = o.Issued.Add(d)
	}
	if release, found := options["release"]; found {
		o.Releases[0].Name, o.Releases[0].Manifest = release, sha256Of(release)
	}
	if options["of"] == "another-cluster" {
		o.Cluster[0] ^= 1
	}
}

// issued returns the time that the words name, from the newest directive on.
func (s *scenario) issued(options map[string]string) time.Time {
	after, found := options["after"]
	if !found {
		return time.Time{}
	}
	d, err := time.ParseDuration(after)
	if err != nil {
		s.Fatalf("%s: %v", s.at, err)
	}
	return s.now.Issued().Add(d)
}

// options returns the words that are name=value.
func options(words []string) map[string]string {
	m := map[string]string{}
	for _, word := range words {
		if name, value, found := strings.Cut(word, "="); found {
			m[name] = value
		}
	}
	return m
}

func number(options map[string]string, name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(options[name], 10, 64); err == nil {
		return n
	}
	return otherwise
}

// summary says what an Authority is in one line.
func summary(a *authority.Authority) string {
	parts := []string{fmt.Sprintf("directive %d", a.Head().Serial)}
	if s, err := a.Statement(); err == nil {
		parts = append(parts, fmt.Sprintf("statement %d", s.Serial))
	}
	if p, err := a.Policy(); err == nil {
		parts = append(parts, fmt.Sprintf("policy %d", p.Serial()))
	} else {
		parts = append(parts, "no policy")
	}
	standing := a.Standing()
	if standing.Policy != nil {
		parts = append(parts, "rules")
	}
	if standing.Frozen {
		parts = append(parts, "frozen")
	}
	names := map[join.Identity]string{}
	for _, name := range []string{"w1", "w2", "w3", "c1"} {
		names[authoritytest.Machine(name)] = name
	}
	var said []string
	for node, approval := range standing.Approvals {
		text := fmt.Sprintf("%s approved as %s by %d", names[node], approval.Role, approval.Serial)
		if approval.Name != "" {
			text += " named " + string(approval.Name)
		}
		said = append(said, text)
	}
	for node, denial := range standing.Denials {
		said = append(said, fmt.Sprintf("%s denied by %d: %s", names[node], denial.Serial, denial.Reason))
	}
	slices.Sort(said)
	return strings.Join(append(parts, said...), ", ")
}

// dump is everything that an Authority says.
func dump(t testing.TB, a *authority.Authority) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%v %v %v\n%x\n", summary(a), a.Head(), a.Issued(), a.Anchor(), a.SignedStatement())
	if p, err := a.Policy(); err == nil {
		fmt.Fprintf(&b, "%s\n", p.JSON())
	} else {
		fmt.Fprintf(&b, "%v\n", err)
	}
	s := a.Standing()
	fmt.Fprintf(&b, "%d %v %+v\n", s.Serial, s.Frozen, s.Policy)
	for _, node := range slices.SortedFunc(maps.Keys(s.Approvals), join.Identity.Compare) {
		fmt.Fprintf(&b, "%v %+v\n", node, s.Approvals[node])
	}
	for _, node := range slices.SortedFunc(maps.Keys(s.Denials), join.Identity.Compare) {
		fmt.Fprintf(&b, "%v %+v\n", node, s.Denials[node])
	}
	return b.String()
}
