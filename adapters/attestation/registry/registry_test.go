package registry_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/platform"
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/hardwaretpm"
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/processvtpm"
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/tpmplatform"
	"github.com/asterism-k8s/asterism/adapters/attestation/registry"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

var _ ports.Verifiers = (*registry.Registry)(nil)

func config() tpmplatform.Config { return tpmplatform.Config{Now: time.Now} }

// whole is a registry of all that is there.
func whole() *registry.Registry {
	all := []platform.Platform{processvtpm.New(config())}
	for _, p := range hardwaretpm.New(config()) {
		all = append(all, p)
	}
	return registry.New(all...)
}

func TestPlatforms(t *testing.T) {
	want := []evidence.Platform{evidence.OpenStackVTPM, evidence.ProcessVTPM, evidence.QEMUVTPM, evidence.TPM}
	if got := whole().Platforms(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUnknown(t *testing.T) {
	r := registry.New()
	if _, err := r.Verifier(evidence.TPM, &ports.Trust{}); !errors.Is(err, evidence.ErrPlatform) {
		t.Errorf("Verifier: %v, want ErrPlatform", err)
	}
	if _, err := r.OpenAttester(t.Context(), evidence.TPM, &platform.Settings{}); !errors.Is(err, evidence.ErrPlatform) {
		t.Errorf("OpenAttester: %v, want ErrPlatform", err)
	}
}

func TestNewPanics(t *testing.T) {
	for name, platforms := range map[string][]platform.Platform{
		"twice":   {processvtpm.New(config()), processvtpm.New(config())},
		"unknown": {tpmplatform.New("unheard-of", config())},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: a registry", name)
				}
			}()
			registry.New(platforms...)
		}()
	}
}

// TestSameTrust: equal trusts share a verifier, and what it has checked.
func TestSameTrust(t *testing.T) {
	r := whole()
	get := func(trust *ports.Trust) ports.Verifier {
		v, err := r.Verifier(evidence.TPM, trust)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	one := get(&ports.Trust{EndorsementRoots: []evidence.SPKIHash{{1}}})
	if get(&ports.Trust{EndorsementRoots: []evidence.SPKIHash{{1}}}) != one {
		t.Error("equal trusts have two verifiers")
	}
	for name, other := range map[string]*ports.Trust{
		"another root": {EndorsementRoots: []evidence.SPKIHash{{2}}}, "an engine": {EngineCAs: []evidence.SPKIHash{{1}}}, "none": nil,
	} {
		if get(other) == one {
			t.Errorf("%s has the same verifier", name)
		}
	}
	for i := range 100 {
		get(&ports.Trust{EndorsementRoots: []evidence.SPKIHash{{byte(i), 1}}})
	}
	if _, err := r.Verifier(evidence.TPM, &ports.Trust{Certificates: [][]byte{{1}}}); err == nil {
		t.Error("a trust that is none has a verifier")
	}
}

// TestWhole attests a process with a software TPM and verifies it, by name alone.
func TestWhole(t *testing.T) {
	tpm := swtpmtest.New(t)
	r := whole()
	a, err := r.OpenAttester(t.Context(), evidence.ProcessVTPM, &platform.Settings{Device: tpm.Address()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	v, err := r.Verifier(evidence.ProcessVTPM, &ports.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	nonce, statement := bytes.Repeat([]byte{7}, 32), []byte("statement")
	attestation, err := a.AttestStatement(t.Context(), nonce, statement)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := v.Verify(t.Context(), &ports.Submission{Evidence: attestation.Evidence})
	if err != nil {
		t.Fatal(err)
	}
	binding, err := evidence.NewVerificationBinding(nonce, statement)
	if err != nil {
		t.Fatal(err)
	}
	data, err := attestation.Path.ReportData(binding.Leaf(), verified.AttestationKey)
	if err != nil {
		t.Fatal(err)
	}
	if want := data.Qualifying(); !bytes.Equal(verified.Claims.ReportData, want[:]) || verified.Claims.TPM.AKProof != policy.AKProof("") {
		t.Errorf("the claims are %+v", verified.Claims)
	}
}
