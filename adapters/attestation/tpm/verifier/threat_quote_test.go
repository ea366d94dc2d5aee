package verifier_test

import (
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/google/go-tpm-tools/proto/attest"
	tpmpb "github.com/google/go-tpm-tools/proto/tpm"
	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

func selectionOf(bank tpm2.TPMAlgID, mask uint32) tpm2.TPMLPCRSelection {
	return tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{{
		Hash: bank, PCRSelect: []byte{byte(mask), byte(mask >> 8), byte(mask >> 16)},
	}}}
}

// TestThreat06EveryMask has a real TPM quote too few registers, every single one
// missing and random sets of them, with all values beside the quote.
func TestThreat06EveryMask(t *testing.T) {
	const all = 1<<24 - 1
	m := newMachine(t)
	v := newVerifier(t, m.trust())
	masks := []uint32{0, 1, all >> 1, 0xffff}
	for i := range 24 {
		masks = append(masks, all&^(1<<i))
	}
	random := rand.New(rand.NewPCG(6, 6))
	for range 100 {
		masks = append(masks, random.Uint32N(all))
	}
	for _, mask := range masks {
		a := m.attestation(t)
		a.Quotes[0] = m.quote(t, selectionOf(tpm2.TPMAlgSHA256, mask), reportData())
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: m.evidence(t, a), Activated: m.identity()})
		if list := findings(t, err); !hasCode(list, policy.CodeQuoteSelection) {
			t.Errorf("mask %06x: %v", mask, list)
		}
	}
}

// TestThreat06PrunedValues: the values of the registers that were quoted alone do
// not help either.
func TestThreat06PrunedValues(t *testing.T) {
	m := newMachine(t)
	v := newVerifier(t, m.trust())
	a := m.attestation(t)
	a.Quotes[0] = m.quote(t, selectionOf(tpm2.TPMAlgSHA256, 0xffff), reportData())
	for i := range uint32(8) {
		delete(a.Quotes[0].Pcrs.Pcrs, 16+i)
	}
	_, err := v.Verify(t.Context(), &ports.Submission{Evidence: m.evidence(t, a), Activated: m.identity()})
	if list := findings(t, err); !slices.Equal(list, []string{"QUOTE_SELECTION PCR selection", "EVIDENCE_MALFORMED PCR values"}) {
		t.Errorf("%v", list)
	}
}

// TestThreat06Banks: a bank of SHA-1 decides nothing, alone or beside another.
func TestThreat06Banks(t *testing.T) {
	m := newMachine(t)
	v := newVerifier(t, m.trust())
	const all = 1<<24 - 1
	weak, asked := selectionOf(tpm2.TPMAlgSHA1, all), profile.QuoteSelection()
	both := tpm2.TPMLPCRSelection{PCRSelections: append(slices.Clone(weak.PCRSelections), asked.PCRSelections...)}
	tests := map[string]func(*attest.Attestation){
		"SHA-1 only, said to be SHA-256": func(a *attest.Attestation) { a.Quotes[0] = m.quote(t, weak, reportData()) },
		"SHA-1 only": func(a *attest.Attestation) {
			a.Quotes[0] = m.quote(t, weak, reportData())
			a.Quotes[0].Pcrs.Hash = tpmpb.HashAlgo_SHA1
		},
		"values said to be of SHA-384": func(a *attest.Attestation) { a.Quotes[0].Pcrs.Hash = tpmpb.HashAlgo_SHA384 },
		"both banks in one quote":      func(a *attest.Attestation) { a.Quotes[0] = m.quote(t, both, reportData()) },
		"a second quote of SHA-1": func(a *attest.Attestation) {
			second := m.quote(t, weak, reportData())
			second.Pcrs.Hash = tpmpb.HashAlgo_SHA1
			a.Quotes = append(a.Quotes, second)
		},
		"the same quote twice": func(a *attest.Attestation) { a.Quotes = append(a.Quotes, a.Quotes[0]) },
		"no quote":             func(a *attest.Attestation) { a.Quotes = nil },
	}
	for name, change := range tests {
		a := m.attestation(t)
		change(a)
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: m.evidence(t, a), Activated: m.identity()})
		if list := findings(t, err); !hasCode(list, policy.CodeQuoteSelection) {
			t.Errorf("%s: %v", name, list)
		}
	}
}

