package evidence_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

func sample() *evidence.Evidence {
	return &evidence.Evidence{
		Platform: evidence.AzureSNP,
		Body:     []byte("body"),
		Endorsements: []evidence.Endorsement{
			{Kind: evidence.AKCertificate, Data: []byte("certificate")},
			{Kind: evidence.VCEKChain, Data: []byte("chain")},
		},
	}
}

func TestEnvelopeIsTheDocumentedEncoding(t *testing.T) {
	want := "asterism/evidence/v1" + prefixed("azure-snp", "body", "ak-certificate", "certificate", "vcek-chain", "chain")
	got, err := sample().Encode()
	if err != nil || string(got) != want {
		t.Errorf("Encode = %q, %v; want %q", got, err, want)
	}
}

func TestEnvelopeRoundTrip(t *testing.T) {
	kinds := []evidence.EndorsementKind{evidence.AKCertificate, evidence.EKCertificate, evidence.TDXCollateral, evidence.VCEKChain}
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 1, 64)
		want := &evidence.Evidence{
			Platform: rapid.SampledFrom(evidence.Platforms()).Draw(t, "platform"),
			Body:     content.Draw(t, "body"),
		}
		for _, kind := range kinds {
			if rapid.Bool().Draw(t, string(kind)) {
				want.Endorsements = append(want.Endorsements, evidence.Endorsement{Kind: kind, Data: content.Draw(t, "data")})
			}
		}
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := evidence.Decode(data)
		if err != nil || !cmp.Equal(want, got) {
			t.Fatalf("Decode = %v, %v", got, err)
		}
		if _, err := evidence.Decode(data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")]); err == nil && len(want.Endorsements) == 0 {
			t.Fatal("a cut envelope was accepted")
		}
	})
}

func TestEnvelopeRefuses(t *testing.T) {
	head := "asterism/evidence/v1" + prefixed("tpm", "body")
	over := string(binary.BigEndian.AppendUint32(nil, 1<<31))
	for name, data := range map[string]string{
		"empty":                   "",
		"another version":         strings.Replace(head, "v1", "v2", 1),
		"label only":              "asterism/evidence/v1",
		"unknown platform":        "asterism/evidence/v1" + prefixed("tpm2", "body"),
		"long platform":           "asterism/evidence/v1" + prefixed(strings.Repeat("t", 33), "body"),
		"no body":                 "asterism/evidence/v1" + prefixed("tpm"),
		"empty body":              "asterism/evidence/v1" + prefixed("tpm", ""),
		"body longer than input":  "asterism/evidence/v1" + prefixed("tpm") + over + "body",
		"unknown endorsement":     head + prefixed("letter", "data"),
		"empty endorsement":       head + prefixed("ek-certificate", ""),
		"endorsement cut":         head + prefixed("ek-certificate"),
		"kind cut":                head + "\x00\x00\x00",
		"endorsements unsorted":   head + prefixed("vcek-chain", "x", "ek-certificate", "x"),
		"endorsement twice":       head + prefixed("ek-certificate", "x", "ek-certificate", "x"),
		"too many endorsements":   head + strings.Repeat(prefixed("ek-certificate", "x"), 40),
		"larger than the maximum": head + prefixed("ek-certificate", strings.Repeat("x", evidence.MaxSize)),
	} {
		if e, err := evidence.Decode([]byte(data)); !errors.Is(err, evidence.ErrEnvelope) || e != nil {
			t.Errorf("%s: %v, %v; want ErrEnvelope and nothing", name, e, err)
		}
	}
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	for name, change := range map[string]func(*evidence.Evidence){
		"platform":     func(e *evidence.Evidence) { e.Platform = "pdp-11" },
		"body":         func(e *evidence.Evidence) { e.Body = nil },
		"order":        func(e *evidence.Evidence) { e.Endorsements[0].Kind = evidence.VLEKChain },
		"data":         func(e *evidence.Evidence) { e.Endorsements[1].Data = nil },
		"kind":         func(e *evidence.Evidence) { e.Endorsements[1].Kind = "zebra" },
		"size":         func(e *evidence.Evidence) { e.Body = make([]byte, evidence.MaxSize) },
		"endorsements": func(e *evidence.Evidence) { e.Endorsements = make([]evidence.Endorsement, evidence.MaxEndorsements+1) },
	} {
		e := sample()
		change(e)
		if data, err := e.Encode(); !errors.Is(err, evidence.ErrEnvelope) || data != nil {
			t.Errorf("%s: %q, %v; want ErrEnvelope and nothing", name, data, err)
		}
	}
}

func TestLargestEnvelope(t *testing.T) {
	e := &evidence.Evidence{Platform: evidence.TPM}
	overhead := len("asterism/evidence/v1" + prefixed("tpm", ""))
	e.Body = make([]byte, evidence.MaxSize-overhead)
	data, err := e.Encode()
	if err != nil || len(data) != evidence.MaxSize {
		t.Fatalf("Encode = %d bytes, %v; want %d", len(data), err, evidence.MaxSize)
	}
	if _, err := evidence.Decode(data); err != nil {
		t.Errorf("Decode: %v", err)
	}
	e.Body = append(e.Body, 0)
	if _, err := e.Encode(); !errors.Is(err, evidence.ErrEnvelope) {
		t.Errorf("one byte more: %v, want ErrEnvelope", err)
	}
}

func TestEveryPlatformHasTraits(t *testing.T) {
	for _, p := range evidence.Platforms() {
		traits, err := p.Traits()
		if err != nil {
			t.Errorf("%s: %v", p, err)
		}
		if traits.TPM == (traits.AKTrust == evidence.AKNone) {
			t.Errorf("%s: a TPM needs trust in its key, and nothing else does: %+v", p, traits)
		}
		if traits.LaunchDecides != (traits.TEE != evidence.NoTEE) {
			t.Errorf("%s: a launch digest decides just where there is a TEE: %+v", p, traits)
		}
		if len(traits.Boot) == 0 && !traits.LaunchDecides {
			t.Errorf("%s: nothing covers what it runs", p)
		}
	}
	if _, err := evidence.Platform("pdp-11").Traits(); !errors.Is(err, evidence.ErrPlatform) || !strings.Contains(err.Error(), "qemu-vtpm") {
		t.Errorf("unknown platform: %v, want ErrPlatform that lists the known ones", err)
	}
	for tee, want := range map[evidence.TEE]string{evidence.NoTEE: "none", evidence.SNP: "AMD SEV-SNP", evidence.TDX: "Intel TDX"} {
		if tee.String() != want {
			t.Errorf("String = %s, want %s", tee, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-3])
	f.Add([]byte("asterism/evidence/v1" + prefixed("tpm", "body")))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := evidence.Decode(data)
		if err != nil {
			if !errors.Is(err, evidence.ErrEnvelope) || e != nil {
				t.Fatalf("Decode = %v, %v", e, err)
			}
			return
		}
		if again, err := e.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x decodes, but encodes to %x, %v", data, again, err)
		}
	})
}
