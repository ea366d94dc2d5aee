package verifier_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/google/go-tpm-tools/proto/attest"
	tpmpb "github.com/google/go-tpm-tools/proto/tpm"
	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// machine is a machine with a software TPM of its own.
type machine struct {
	*swtpmtest.TPM
	device transport.TPM
	ek, ak *profile.Key
}

func newMachine(t testing.TB, options ...swtpmtest.Option) *machine {
	t.Helper()
	m := &machine{TPM: swtpmtest.New(t, options...)}
	m.device = m.Open(t)
	m.ek = must(profile.CreateEK(m.device))(t)
	m.ak = must(profile.CreateAK(m.device))(t)
	return m
}

// must returns the value, or ends the test at the caller's line.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func (m *machine) identity() *ports.Identity {
	return &ports.Identity{Platform: evidence.TPM, EKCertificate: m.EKCertificate, EKPublic: m.ek.Public, AKPublic: m.ak.Public}
}

// trust believes in the CA of the machine's TPM.
func (m *machine) trust() *ports.Trust { return trustIn(m.CA.Certificate()) }

func trustIn(roots ...*x509.Certificate) *ports.Trust {
	t := &ports.Trust{}
	for _, root := range roots {
		t.EndorsementRoots = append(t.EndorsementRoots, sha256.Sum256(root.RawSubjectPublicKeyInfo))
		t.Certificates = append(t.Certificates, root.Raw)
	}
	return t
}

// activate opens a challenge in the TPM.
func (m *machine) activate(blob []byte) ([]byte, error) {
	c, err := profile.ParseCredential(blob)
	if err != nil {
		return nil, err
	}
	policySecret := func(t transport.TPM, s tpm2.TPMISHPolicy, nonce tpm2.TPM2BNonce) error {
		_, err := tpm2.PolicySecret{
			AuthHandle:    tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: tpm2.PasswordAuth(nil)},
			PolicySession: s, NonceTPM: nonce,
		}.Execute(t)
		return err
	}
	response, err := tpm2.ActivateCredential{
		ActivateHandle: tpm2.AuthHandle{Handle: m.ak.Handle, Name: m.ak.Name, Auth: tpm2.PasswordAuth(nil)},
		KeyHandle:      tpm2.AuthHandle{Handle: m.ek.Handle, Name: m.ek.Name, Auth: tpm2.Policy(tpm2.TPMAlgSHA256, 16, policySecret)},
		CredentialBlob: tpm2.TPM2BIDObject{Buffer: c.IDObject[:]},
		Secret:         tpm2.TPM2BEncryptedSecret{Buffer: c.EncryptedSecret[:]},
	}.Execute(m.device)
	if err != nil {
		return nil, err
	}
	return response.CertInfo.Buffer, nil
}

// quote has the TPM quote the selection, and reads all registers of SHA-256.
func (m *machine) quote(t testing.TB, selection tpm2.TPMLPCRSelection, qualifying []byte) *tpmpb.Quote {
	t.Helper()
	response := must(tpm2.Quote{
		SignHandle:     tpm2.AuthHandle{Handle: m.ak.Handle, Name: m.ak.Name, Auth: tpm2.PasswordAuth(nil)},
		QualifyingData: tpm2.TPM2BData{Buffer: qualifying},
		InScheme:       tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
		PCRSelect:      selection,
	}.Execute(m.device))(t)
	return &tpmpb.Quote{
		Quote: response.Quoted.Bytes(), RawSig: tpm2.Marshal(response.Signature),
		Pcrs: &tpmpb.PCRs{Hash: tpmpb.HashAlgo_SHA256, Pcrs: m.registers(t)},
	}
}

func (m *machine) registers(t testing.TB) map[uint32][]byte {
	t.Helper()
	values := make(map[uint32][]byte)
	for octet := range 3 {
		response := must(tpm2.PCRRead{PCRSelectionIn: profile.ReadSelection(octet)}.Execute(m.device))(t)
		for i, digest := range response.PCRValues.Digests {
			values[uint32(8*octet+i)] = digest.Buffer
		}
	}
	return values
}

// attestation is what a genuine attester writes.
func (m *machine) attestation(t testing.TB) *attest.Attestation {
	t.Helper()
	return &attest.Attestation{AkPub: m.ak.Public, Quotes: []*tpmpb.Quote{m.quote(t, profile.QuoteSelection(), reportData())}}
}

// submission is genuine evidence of a machine that has answered a challenge.
func (m *machine) submission(t testing.TB) *ports.Submission {
	t.Helper()
	return &ports.Submission{Evidence: m.evidence(t, m.attestation(t)), Activated: m.identity()}
}

func (m *machine) evidence(t testing.TB, a *attest.Attestation) *evidence.Evidence {
	t.Helper()
	e := wrap(t, a)
	if len(m.EKCertificate) > 0 {
		e.Endorsements = append(e.Endorsements, evidence.Endorsement{Kind: evidence.EKCertificate, Data: m.EKCertificate})
	}
	return e
}

func wrap(t testing.TB, a *attest.Attestation) *evidence.Evidence {
	t.Helper()
	body := must(proto.MarshalOptions{Deterministic: true}.Marshal(a))(t)
	return &evidence.Evidence{Platform: evidence.TPM, Body: body}
}

// reportData is what the tests' quotes are fresh for.
func reportData() []byte {
	qualifying := evidence.ReportData{1, 2, 3}.Qualifying()
	return qualifying[:]
}

// withEndorsement returns the evidence with the endorsement in its place.
func withEndorsement(e *evidence.Evidence, kind evidence.EndorsementKind, data []byte) *evidence.Evidence {
	changed := *e
	changed.Endorsements = slices.DeleteFunc(slices.Clone(e.Endorsements), func(en evidence.Endorsement) bool { return en.Kind == kind })
	if len(data) > 0 {
		changed.Endorsements = append(changed.Endorsements, evidence.Endorsement{Kind: kind, Data: data})
	}
	slices.SortFunc(changed.Endorsements, func(a, b evidence.Endorsement) int { return bytes.Compare([]byte(a.Kind), []byte(b.Kind)) })
	return &changed
}

func newVerifier(t testing.TB, trust *ports.Trust, change ...func(*verifier.Config)) *verifier.Verifier {
	t.Helper()
	c := verifier.Config{Platform: evidence.TPM, Trust: trust, Now: time.Now}
	for _, f := range change {
		f(&c)
	}
	return must(verifier.New(c))(t)
}

// findings returns the codes and subjects of an *EvidenceError, as in
// "QUOTE_INVALID quote: magic".
func findings(t testing.TB, err error) []string {
	t.Helper()
	var refused *ports.EvidenceError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want an *EvidenceError", err)
	}
	var list []string
	for _, f := range refused.Findings {
		if f.Severity != policy.Refuse || f.Remedy == "" {
			t.Errorf("finding %+v does not refuse, or says nothing to do", f)
		}
		list = append(list, string(f.Code)+" "+f.Subject)
	}
	return list
}

func hasCode(list []string, code policy.Code) bool {
	return slices.ContainsFunc(list, func(f string) bool { return bytes.HasPrefix([]byte(f), []byte(code)) })
}

// authority is a CA of the tests.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// newAuthority makes a self-signed CA, valid for two years around now.
func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	return &authority{must(x509.ParseCertificate(der))(t), key}
}

func (a *authority) spki() evidence.SPKIHash {
	return sha256.Sum256(a.certificate.RawSubjectPublicKeyInfo)
}
