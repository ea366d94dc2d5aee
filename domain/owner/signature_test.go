package owner_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// request is what a request's payload is made of.
type request struct {
	purpose  evidence.Purpose
	exporter [evidence.ExporterSize]byte
	server   evidence.SPKIHash
	body     string
}

func sampleRequest() request {
	return request{
		purpose: evidence.Init, exporter: [evidence.ExporterSize]byte(bytes.Repeat([]byte{1}, 64)),
		server: evidence.SPKIHash(bytes.Repeat([]byte{2}, 32)), body: "request",
	}
}

func (r request) payload(t testing.TB) owner.Payload {
	t.Helper()
	p, err := owner.RequestPayload(r.purpose, r.exporter, r.server, []byte(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRequestPayloadIsTheDesignedString(t *testing.T) {
	r := sampleRequest()
	want := []byte("asterism/owner/v1" + "\x00\x00\x00\x04init" + "\x00\x00\x00\x40")
	want = append(want, r.exporter[:]...)
	want = append(want, "\x00\x00\x00\x20"...)
	want = append(want, r.server[:]...)
	want = append(want, "\x00\x00\x00\x20"...)
	want = append(want, hashOf([]byte("request"))...)
	if got := r.payload(t).Bytes(); !bytes.Equal(got, want) {
		t.Errorf("payload = %x, want %x", got, want)
	}
}

// A signed request holds for its session, purpose and bytes only.
func TestRequestSignatureHoldsForNothingElse(t *testing.T) {
	d := first(1, 1)
	set := sign(sampleRequest().payload(t), 1)
	if err := d.Verify(sampleRequest().payload(t), set); err != nil {
		t.Fatalf("the genuine request: %v", err)
	}
	for name, change := range map[string]func(*request){
		"purpose":  func(r *request) { r.purpose = evidence.Recover },
		"exporter": func(r *request) { r.exporter[0] ^= 1 },
		"server":   func(r *request) { r.server[31] ^= 1 },
		"body":     func(r *request) { r.body += "!" },
	} {
		r := sampleRequest()
		change(&r)
		if err := d.Verify(r.payload(t), set); !errors.Is(err, owner.ErrSignature) {
			t.Errorf("another %s: %v, want ErrSignature", name, err)
		}
	}
}

func TestRequestPayloadRefuses(t *testing.T) {
	for _, purpose := range []evidence.Purpose{evidence.Join, evidence.Rejoin, evidence.Attest, evidence.Unseal, "", "other"} {
		r := sampleRequest()
		if p, err := owner.RequestPayload(purpose, r.exporter, r.server, nil); !errors.Is(err, evidence.ErrPurpose) || p.Bytes() != nil {
			t.Errorf("%q: %x, %v; want ErrPurpose", purpose, p.Bytes(), err)
		}
	}
	for _, purpose := range []evidence.Purpose{evidence.Init, evidence.Recover, evidence.Admin} {
		r := sampleRequest()
		if _, err := owner.RequestPayload(purpose, r.exporter, r.server, nil); err != nil {
			t.Errorf("%q: %v", purpose, err)
		}
		if _, err := owner.RequestPayload(purpose, [evidence.ExporterSize]byte{}, r.server, nil); !errors.Is(err, owner.ErrSignature) {
			t.Errorf("%q without exporter: %v, want ErrSignature", purpose, err)
		}
		if _, err := owner.RequestPayload(purpose, r.exporter, evidence.SPKIHash{}, nil); !errors.Is(err, owner.ErrSignature) {
			t.Errorf("%q without server's key: %v, want ErrSignature", purpose, err)
		}
	}
}

func TestDirectivePayloadIsTheDesignedString(t *testing.T) {
	want := []byte("asterism/directive/v1" + "\x00\x00\x00\x06freeze")
	if got := owner.DirectivePayload([]byte("freeze")).Bytes(); !bytes.Equal(got, want) {
		t.Errorf("payload = %x, want %x", got, want)
	}
}

// The same bytes signed as a directive are no statement and no rotation, and the
// other way round.
func TestDirectivePayloadStandsForNothingElse(t *testing.T) {
	d := first(1, 1)
	s := newStatement(t)
	statement, err := owner.StatementPayload(s)
	if err != nil {
		t.Fatal(err)
	}
	rotation, err := owner.RotationPayload(next(t, d, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		other   owner.Payload
		encoded []byte
	}{
		"statement": {statement, encodeStatement(t, s)},
		"rotation":  {rotation, encoded(t, next(t, d, 1, 2))},
	} {
		directive := owner.DirectivePayload(tt.encoded)
		if err := d.Verify(directive, sign(directive, 1)); err != nil {
			t.Errorf("a directive of the bytes of a %s: %v", name, err)
		}
		if err := d.Verify(tt.other, sign(directive, 1)); !errors.Is(err, owner.ErrSignature) {
			t.Errorf("a directive's signature makes a %s: %v", name, err)
		}
		if err := d.Verify(directive, sign(tt.other, 1)); !errors.Is(err, owner.ErrSignature) {
			t.Errorf("the signature of a %s makes a directive: %v", name, err)
		}
	}
}

// What was signed to change keys is no signed request, and the other way round.
func TestPayloadsOfAnotherKindAreRefused(t *testing.T) {
	d := first(1, 1)
	rotation, err := owner.RotationPayload(next(t, d, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Verify(rotation, sign(sampleRequest().payload(t), 1)); !errors.Is(err, owner.ErrSignature) {
		t.Errorf("a request's signature changes keys: %v", err)
	}
	if err := d.Verify(sampleRequest().payload(t), sign(rotation, 1)); !errors.Is(err, owner.ErrSignature) {
		t.Errorf("a rotation's signature sends a request: %v", err)
	}
}

func TestThreat21ThresholdCountsEachKeyOnce(t *testing.T) {
	d := first(2, 1, 2, 3)
	p := sampleRequest().payload(t)
	spoilt := sign(p, 1, 2, 3)
	spoilt[2].Value[5] ^= 1
	twice := append(sign(p, 1), sign(p, 1)...)
	unsorted := sign(p, 1, 2)
	slices.Reverse(unsorted)
	for name, tt := range map[string]struct {
		set  []owner.Signature
		want bool
	}{
		"threshold":                       {sign(p, 1, 3), true},
		"all":                             {sign(p, 1, 2, 3), true},
		"one too few":                     {sign(p, 2), false},
		"none":                            {nil, false},
		"one key twice":                   {twice, false},
		"not sorted":                      {unsorted, false},
		"a stranger beside enough":        {sign(p, 1, 2, 9), false},
		"a stranger in place of one":      {sign(p, 1, 9), false},
		"a spoilt one beside enough":      {spoilt, false},
		"of another payload":              {sign(owner.Payload{}, 1, 2), false},
		"one of another payload's beside": {append(sign(p, 1), sign(owner.Payload{}, 2)...), false},
	} {
		if err := d.Verify(p, tt.set); (err == nil) != tt.want || err != nil && !errors.Is(err, owner.ErrSignature) {
			t.Errorf("%s: %v, want accepted %v", name, err, tt.want)
		}
	}
}

func TestVerifyRefusesNothingSigned(t *testing.T) {
	if err := first(1, 1).Verify(owner.Payload{}, sign(owner.Payload{}, 1)); !errors.Is(err, owner.ErrSignature) {
		t.Errorf("the empty payload: %v, want ErrSignature", err)
	}
	if err := (&owner.Document{}).Verify(sampleRequest().payload(t), nil); !errors.Is(err, owner.ErrSignature) {
		t.Errorf("the zero document: %v, want ErrSignature", err)
	}
}

func TestAnyFlippedBitOfASignatureIsRefused(t *testing.T) {
	d, p := first(1, 1), sampleRequest().payload(t)
	rapid.Check(t, func(t *rapid.T) {
		set := sign(p, 1)
		bit := rapid.IntRange(0, 511).Draw(t, "bit")
		set[0].Value[bit/8] ^= 1 << (bit % 8)
		if err := d.Verify(p, set); !errors.Is(err, owner.ErrSignature) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	})
}