// TestThreat08UnrestrictedKey signs a forged quote with TPM2_Sign of a real TPM,
// by a key that is the attestation key but for the restriction.
func TestThreat08UnrestrictedKey(t *testing.T) {
	m := newMachine(t)
	template := profile.AKTemplate()
	template.ObjectAttributes.Restricted = false
	key := must(tpm2.CreatePrimary{
		PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: tpm2.PasswordAuth(nil)},
		InPublic:      tpm2.New2B(template),
	}.Execute(m.device))(t)
	values := m.registers(t)
	values[4] = make([]byte, 32) // what the attacker would have had booted
	values[4][0] = 1
	forged := genuine(values).encode()
	sum := sha256.Sum256(forged)
	signed := must(tpm2.Sign{
		KeyHandle: tpm2.AuthHandle{Handle: key.ObjectHandle, Name: key.Name, Auth: tpm2.PasswordAuth(nil)},
		Digest:    tpm2.TPM2BDigest{Buffer: sum[:]},
		InScheme: tpm2.TPMTSigScheme{
			Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUSigScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSchemeHash{HashAlg: tpm2.TPMAlgSHA256}),
		},
		Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck, Hierarchy: tpm2.TPMRHNull},
	}.Execute(m.device))(t)
	id := m.identity()
	id.AKPublic = key.OutPublic.Bytes()
	a := &attest.Attestation{AkPub: id.AKPublic, Quotes: []*tpmpb.Quote{{
		Quote: forged, RawSig: tpm2.Marshal(signed.Signature), Pcrs: &tpmpb.PCRs{Hash: tpmpb.HashAlgo_SHA256, Pcrs: values},
	}}}
	v := newVerifier(t, m.trust())
	_, err := v.Verify(t.Context(), &ports.Submission{Evidence: m.evidence(t, a), Activated: id})
	if list := findings(t, err); !slices.Equal(list, []string{"AK_UNACCEPTABLE attestation key: attributes"}) {
		t.Errorf("a quote that TPM2_Sign signed: %v", list)
	}
	_, err = v.Challenge(t.Context(), id)
	if list := findings(t, err); !slices.Equal(list, []string{"AK_UNACCEPTABLE attestation key: attributes"}) {
		t.Errorf("a challenge for such a key: %v", list)
	}
}

// TestThreat08KeyAttributes: every attribute that lets a key sign what is no
// quote, or leave its TPM, is seen.
func TestThreat08KeyAttributes(t *testing.T) {
	changes := map[string]func(*tpm2.TPMTPublic){
		"attributes fixedTPM":             func(p *tpm2.TPMTPublic) { p.ObjectAttributes.FixedTPM = false },
		"attributes fixedParent":          func(p *tpm2.TPMTPublic) { p.ObjectAttributes.FixedParent = false },
		"attributes sensitiveDataOrigin":  func(p *tpm2.TPMTPublic) { p.ObjectAttributes.SensitiveDataOrigin = false },
		"attributes restricted":           func(p *tpm2.TPMTPublic) { p.ObjectAttributes.Restricted = false },
		"attributes sign":                 func(p *tpm2.TPMTPublic) { p.ObjectAttributes.SignEncrypt = false },
		"attributes decrypt":              func(p *tpm2.TPMTPublic) { p.ObjectAttributes.Decrypt = true },
		"attributes encryptedDuplication": func(p *tpm2.TPMTPublic) { p.ObjectAttributes.EncryptedDuplication = true },
		"attributes adminWithPolicy":      func(p *tpm2.TPMTPublic) { p.ObjectAttributes.AdminWithPolicy = true },
		"name algorithm":                  func(p *tpm2.TPMTPublic) { p.NameAlg = tpm2.TPMAlgSHA384 },
		"scheme": func(p *tpm2.TPMTPublic) {
			changeECC(p, func(e *tpm2.TPMSECCParms) { e.Scheme = tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgNull} })
		},
		"scheme hash": func(p *tpm2.TPMTPublic) {
			changeECC(p, func(e *tpm2.TPMSECCParms) {
				e.Scheme.Details = tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA1})
			})
		},
		"curve": func(p *tpm2.TPMTPublic) {
			changeECC(p, func(e *tpm2.TPMSECCParms) { e.CurveID = tpm2.TPMECCNistP384 })
		},
		"point": func(p *tpm2.TPMTPublic) {
			p.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
				X: tpm2.TPM2BECCParameter{Buffer: make([]byte, 32)}, Y: tpm2.TPM2BECCParameter{Buffer: []byte{1}},
			})
		},
	}
	log := recordedValues(t)
	for name, change := range changes {
		s := newSigner(t)
		change(&s.area)
		_, err := newVerifier(t, &ports.Trust{}).Verify(t.Context(), &ports.Submission{Evidence: wrap(t, s.attestation(t, log, nil))})
		list := findings(t, err)
		if len(list) != 1 || !hasCode(list, policy.CodeAKUnacceptable) {
			t.Errorf("%s: %v", name, list)
		}
	}
}

func changeECC(p *tpm2.TPMTPublic, change func(*tpm2.TPMSECCParms)) {
	parameters, err := p.Parameters.ECCDetail()
	if err != nil {
		panic(err)
	}
	changed := *parameters
	change(&changed)
	p.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &changed)
}

// recordedValues are registers of no machine in particular.
func recordedValues(t testing.TB) map[uint32][]byte {
	t.Helper()
	values := make(map[uint32][]byte)
	for i := range uint32(24) {
		sum := sha256.Sum256([]byte{byte(i)})
		values[i] = sum[:]
	}
	return values
}

