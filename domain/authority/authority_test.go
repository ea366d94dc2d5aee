package authority_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func TestBeginKnowsNothing(t *testing.T) {
	author := newAuthor(t)
	a := author.Begin()
	if a.Head() != (authority.Head{}) || !a.Issued().IsZero() || a.SignedStatement() != nil || a.Owner() != author.Owner() || a.Cluster() != author.Cluster() {
		t.Errorf("it begins with %v, issued %v", a.Head(), a.Issued())
	}
	if _, err := a.Statement(); !errors.Is(err, authority.ErrNoStatement) {
		t.Errorf("statement: %v", err)
	}
	if _, err := a.Document(); !errors.Is(err, authority.ErrNoStatement) {
		t.Errorf("document: %v", err)
	}
	if err := a.Current(authoritytest.Start()); !errors.Is(err, authority.ErrNoStatement) {
		t.Errorf("current: %v", err)
	}
	if _, err := a.Policy(); !errors.Is(err, authority.ErrNoPolicy) {
		t.Errorf("policy: %v", err)
	}
	want := &join.Standing{Approvals: map[join.Identity]join.Approval{}, Denials: map[join.Identity]join.Denial{}}
	if diff := cmp.Diff(want, a.Standing()); diff != "" {
		t.Errorf("standing: %s", diff)
	}
}

func TestAuthoritySaysWhatWasSaid(t *testing.T) {
	author := newAuthor(t)
	a := apply(t, author.Begin(), history(author)...)
	if a.Head() != author.Head() || !a.Issued().Equal(authoritytest.Start().Add(7*time.Minute)) {
		t.Errorf("head %v, issued %v", a.Head(), a.Issued())
	}
	s, err := a.Statement()
	if err != nil || s.Serial != 2 || s.Cluster != author.Cluster() {
		t.Errorf("statement %+v, %v", s, err)
	}
	opened, err := owner.OpenStatement(a.SignedStatement(), a.Anchor(), a.Issued())
	if err != nil || hashOf(t, s) != hashOf(t, opened) || hashOf(t, s) != a.Anchor().Known {
		t.Errorf("the signed statement opens to %+v, %v", opened, err)
	}
	document := author.Document()
	if d, err := a.Document(); err != nil || cmp.Diff(&document, d) != "" {
		t.Errorf("document %+v, %v", d, err)
	}
	if p, err := a.Policy(); err != nil || p.Serial() != 1 {
		t.Errorf("policy %v, %v", p, err)
	}
	want := &join.Standing{
		Serial: 8, Policy: join.Default(),
		Approvals: map[join.Identity]join.Approval{machine("w1"): {Serial: 4, Role: join.Worker, Expires: authoritytest.Start().Add(63 * time.Minute)}},
		Denials:   map[join.Identity]join.Denial{machine("w2"): {Serial: 5, Reason: "stolen"}},
	}
	if diff := cmp.Diff(want, a.Standing(), compareIdentities()); diff != "" {
		t.Errorf("standing: %s", diff)
	}
}

