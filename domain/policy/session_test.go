package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func ids(cluster, owner byte) (c keys.ClusterID, o keys.OwnerID) {
	c[0], o[0] = cluster, owner
	return c, o
}

// mark marks the claims' machine as a member.
func mark(c *policy.Claims, name string, cluster keys.ClusterID, owner keys.OwnerID) {
	r := register(name)
	extended := measurement.DigestSHA256(keys.MarkSHA256(cluster, owner))
	if r.Bank() == measurement.RTMR {
		extended = measurement.DigestSHA384(keys.MarkSHA384(cluster, owner))
	}
	setMark(c, name, r.PowerOn().Extend(extended))
	c.Events = append(c.Events, measurement.Event{Register: r, Digest: extended, Type: "CEL", Description: "mark"})
}

// Threat rows 2 and 5 rest on this: a machine's mark must be exactly what the
// session asks for.
func TestThreat05SessionMark(t *testing.T) {
	mine, owner := ids(1, 1)
	session := policy.Session{}.MarkedFor(mine, owner)
	tests := []struct {
		name    string
		session policy.Session
		mark    func(c *policy.Claims, register string)
		want    bool
	}{
		{"a joiner without a mark", policy.Session{}.Unmarked(), nil, true},
		{"a joiner that is a member already", policy.Session{}.Unmarked(), func(c *policy.Claims, r string) { mark(c, r, mine, owner) }, false},
		{"a member of this cluster", session, func(c *policy.Claims, r string) { mark(c, r, mine, owner) }, true},
		{"no member", session, nil, false},
		{"a member of another cluster", session, func(c *policy.Claims, r string) { other, _ := ids(2, 1); mark(c, r, other, owner) }, false},
		{"a member of another owner's cluster", session, func(c *policy.Claims, r string) { _, other := ids(1, 2); mark(c, r, mine, other) }, false},
		{"marked twice", session, func(c *policy.Claims, r string) {
			mark(c, r, mine, owner)
			setMark(c, r, c.Registers.Get(register(r)).Extend(c.Events[len(c.Events)-1].Digest))
			c.Events = nil
		}, false},
		{"no session", policy.Session{}, func(c *policy.Claims, r string) { mark(c, r, mine, owner) }, true},
	}
	for name, make := range map[string]func() *policy.Claims{"pcr15": tpmClaims, "rtmr3": tdxClaims} {
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				claims := make()
				if tt.mark != nil {
					tt.mark(claims, name)
				}
				v := tt.session.Appraise(claims, newPolicy(t), now)
				var want []string
				if !tt.want {
					want = []string{"refuse MARK_MISMATCH " + register(name).String()}
				}
				if diff := cmp.Diff(want, summary(v)); diff != "" {
					t.Errorf("findings (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A register of the mark that the evidence leaves out is no mark, and no proof
// of its absence either.
func TestSessionMarkMustBeQuoted(t *testing.T) {
	claims := tdxClaims()
	follow(claims, bootLog("v1.2.0", rtmrNames()...))
	claims.Registers = measurement.Replay(0, claims.Events)
	v := policy.Session{}.Unmarked().Appraise(claims, newPolicy(t), now)
	if diff := cmp.Diff([]string{"refuse MARK_MISMATCH RTMR[3]"}, summary(v)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if !strings.Contains(v.Findings[0].Remedy, "does not cover this register") {
		t.Errorf("remedy = %q", v.Findings[0].Remedy)
	}
}

// A guest without its processor's claims has no owner either.
func TestSessionOwnerOfNothing(t *testing.T) {
	claims := tdxClaims()
	claims.TDX = nil
	without := func(d *policy.Document) { d.Releases[0].References[2].Mark = nil }
	v := policy.Session{}.MarkedFor(ids(1, 1)).Appraise(claims, newPolicy(t, without), now)
	if !slices.ContainsFunc(v.Findings, func(f policy.Finding) bool { return f.Code == policy.CodeHostDataMismatch }) {
		t.Errorf("findings: %v", summary(v))
	}
}

func TestSessionMarkWhereThePlatformHasNone(t *testing.T) {
	without := func(d *policy.Document) { d.Releases[0].References[2].Mark = nil }
	p := newPolicy(t, without)
	_, owner := ids(1, 1)
	launched := tdxClaims()
	launched.TDX.MROwner = measurement.DigestSHA384([48]byte(append(owner[:], make([]byte, 16)...)))
	for name, tt := range map[string]struct {
		session policy.Session
		claims  *policy.Claims
		want    []string
	}{
		"launched for the owner":           {policy.Session{}.MarkedFor(ids(1, 1)), launched, nil},
		"launched for nobody":              {policy.Session{}.MarkedFor(ids(1, 1)), tdxClaims(), []string{"refuse HOST_DATA_MISMATCH MROWNER"}},
		"launched for another":             {policy.Session{}.MarkedFor(ids(1, 2)), launched, []string{"refuse HOST_DATA_MISMATCH MROWNER"}},
		"a joiner, of whom the hello says": {policy.Session{}.Unmarked(), tdxClaims(), nil},
	} {
		v := tt.session.Appraise(tt.claims, p, now)
		if diff := cmp.Diff(tt.want, summary(v)); diff != "" || v.MarkChecked {
			t.Errorf("%s: checked %v, findings (-want +got):\n%s", name, v.MarkChecked, diff)
		}
	}
}

// On SNP without a TPM the owner's ID is HOST_DATA.
func TestSessionOwnerInHostData(t *testing.T) {
	onlySNP := func(d *policy.Document) {
		d.Platforms, d.TPM, d.TDX, d.Registers = []evidence.Platform{evidence.QEMUSNP}, nil, nil, nil
		d.DeniedChips = nil
		for i := range d.Releases {
			digest := []measurement.Digest{sha384Of(d.Releases[i].Name)}
			d.Releases[i].References = []policy.Reference{{Platform: evidence.QEMUSNP, LaunchDigests: digest}}
		}
	}
	cluster, owner := ids(1, 1)
	claims := snpClaims()
	claims.Platform, claims.TPM, claims.Registers, claims.Events = evidence.QEMUSNP, nil, measurement.Registers{}, nil
	claims.SNP.Measurement, claims.SNP.HostData = sha384Of("v1.2.0"), owner[:]
	if v := (policy.Session{}).MarkedFor(cluster, owner).Appraise(claims, newPolicy(t, onlySNP), now); !v.Admitted {
		t.Errorf("findings: %v", summary(v))
	}
	_, other := ids(1, 2)
	v := policy.Session{}.MarkedFor(cluster, other).Appraise(claims, newPolicy(t, onlySNP), now)
	if diff := cmp.Diff([]string{"refuse HOST_DATA_MISMATCH HOST_DATA"}, summary(v)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// Anybody can extend the mark of the zero cluster: nobody is expected to.
func TestThreat02SessionOfNobody(t *testing.T) {
	for _, pair := range [][2]byte{{0, 0}, {0, 1}, {1, 0}} {
		cluster, owner := ids(pair[0], pair[1])
		claims := tpmClaims()
		mark(claims, "pcr15", cluster, owner)
		v := policy.Session{}.MarkedFor(cluster, owner).Appraise(claims, newPolicy(t), now)
		if diff := cmp.Diff([]string{"refuse MARK_MISMATCH PCR 15"}, summary(v)); diff != "" {
			t.Errorf("cluster %d, owner %d (-want +got):\n%s", pair[0], pair[1], diff)
		}
	}
}

// Of two references that fit, the one with a register for the mark is taken.
func TestThreat05MarkIsNotLostToATwin(t *testing.T) {
	twins := func(d *policy.Document) {
		r := &d.Releases[0]
		twin := r.References[2]
		r.References[2].Firmware, twin.Mark = "x", nil
		r.References = append(r.References, twin)
	}
	v := policy.Session{}.MarkedFor(ids(1, 1)).Appraise(tdxClaims(), newPolicy(t, twins), now)
	if diff := cmp.Diff([]string{"refuse MARK_MISMATCH RTMR[3]"}, summary(v)); diff != "" || !v.MarkChecked {
		t.Errorf("checked %v, findings (-want +got):\n%s", v.MarkChecked, diff)
	}
}

// Threat row 1: report data of another session is refused, in full and hashed.
func TestThreat01ReportDataOfAnotherSessionIsRefused(t *testing.T) {
	var data evidence.ReportData
	copy(data[:], "this session")
	qualifying := data.Qualifying()
	session := policy.Session{}.Expecting(data)
	tests := []struct {
		name   string
		claims func() *policy.Claims
		data   policy.Hex
		want   bool
	}{
		{"a quote of this session", tpmClaims, qualifying[:], true},
		{"a report of this session", tdxClaims, data[:], true},
		{"a quote of another session", tpmClaims, bytesOf(1, 32), false},
		{"a report of another session", tdxClaims, bytesOf(1, 64), false},
		{"a quote that carries what a report does", tpmClaims, data[:], false},
		{"a report that carries what a quote does", tdxClaims, qualifying[:], false},
		{"a beginning", tdxClaims, data[:63], false},
		{"nothing", tpmClaims, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			claims := tt.claims()
			claims.ReportData = tt.data
			v := session.Appraise(claims, newPolicy(t), now)
			var want []string
			if !tt.want {
				want = []string{"refuse BINDING_MISMATCH report data"}
			}
			if diff := cmp.Diff(want, summary(v)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// Offline excuses a missing proof of the attestation key and nothing else,
// whatever else the session expects.
func TestSessionOffline(t *testing.T) {
	var data evidence.ReportData
	sessions := map[string]policy.Session{
		"nothing": {}, "data": policy.Session{}.Expecting(data), "no mark": policy.Session{}.Unmarked(),
		"both": policy.Session{}.Expecting(data).MarkedFor(ids(1, 1)),
	}
	for name, s := range sessions {
		for _, proof := range []policy.AKProof{"", policy.AKActivated, "promised"} {
			for i, claims := range []*policy.Claims{tpmClaims(), wrongTPM(), unmarkedTPM()} {
				claims.TPM.AKProof = proof
				want := s.Appraise(claims, newPolicy(t), now)
				got := s.Offline().Appraise(claims, newPolicy(t), now)
				for j := range want.Findings {
					if f := &want.Findings[j]; f.Code == policy.CodeAKNotProven && proof == "" {
						f.Severity = policy.Warn
					}
				}
				if diff := cmp.Diff(slices.Sorted(slices.Values(summary(want))), slices.Sorted(slices.Values(summary(got)))); diff != "" {
					t.Errorf("%s, proof %q, claims %d (-want +got):\n%s", name, proof, i, diff)
				}
			}
		}
	}
	online, offline := policy.Appraise(unprovenTPM(), newPolicy(t), now), policy.Session{}.Offline().Appraise(unprovenTPM(), newPolicy(t), now)
	if online.Admitted || !offline.Admitted {
		t.Errorf("admitted online is %v, offline %v", online.Admitted, offline.Admitted)
	}
}