// TestThreat08Statement: what is signed must be a quote that the TPM made, of
// every field what was asked for.
func TestThreat08Statement(t *testing.T) {
	values := recordedValues(t)
	tests := map[string]struct {
		change func(*statement)
		want   string
	}{
		"magic":                 {func(s *statement) { s.magic ^= 1 }, "QUOTE_INVALID quote: magic"},
		"certify, not quote":    {func(s *statement) { s.kind = uint16(tpm2.TPMSTAttestCertify) }, "QUOTE_INVALID quote: type"},
		"trailing byte":         {func(s *statement) { s.trailing = []byte{0} }, "QUOTE_INVALID quote: structure"},
		"short report data":     {func(s *statement) { s.extraData = s.extraData[1:] }, "QUOTE_INVALID quote: extraData"},
		"no report data":        {func(s *statement) { s.extraData = nil }, "QUOTE_INVALID quote: extraData"},
		"safe is no boolean":    {func(s *statement) { s.safe = 2 }, "QUOTE_INVALID quote: clockInfo.safe"},
		"digest of other PCRs":  {func(s *statement) { s.pcrDigest[3] ^= 1 }, "PCR_DIGEST_MISMATCH register values"},
		"selection of no bank":  {func(s *statement) { s.selection = []byte{0, 0, 0, 0} }, "QUOTE_SELECTION PCR selection"},
		"selection is too long": {func(s *statement) { s.selection = []byte{0, 0, 0, 1, 0, 11, 4, 255, 255, 255, 0} }, "QUOTE_SELECTION PCR selection"},
		"too many selections":   {func(s *statement) { s.selection[0] = 1 }, "QUOTE_INVALID quote: structure"},
	}
	v := newVerifier(t, &ports.Trust{})
	for name, test := range tests {
		s := newSigner(t)
		a := s.attestation(t, values, nil)
		changed := genuine(values)
		test.change(changed)
		a.Quotes[0].Quote = changed.encode()
		a.Quotes[0].RawSig = s.sign(t, a.Quotes[0].Quote)
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: wrap(t, a)})
		if list := findings(t, err); !slices.Equal(list, []string{test.want}) {
			t.Errorf("%s: %v, want %s", name, list, test.want)
		}
	}
}

// TestThreat08Signature: a signature is of this key, over this quote, by this
// scheme.
func TestThreat08Signature(t *testing.T) {
	values := recordedValues(t)
	s := newSigner(t)
	tests := map[string]func(*tpmpb.Quote){
		"another key":       func(q *tpmpb.Quote) { q.RawSig = newSigner(t).sign(t, q.Quote) },
		"another quote":     func(q *tpmpb.Quote) { q.RawSig = s.sign(t, append(slices.Clone(q.Quote), 0)) },
		"a bit of it":       func(q *tpmpb.Quote) { q.RawSig[20] ^= 1 },
		"trailing byte":     func(q *tpmpb.Quote) { q.RawSig = append(q.RawSig, 0) },
		"cut":               func(q *tpmpb.Quote) { q.RawSig = q.RawSig[:40] },
		"scheme":            func(q *tpmpb.Quote) { q.RawSig[1] = byte(tpm2.TPMAlgRSASSA) },
		"hash":              func(q *tpmpb.Quote) { q.RawSig[3] = byte(tpm2.TPMAlgSHA1) },
		"a bit of the time": func(q *tpmpb.Quote) { q.Quote[80] ^= 1 },
	}
	v := newVerifier(t, &ports.Trust{})
	for name, change := range tests {
		a := proto.CloneOf(s.attestation(t, values, nil))
		change(a.Quotes[0])
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: wrap(t, a)})
		if list := findings(t, err); !slices.Equal(list, []string{"SIGNATURE_INVALID quote"}) {
			t.Errorf("%s: %v", name, list)
		}
	}
}

// TestAllFindings: what is wrong in several places is told at once.
func TestAllFindings(t *testing.T) {
	values := recordedValues(t)
	s := newSigner(t)
	a := s.attestation(t, values, []byte("no log"))
	changed := genuine(values)
	changed.selection[7] = 0
	changed.pcrDigest[0] ^= 1
	a.Quotes[0].Quote = changed.encode()
	a.AkCert = []byte("left over")
	e := wrap(t, a)
	e = withEndorsement(e, "ek-certificate", []byte("no certificate"))
	e = withEndorsement(e, "vcek-chain", []byte("of another platform"))
	_, err := newVerifier(t, &ports.Trust{}).Verify(t.Context(), &ports.Submission{Evidence: e})
	want := []string{
		"EVIDENCE_MALFORMED endorsement", "EVIDENCE_MALFORMED attestation: ak_cert", "SIGNATURE_INVALID quote",
		"QUOTE_SELECTION PCR selection", "PCR_DIGEST_MISMATCH register values", "EVIDENCE_MALFORMED event log",
		"CERTIFICATE_INVALID EK certificate",
	}
	if list := findings(t, err); !slices.Equal(list, want) {
		t.Errorf("got %v, want %v", list, want)
	}
}
