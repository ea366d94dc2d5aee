package join_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/join"
)

func fullPolicy() *join.Policy {
	p := join.Default()
	p.TEEWorkers, p.TPMWorkers, p.ControlPlane, p.Moved, p.SilenceSeconds = join.Approve, join.Approve, join.AllowList, join.MovedRefuse, 60
	p.Listed = []join.Listed{
		{Identity: machine("one"), Roles: join.Roles(), Name: "prod-1"},
		{Identity: identity("instance:qemu-snp:vm-1"), Roles: []join.Role{join.Worker}},
	}
	p.NamePrefixes = []string{"prod-", "test."}
	return p
}

// The defaults are those that were designed: changing one changes every cluster
// whose owner says nothing else.
func TestDefaultPolicy(t *testing.T) {
	want := `{"controlPlane":"approve","moved":"approve","silenceSeconds":1200,"teeWorkers":"auto","tpmWorkers":"allow-list","version":"asterism/join-policy/v1"}`
	if data := encode(t, join.Default()); string(data) != want {
		t.Errorf("%s, want %s", data, want)
	}
	if s := join.Default().Silence(); s != 20*time.Minute {
		t.Errorf("silence of %v", s)
	}
}

func TestPoliciesAreReadAgain(t *testing.T) {
	listing := fullPolicy()
	listing.TEEWorkers, listing.Moved = join.AllowList, join.MovedAdmit
	for _, p := range []*join.Policy{join.Default(), fullPolicy(), listing} {
		again, err := join.DecodePolicy(encode(t, p))
		if diff := cmp.Diff(p, again, comparables()); diff != "" || err != nil {
			t.Errorf("%v; (-want +got):\n%s", err, diff)
		}
	}
}

func TestInvalidPolicies(t *testing.T) {
	for _, tt := range []struct {
		path   string
		change func(*join.Policy)
	}{
		{"version", func(p *join.Policy) { p.Version = "" }},
		{"teeWorkers", func(p *join.Policy) { p.TEEWorkers = "" }},
		{"tpmWorkers", func(p *join.Policy) { p.TPMWorkers = join.Auto }},
		{"controlPlane", func(p *join.Policy) { p.ControlPlane = join.Auto }},
		{"moved", func(p *join.Policy) { p.Moved = "" }},
		{"silenceSeconds", func(p *join.Policy) { p.SilenceSeconds = join.MinSilence - 1 }},
		{"silenceSeconds", func(p *join.Policy) { p.SilenceSeconds = join.MaxSilence + 1 }},
		{"listed[0].identity", func(p *join.Policy) { p.Listed[0].Identity = join.Identity{} }},
		{"listed[0].roles", func(p *join.Policy) { p.Listed[0].Roles = nil }},
		{"listed[0].roles[0]", func(p *join.Policy) { p.Listed[0].Roles[0] = "admin" }},
		{"listed[0].roles[1]", func(p *join.Policy) { slices.Reverse(p.Listed[0].Roles) }},
		{"listed[0].roles[1]", func(p *join.Policy) { p.Listed[0].Roles[0] = join.Worker }},
		{"listed[0].name", func(p *join.Policy) { p.Listed[0].Name = "Prod-1" }},
		{"listed[1]", func(p *join.Policy) { slices.Reverse(p.Listed) }},
		{"listed[1]", func(p *join.Policy) { p.Listed[1] = p.Listed[0] }},
		{"namePrefixes[0]", func(p *join.Policy) { p.NamePrefixes[0] = "" }},
		{"namePrefixes[0]", func(p *join.Policy) { p.NamePrefixes[0] = "Prod" }},
		{"namePrefixes[0]", func(p *join.Policy) { p.NamePrefixes[0] = "kubernetes." }},
		{"namePrefixes[0]", func(p *join.Policy) { p.NamePrefixes[0] = strings.Repeat("a", 63) }},
		{"namePrefixes", func(p *join.Policy) { slices.Reverse(p.NamePrefixes) }},
		{"namePrefixes", func(p *join.Policy) { p.NamePrefixes[1] = p.NamePrefixes[0] }},
		{"namePrefixes", func(p *join.Policy) { p.NamePrefixes = prefixes(join.MaxPrefixes + 1) }},
		{"listed", func(p *join.Policy) { p.Listed = machines(join.MaxListed+1, "") }},
		{"", func(p *join.Policy) { p.Listed = machines(join.MaxListed, join.NodeName(strings.Repeat("a", 63))) }},
	} {
		p := fullPolicy()
		tt.change(p)
		_, err := p.Encode()
		var invalid *join.InvalidError
		if !errors.Is(err, join.ErrPolicy) || !errors.As(err, &invalid) || len(invalid.Problems) != 1 || invalid.Problems[0].Path != tt.path || strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: %v", tt.path, err)
		}
	}
}

