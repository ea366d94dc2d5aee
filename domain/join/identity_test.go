package join_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func TestIdentityOf(t *testing.T) {
	ek := hashOf("EK of one")
	proof := func(p policy.AKProof) *policy.TPMClaims { return &policy.TPMClaims{EK: ek, AKProof: p} }
	for _, tt := range []struct {
		name     string
		claims   *policy.Claims
		instance string
		want     string
	}{
		{"an activated key", &policy.Claims{Platform: evidence.TPM, TPM: proof(policy.AKActivated)}, "", "ek:" + ek.String()},
		{"a certified key", &policy.Claims{Platform: evidence.AzureSNP, TPM: proof(policy.AKCertified)}, "vm-1", "ek:" + ek.String()},
		{"an instance", &policy.Claims{Platform: evidence.QEMUSNP}, "vm-1", "instance:qemu-snp:vm-1"},
		{"an instance, whatever key it shows", &policy.Claims{Platform: evidence.QEMUTDX, TPM: proof(policy.AKActivated)}, "i-0.1_a", "instance:qemu-tdx:i-0.1_a"},
		{"a key that nothing proves", &policy.Claims{Platform: evidence.TPM, TPM: proof("")}, "vm-1", ""},
		{"a key with an unknown proof", &policy.Claims{Platform: evidence.TPM, TPM: proof("promised")}, "", ""},
		{"a TPM that hides its key is no instance", &policy.Claims{Platform: evidence.GCPSNP, TPM: &policy.TPMClaims{AKProof: policy.AKCertified}}, "vm-1", ""},
		{"no TPM where there must be one", &policy.Claims{Platform: evidence.TPM}, "vm-1", ""},
		{"a key of another algorithm", &policy.Claims{Platform: evidence.TPM, TPM: &policy.TPMClaims{EK: measurement.Sum(measurement.SHA384, nil), AKProof: policy.AKActivated}}, "", ""},
		{"no instance", &policy.Claims{Platform: evidence.QEMUSNP}, "", ""},
		{"an instance of bad name", &policy.Claims{Platform: evidence.QEMUSNP}, "a/b", ""},
		{"an unknown platform", &policy.Claims{Platform: "abacus"}, "vm-1", ""},
		{"no claims", nil, "vm-1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := join.IdentityOf(tt.claims, tt.instance)
			if got.String() != tt.want || (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, join.ErrIdentity) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestParseIdentityRefuses(t *testing.T) {
	digits := strings.Repeat("ab", 32)
	for _, text := range []string{
		"", "ek", "ek:", "ek:" + digits[1:], "ek:" + digits + "a", "ek:" + strings.Repeat("ab", 48), "ek:" + strings.ToUpper(digits), "EK:" + digits, " ek:" + digits,
		"ek:" + digits + "\n", digits, "instance:", "instance:qemu-snp", "instance:qemu-snp:", "instance::a", "instance:tpm:vm-1", "instance:abacus:a",
		"instance:qemu-snp:A", "instance:qemu-snp:.a", "instance:qemu-snp:-a", "instance:qemu-snp:_a", "instance:qemu-snp:a/b", "instance:qemu-snp:a:b", "instance:qemu-snp:a b", "instance:qemu-snp:ä",
		"instance:qemu-snp:a\x00", "qemu-snp:a", "instance:qemu-snp:" + strings.Repeat("a", 129),
	} {
		got, err := join.ParseIdentity(text)
		if !errors.Is(err, join.ErrIdentity) || !got.IsZero() || len(err.Error()) > 256 {
			t.Errorf("%q was read as %q, %v", text, got, err)
		}
		kept := machine("one")
		if err := kept.UnmarshalText([]byte(text)); err == nil || kept != machine("one") {
			t.Errorf("%q was read as %q", text, kept)
		}
	}
}

func TestIdentitiesText(t *testing.T) {
	type document struct {
		Node join.Identity `json:"node,omitzero"`
	}
	for _, text := range []string{`{}`, `{"node":"ek:` + strings.Repeat("0a", 32) + `"}`, `{"node":"instance:qemu-snp:` + strings.Repeat("a", 128) + `"}`} {
		var d document
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(d)
		if err != nil || string(got) != text {
			t.Errorf("%s became %s, %v", text, got, err)
		}
	}
	if a, b := identity("instance:qemu-snp:a"), identity("instance:qemu-snp:b"); a.Compare(b) >= 0 || b.Compare(a) <= 0 || a.Compare(identity(a.String())) != 0 {
		t.Error("identities are not ordered by their text")
	}
}

func FuzzIdentity(f *testing.F) {
	for _, text := range []string{"", "ek:" + strings.Repeat("0a", 32), "instance:qemu-snp:vm-1", "instance:qemu-tdx:a:b", "ek:\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		i, err := join.ParseIdentity(text)
		if err != nil {
			if !i.IsZero() || !errors.Is(err, join.ErrIdentity) {
				t.Fatalf("%q, %v", i, err)
			}
			return
		}
		inKeys := func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._:-+", r))
		}
		if i.String() != text || len(text) > 256 || strings.ContainsFunc(text, inKeys) {
			t.Fatalf("%q was read as %q, which no item can be named", text, i)
		}
	})
}

func TestRequestIDs(t *testing.T) {
	id, err := join.ParseRequestID("000102030405060708090a0b0c0d0e0f")
	if err != nil || id.String() != "000102030405060708090a0b0c0d0e0f" || id.IsZero() {
		t.Errorf("%v, %v", id, err)
	}
	for _, text := range []string{"", "00", strings.Repeat("0", 32), strings.Repeat("A", 32), strings.Repeat("a", 31), strings.Repeat("a", 33), strings.Repeat("g", 32)} {
		kept := id
		if err := kept.UnmarshalText([]byte(text)); !errors.Is(err, join.ErrRequestID) || kept != id {
			t.Errorf("%q was read as %v, %v", text, kept, err)
		}
	}
}

func TestWords(t *testing.T) {
	for _, read := range []func(string) (string, error){
		func(s string) (string, error) {
			r := join.Role("x")
			err := r.UnmarshalText([]byte(s))
			return string(r), err
		},
		func(s string) (string, error) {
			r := join.Kind("x")
			err := r.UnmarshalText([]byte(s))
			return string(r), err
		},
		func(s string) (string, error) {
			r := join.State("x")
			err := r.UnmarshalText([]byte(s))
			return string(r), err
		},
		func(s string) (string, error) {
			r := join.Mode("x")
			err := r.UnmarshalText([]byte(s))
			return string(r), err
		},
		func(s string) (string, error) {
			r := join.Moved("x")
			err := r.UnmarshalText([]byte(s))
			return string(r), err
		},
	} {
		known := 0
		for _, word := range []string{"worker", "join", "member", "approve", "x", "", "Worker", "JOIN", "member ", "Approve"} {
			got, err := read(word)
			if err == nil && got == word {
				known++
				continue
			}
			if !errors.Is(err, join.ErrWord) || got != "x" {
				t.Errorf("%q was read as %q, %v", word, got, err)
			}
		}
		if known != 1 {
			t.Errorf("%d of the words were read, want 1", known)
		}
	}
}
