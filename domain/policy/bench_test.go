package policy_test

import (
	"fmt"
	"testing"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func sixteen() []string { return append(pcrNames(), "pcr1", "pcr5", "pcr10", "pcr16") }

// benchmarkPolicy returns a policy of 50 releases with references for 16
// registers each.
func benchmarkPolicy(b *testing.B) *policy.Policy {
	b.Helper()
	return newPolicy(b, func(d *policy.Document) {
		d.Platforms, d.SNP, d.TDX, d.DeniedChips = d.Platforms[:1], nil, nil, nil
		d.Releases = nil
		for i := range 50 {
			name := fmt.Sprintf("v1.%d.0", 50-i)
			r := release(name)
			r.References = r.References[:1]
			r.References[0].Registers = references(bootLog(name, sixteen()...))
			d.Releases = append(d.Releases, r)
		}
	})
}

func benchmarkClaims(release string, log bool) *policy.Claims {
	c := tpmClaims()
	follow(c, bootLog(release, sixteen()...))
	if !log {
		c.Events = nil
	}
	return c
}

// BenchmarkAppraise appraises claims of 16 registers against 50 releases.
func BenchmarkAppraise(b *testing.B) {
	p := benchmarkPolicy(b)
	drifted := benchmarkClaims("v1.1.0", false)
	if err := drifted.Registers.Set(register("pcr4"), measurement.Sum(measurement.SHA256, nil)); err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name   string
		claims *policy.Claims
	}{
		{"newest", benchmarkClaims("v1.50.0", false)},
		{"oldest", benchmarkClaims("v1.1.0", false)},
		{"oldest-with-log", benchmarkClaims("v1.1.0", true)},
		{"one-register-refused", drifted},
		{"all-registers-refused", benchmarkClaims("evil", false)},
		{"all-registers-refused-with-log", benchmarkClaims("evil", true)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				policy.Appraise(bb.claims, p, now)
			}
		})
	}
}
