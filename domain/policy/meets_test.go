package policy

import "testing"

// No policy asks for what it does not know; were it to, nothing meets it.
func TestUnknownRequirementIsNotMet(t *testing.T) {
	snp := SNPClaims{AliasCheck: true, CiphertextHiding: true, RAPLDisabled: true}
	tdx := TDXClaims{SEPTVEDisable: true}
	for _, r := range []Requirement{"", "other"} {
		if snp.meets(r) || tdx.meets(r) || unmet(r) == "" {
			t.Errorf("%q is met", r)
		}
	}
	if snp.meets(SEPTVEDisable) || tdx.meets(NoSMT) {
		t.Error("a requirement of the other technology is met")
	}
}
