package owner_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// A policy of a statement holds the releases of the profiles, and of what is
// asked of hardware all that those platforms use.
func TestStatementPolicy(t *testing.T) {
	s := newStatement(t)
	for name, tt := range map[string]struct {
		profiles      []string
		platforms     []evidence.Platform
		releases      []string
		tpm, snp, tdx bool
		chips         int
	}{
		"release": {
			[]string{"release"},
			[]evidence.Platform{evidence.AzureSNP, evidence.QEMUTDX, evidence.QEMUVTPM},
			[]string{"v1.2.0", "v1.1.0"},
			true, true, true, 1,
		},
		"process": {[]string{"process"}, []evidence.Platform{evidence.ProcessVTPM}, []string{"v1.2.0-process"}, true, false, false, 0},
		"both": {
			[]string{"process", "release"},
			[]evidence.Platform{evidence.AzureSNP, evidence.ProcessVTPM, evidence.QEMUTDX, evidence.QEMUVTPM},
			[]string{"v1.2.0", "v1.1.0", "v1.2.0-process"},
			true, true, true, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := s.Policy(tt.profiles...)
			if err != nil {
				t.Fatal(err)
			}
			d, err := p.Document()
			if err != nil {
				t.Fatal(err)
			}
			var releases []string
			for _, r := range d.Releases {
				releases = append(releases, r.Name)
			}
			if diff := cmp.Diff(tt.releases, releases) + cmp.Diff(tt.platforms, d.Platforms) + cmp.Diff(tt.profiles, d.Profiles); diff != "" {
				t.Error(diff)
			}
			if (d.TPM != nil) != tt.tpm || (d.SNP != nil) != tt.snp || (d.TDX != nil) != tt.tdx || len(d.DeniedChips) != tt.chips || d.Serial != 12 {
				t.Errorf("policy: %+v", d)
			}
		})
	}
}

// Releases keep their order, whatever profiles they are of.
func TestStatementOfInterleavedProfiles(t *testing.T) {
	newStatement(t, func(s *owner.Statement) { s.Releases[1], s.Releases[2] = s.Releases[2], s.Releases[1] })
}

// Each TEE's section is there for its own platforms only.
func TestStatementPolicyOfOneTEE(t *testing.T) {
	s := newStatement(t, func(s *owner.Statement) {
		s.Releases = append(s.Releases, release("v1-snp", "snp", evidence.AzureSNP), release("v1-tdx", "tdx", evidence.QEMUTDX))
	})
	for profile, want := range map[string][3]bool{"snp": {false, true, false}, "tdx": {false, false, true}} {
		p, err := s.Policy(profile)
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Document()
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]bool{d.TPM != nil, d.SNP != nil, d.TDX != nil}; got != want || len(d.DeniedChips) != 1 {
			t.Errorf("%s: TPM, SNP and TDX are there: %v, want %v", profile, got, want)
		}
	}
}

func TestStatementPolicyRefuses(t *testing.T) {
	s := newStatement(t)
	for _, profiles := range [][]string{nil, {}, {"debug"}, {""}} {
		if p, err := s.Policy(profiles...); !errors.Is(err, owner.ErrProfile) || p != nil {
			t.Errorf("%q: %v, %v; want ErrProfile", profiles, p, err)
		}
	}
	var invalid *policy.InvalidError
	if p, err := s.Policy("release", "release"); !errors.As(err, &invalid) || p != nil {
		t.Errorf("a profile twice: %v, %v; want an *InvalidError", p, err)
	}
}

// claims are of a machine that the statement's release explains.
func claims(release string) *policy.Claims {
	c := &policy.Claims{Platform: evidence.QEMUVTPM, TPM: &policy.TPMClaims{EK: sha256Of("ek 1"), AKProof: policy.AKCertified}}
	for r, values := range reference(evidence.QEMUVTPM, release).Registers {
		if err := c.Registers.Set(r, values[0].Value); err != nil {
			panic(err)
		}
	}
	return c
}

func codes(v policy.Verdict) []policy.Code {
	var list []policy.Code
	for _, f := range v.Findings {
		list = append(list, f.Code)
	}
	return list
}

// Threat row 26: a JoinService is held against the statement as a joiner is
// against a policy. Nodes of two accepted releases trust each other; an old one
// that was once accepted is not, nor one of another profile.
func TestThreat26JoinServiceOfAnUnlistedRelease(t *testing.T) {
	joiner := newStatement(t)
	member := policy.Session{}.MarkedFor(joiner.Cluster, joiner.Owner)
	tests := map[string]struct {
		change func(*policy.Claims)
		marked owner.Statement
		want   []policy.Code
	}{
		"a member":                    {func(*policy.Claims) {}, *joiner, nil},
		"a member of another release": {func(c *policy.Claims) { *c = *claims("v1.1.0") }, *joiner, nil},
		"an old release": {
			func(c *policy.Claims) { *c = *claims("v1.0.0") }, *joiner,
			[]policy.Code{
				policy.CodePCRMismatch, policy.CodePCRMismatch, policy.CodePCRMismatch, policy.CodePCRMismatch,
				policy.CodePCRMismatch, policy.CodePCRMismatch, policy.CodePCRMismatch,
			},
		},
		"a denied TPM":    {func(c *policy.Claims) { c.TPM.EK = sha256Of("stolen") }, *joiner, []policy.Code{policy.CodeEKDenied, policy.CodeEKNotTrusted}},
		"a borrowed EK":   {func(c *policy.Claims) { c.TPM.AKProof = "" }, *joiner, []policy.Code{policy.CodeAKNotProven}},
		"another cluster": {func(*policy.Claims) {}, *newStatement(t, func(s *owner.Statement) { s.Cluster = clusterID(8) }), []policy.Code{policy.CodeMarkMismatch}},
		"no member":       {func(*policy.Claims) {}, owner.Statement{}, []policy.Code{policy.CodeMarkMismatch}},
	}
	p, err := joiner.Policy("release")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := claims("v1.2.0")
			tt.change(c)
			if err := c.Registers.Set(register("pcr15"), markOf(&tt.marked)); err != nil {
				t.Fatal(err)
			}
			v := member.Appraise(c, p, now)
			if diff := cmp.Diff(tt.want, codes(v)); diff != "" || v.Admitted != (tt.want == nil) {
				t.Errorf("admitted is %v, findings (-want +got):\n%s", v.Admitted, diff)
			}
		})
	}
}

// markOf returns what PCR 15 of a member holds, and of no member for the zero
// statement.
func markOf(s *owner.Statement) measurement.Digest {
	value := register("pcr15").PowerOn()
	if s.Serial == 0 {
		return value
	}
	return value.Extend(markDigest(s))
}