func TestStandingOnIsStandingForOneMachine(t *testing.T) {
	author := newAuthor(t)
	a := apply(t, author.Begin(), history(author)...)
	all := a.Standing()
	for _, name := range []string{"w1", "w2", "nobody"} {
		want := &join.Standing{
			Serial: all.Serial, Policy: all.Policy, Approvals: map[join.Identity]join.Approval{}, Denials: map[join.Identity]join.Denial{},
		}
		if approval, found := all.Approvals[machine(name)]; found {
			want.Approvals[machine(name)] = approval
		}
		if denial, found := all.Denials[machine(name)]; found {
			want.Denials[machine(name)] = denial
		}
		if diff := cmp.Diff(want, a.StandingOn(machine(name)), compareIdentities()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What an Authority hands out, and what it was made from, can be changed without
// changing the Authority.
func TestNobodyChangesAnAuthorityThroughWhatItHandsOut(t *testing.T) {
	author := newAuthor(t)
	author.Statement()
	rules := *join.Default()
	rules.Listed = []join.Listed{{Identity: machine("w3"), Roles: []join.Role{join.Worker}}}
	rules.NamePrefixes = []string{"n-"}
	author.JoinPolicy(rules)
	chip := policy.Hex(bytes.Repeat([]byte{7}, policy.TDXPPIDSize))
	author.Approve(machine("w1"), join.Worker, func(d *authority.Directive) { d.Chip = chip.String() })
	author.Deny(machine("w2"), "stolen")
	given := author.All()
	a := apply(t, author.Begin(), given...)
	before := dump(t, a)
	for _, data := range given {
		for i := range data {
			data[i] = 0xff
		}
	}
	for _, s := range []*join.Standing{a.Standing(), a.StandingOn(machine("w1"))} {
		s.Policy.Listed[0].Roles[0], s.Policy.NamePrefixes[0], s.Frozen = join.ControlPlane, "", true
		s.Approvals[machine("w1")].Chip[0] = 0
		clear(s.Approvals)
		clear(s.Denials)
	}
	clear(a.SignedStatement())
	if s, err := a.Statement(); err == nil {
		s.Administrators, s.Releases[0].Name = nil, "other"
	}
	if d, err := a.Document(); err == nil {
		d.Threshold, d.Keys[0] = 0, owner.PublicKey{}
	}
	if after := dump(t, a); after != before {
		t.Errorf("it was\n%s and is\n%s", before, after)
	}
	if _, err := a.Apply(author.By("platform").Freeze()); err != nil {
		t.Errorf("nor what comes next: %v", err)
	}
}

// Time is asked of a directive that is new, and of none that was accepted.
func TestAcceptAsksTheClock(t *testing.T) {
	start := authoritytest.Start()
	statement := func(a *authoritytest.Author) []byte { return a.Statement() }
	brief := func(a *authoritytest.Author) []byte {
		return a.Statement(func(s *owner.Statement) { s.Expires = s.Issued.Add(time.Hour) })
	}
	approve := func(a *authoritytest.Author) []byte {
		return a.Approve(machine("w1"), join.Worker, func(d *authority.Directive) { d.Expires = d.Issued.Add(time.Minute) })
	}
	for name, tt := range map[string]struct {
		before, say func(*authoritytest.Author) []byte
		by          string
		at          time.Duration // after the directive was issued
		reason      authority.Reason
	}{
		"a statement, at once":                                {nil, statement, "", 0, ""},
		"a statement of a clock that is ahead":                {nil, statement, "", -authority.MaxSkew, ""},
		"a statement of a clock that is too far ahead":        {nil, statement, "", -authority.MaxSkew - time.Second, authority.NotYetValid},
		"a statement at its last instant":                     {nil, brief, "", time.Hour, ""},
		"a statement that has expired":                        {nil, brief, "", time.Hour + time.Second, authority.Expired},
		"an approval at its last instant":                     {statement, approve, "", time.Minute, ""},
		"an approval that has expired":                        {statement, approve, "", time.Minute + time.Second, authority.Expired},
		"an administrator's freeze, late":                     {statement, (*authoritytest.Author).Freeze, "platform", 24 * time.Hour, ""},
		"an administrator's freeze after the statement":       {brief, (*authoritytest.Author).Freeze, "platform", time.Hour, authority.Expired},
		"the owner's freeze after the statement":              {brief, (*authoritytest.Author).Freeze, "", time.Hour, ""},
		"the owner's freeze of a clock that is too far ahead": {brief, (*authoritytest.Author).Freeze, "", -time.Hour, authority.NotYetValid},
	} {
		author := newAuthor(t)
		a := author.Begin()
		if tt.before != nil {
			a = apply(t, a, tt.before(author))
		}
		signed := tt.say(author.By(tt.by))
		issued := start.Add(time.Duration(len(author.All())-1) * time.Minute)
		next, err := a.Accept(signed, issued.Add(tt.at))
		if got := reasonOf(err); got != tt.reason || (next == nil) != (err != nil) {
			t.Errorf("%s: %v, want %q", name, err, tt.reason)
		}
		if _, err := a.Apply(signed); err != nil {
			t.Errorf("%s: as history: %v", name, err)
		}
	}
}

func TestCurrentSaysWhetherTheStatementHolds(t *testing.T) {
	author := newAuthor(t)
	a := apply(t, author.Begin(), author.Statement())
	s, err := a.Statement()
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]owner.StatementReason{
		s.Issued: "", s.Expires: "", s.Expires.Add(time.Second): owner.Expired,
		s.Issued.Add(-authority.MaxSkew): "", s.Issued.Add(-authority.MaxSkew - 1): owner.NotYetValid,
	} {
		err := a.Current(at)
		var refused *owner.StatementError
		if want == "" && err == nil {
			continue
		}
		if !errors.Is(err, authority.ErrNoStatement) || !errors.Is(err, owner.ErrStatement) || !errors.As(err, &refused) || refused.Reason != want {
			t.Errorf("at %v: %v, want %q", at, err, want)
		}
	}
}

// The owner's keys are changed once in each place, whoever signed both changes.
func TestChainOfOwnerDocumentsDoesNotFork(t *testing.T) {
	author := newAuthor(t)
	a := apply(t, author.Begin(), author.Statement())
	other := author.Fork()
	author.Rotate(4, 2)
	a = apply(t, a, author.Statement())
	other.Rotate(5, 2)
	other.Statement()
	twin := other.Statement(func(s *owner.Statement) { s.Serial = 7 })
	moved := resigned(t, twin, other, func(d *authority.Directive) { d.Serial, d.Previous = a.Head().Serial+1, a.Head().Hash })
	if _, err := a.Apply(moved); reasonOf(err) != authority.Forked {
		t.Errorf("another second document: %v", err)
	}
	author.Rotate(3, 3)
	author.Rotate(1, 1)
	apply(t, a, author.Statement())
}

// A chain is as it is folded: every prefix of it, and nothing besides.
func TestFoldOfPrefixes(t *testing.T) {
	author := newAuthor(t)
	all := history(author)
	a := author.Begin()
	for i, data := range all {
		a = apply(t, a, data)
		if again := apply(t, author.Begin(), all[:i+1]...); dump(t, again) != dump(t, a) {
			t.Errorf("the first %d directives: %s, and at once: %s", i+1, dump(t, a), dump(t, again))
		}
	}
	// An Authority can be gone on from twice.
	middle := apply(t, author.Begin(), all[:5]...)
	one, two := apply(t, middle, all[5]), apply(t, middle, all[5:]...)
	if one.Standing().Frozen == two.Standing().Frozen || middle.Head().Serial != 5 {
		t.Error("two that go on from one Authority share what they say")
	}
}

func TestDraftIsTheNextDirective(t *testing.T) {
	author := newAuthor(t)
	a := author.Begin()
	if _, err := a.Draft(authority.Directive{Kind: authority.Freeze}, authoritytest.Start()); !errors.Is(err, authority.ErrDirective) {
		t.Errorf("a freeze before the first statement: %v", err)
	}
	a = apply(t, a, author.Statement())
	for name, tt := range map[string]struct{ now, want time.Time }{
		"later":   {a.Issued().Add(time.Hour + time.Millisecond), a.Issued().Add(time.Hour)},
		"earlier": {a.Issued().Add(-time.Second), a.Issued()},
	} {
		d, err := a.Draft(authority.Directive{Kind: authority.Freeze, Comment: "an incident"}, tt.now)
		if err != nil || !d.Issued.Equal(tt.want) || d.Serial != 2 || d.Previous != a.Head().Hash || d.Comment != "an incident" {
			t.Errorf("%s: %+v, %v", name, d, err)
			continue
		}
		apply(t, a, author.Fork().Sign(*d, nil))
	}
}

func TestReasonsAreStable(t *testing.T) {
	want := []authority.Reason{
		"malformed", "other-cluster", "gap", "repeated", "rollback", "forked", "not-owner", "not-delegated", "bad-signature", "document",
		"denied", "backdated", "not-yet-valid", "expired",
	}
	got := []authority.Reason{
		authority.Malformed, authority.OtherCluster, authority.Gap, authority.Repeated, authority.Rollback, authority.Forked,
		authority.NotOwner, authority.NotDelegated, authority.BadSignature, authority.BadDocument, authority.Denied, authority.Backdated,
		authority.NotYetValid, authority.Expired,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