func TestPolicyBoundsAreWithin(t *testing.T) {
	p := fullPolicy()
	p.NamePrefixes, p.Listed = prefixes(join.MaxPrefixes), machines(join.MaxListed/2, "a")
	for _, p.SilenceSeconds = range []uint32{join.MinSilence, join.MaxSilence} {
		if err := p.Validate(); err != nil || p.Silence() != time.Duration(p.SilenceSeconds)*time.Second {
			t.Errorf("%v; silence of %v", err, p.Silence())
		}
	}
}

// A policy may be as large as MaxPolicySize, and no byte larger.
func TestLargestPolicy(t *testing.T) {
	p := join.Default()
	p.Listed = machines(join.MaxListed-100, join.NodeName(strings.Repeat("a", 30)))
	left := join.MaxPolicySize - len(encode(t, p))
	for i := range p.Listed {
		grow := min(left, join.MaxNodeName-len(p.Listed[i].Name))
		p.Listed[i].Name += join.NodeName(strings.Repeat("a", grow))
		left -= grow
	}
	if n := len(encode(t, p)); n != join.MaxPolicySize {
		t.Fatalf("%d bytes, want %d", n, join.MaxPolicySize)
	}
	if _, err := join.DecodePolicy(encode(t, p)); err != nil {
		t.Error(err)
	}
	p.Listed[len(p.Listed)-1].Name += "a"
	if err := p.Validate(); !errors.Is(err, join.ErrPolicy) {
		t.Errorf("a byte more: %v", err)
	}
}

func prefixes(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("p%02d-", i))
	}
	return list
}

func machines(n int, name join.NodeName) []join.Listed {
	var list []join.Listed
	for i := range n {
		list = append(list, join.Listed{Identity: identity(fmt.Sprintf("instance:qemu-snp:vm-%05d", i)), Roles: []join.Role{join.Worker}, Name: name})
	}
	return list
}

// All of it is told at once.
func TestPolicyProblems(t *testing.T) {
	var invalid *join.InvalidError
	if err := (&join.Policy{}).Validate(); !errors.As(err, &invalid) || len(invalid.Problems) != 6 || !strings.Contains(err.Error(), "; tpmWorkers: ") {
		t.Errorf("%v", err)
	}
}

func TestDecodePolicyRefuses(t *testing.T) {
	data := string(encode(t, fullPolicy()))
	for name, bad := range map[string]string{
		"nothing":      "",
		"no mode":      strings.Replace(data, `"allow-list"`, `"auto"`, 1),
		"other fields": strings.Replace(data, `{`, `{"allowAll":true,`, 1),
		"space":        " " + data,
		"too large":    data + strings.Repeat(" ", join.MaxPolicySize),
	} {
		if p, err := join.DecodePolicy([]byte(bad)); !errors.Is(err, join.ErrPolicy) || p != nil {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestClonedPolicy(t *testing.T) {
	p := fullPolicy()
	c := p.Clone()
	c.Listed[0].Roles[0], c.Listed[1].Name, c.NamePrefixes[0] = "x", "x", "x"
	if diff := cmp.Diff(fullPolicy(), p, comparables()); diff != "" {
		t.Errorf("what a copy changes shows in the policy:\n%s", diff)
	}
}

func FuzzDecodePolicy(f *testing.F) {
	f.Add(encode(f, join.Default()))
	f.Add(encode(f, fullPolicy()))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := join.DecodePolicy(data)
		if err != nil {
			if p != nil || !errors.Is(err, join.ErrPolicy) {
				t.Fatalf("%+v, %v", p, err)
			}
			return
		}
		if !bytes.Equal(encode(t, p), data) {
			t.Fatalf("%q is written as %q", data, encode(t, p))
		}
	})
}
