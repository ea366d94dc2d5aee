package attestedtls_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"github.com/google/go-tpm-tools/proto/attest"
	"github.com/google/go-tpm-tools/proto/tpm"
	"github.com/google/go-tpm/tpm2"
	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
	"github.com/asterism-k8s/asterism/ports"
)

// rogue is the attester of a machine that runs something else than it says. Its
// TPM is genuine, and all of it is at its service.
type rogue struct {
	t       testing.TB
	tpm     *device.Device
	machine *world.Machine
	ek      *profile.Key
	ak      *profile.Key
	public  []byte // what it says the attestation key is

	// What is quoted, and how. quote returns TPMS_ATTEST and TPMT_SIGNATURE.
	selection tpm2.TPMLPCRSelection
	quote     func(qualifying [sha256.Size]byte) (attest, signature []byte)
	values    profile.PCRValues // as they are said to be
	bank      tpm.HashAlgo
}

// newRogue makes the machine. With the template the attestation key can be another
// than it should be.
func newRogue(t testing.TB, template tpm2.TPMTPublic) *rogue {
	t.Helper()
	c := with(t)
	machine, err := world.NewMachine(t.Context(), "rogue", c.maker, "evil", c.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(machine) })
	d, err := machine.Seize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(d) })
	r := &rogue{t: t, tpm: d, machine: machine, selection: profile.QuoteSelection(), bank: tpm.HashAlgo_SHA256}
	if r.ek, err = profile.CreateEK(d); err != nil {
		t.Fatal(err)
	}
	r.ak = r.create(template)
	r.public, r.quote, r.values = r.ak.Public, r.tpmQuote, r.read()
	return r
}

func (r *rogue) create(template tpm2.TPMTPublic) *profile.Key {
	r.t.Helper()
	made, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: tpm2.PasswordAuth(nil)},
		InPublic:      tpm2.New2B(template),
	}.Execute(r.tpm)
	if err != nil {
		r.t.Fatal(err)
	}
	return &profile.Key{Handle: made.ObjectHandle, Name: made.Name, Public: made.OutPublic.Bytes()}
}

// unrestricted is the template of a key that signs whatever it is handed.
func unrestricted() tpm2.TPMTPublic {
	template := profile.AKTemplate()
	template.ObjectAttributes.Restricted = false
	return template
}

func (r *rogue) key() tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: r.ak.Handle, Name: r.ak.Name, Auth: tpm2.PasswordAuth(nil)}
}

// read returns what the registers hold.
func (r *rogue) read() profile.PCRValues {
	r.t.Helper()
	var values profile.PCRValues
	for octet := range 3 {
		got, err := tpm2.PCRRead{PCRSelectionIn: profile.ReadSelection(octet)}.Execute(r.tpm)
		if err != nil {
			r.t.Fatal(err)
		}
		for i, digest := range got.PCRValues.Digests {
			values[8*octet+i] = [sha256.Size]byte(digest.Buffer)
		}
	}
	return values
}

// pretend has the values say what a machine of the release would have.
func (r *rogue) pretend(release world.Release) {
	r.t.Helper()
	listed, err := release.Policy()
	if err != nil {
		r.t.Fatal(err)
	}
	for register, values := range listed.References[0].Registers {
		if register.Bank() == measurement.PCR {
			r.values[register.Index()] = [sha256.Size]byte(values[0].Value.Bytes())
		}
	}
}

func (r *rogue) Identity(context.Context) (*ports.Identity, error) {
	return &ports.Identity{
		Platform: evidence.ProcessVTPM, EKPublic: r.ek.Public, EKCertificate: r.machine.EKCertificate(), AKPublic: r.public,
	}, nil
}

// proofOf is the answer to a challenge, once it is open.
func proofOf(secret []byte, b evidence.Binding) ports.Proof {
	mac := hmac.New(sha256.New, secret)
	mac.Write(b.Bytes())
	return ports.Proof(mac.Sum(nil))
}

// Activate answers as well as the TPM can, and guesses where it cannot.
func (r *rogue) Activate(_ context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
	binding, err := s.Binding()
	if err != nil {
		return ports.Proof{}, err
	}
	credential, err := profile.ParseCredential(challenge)
	if err != nil {
		return ports.Proof{}, err
	}
	session, end, err := tpm2.PolicySession(r.tpm, tpm2.TPMAlgSHA256, 16)
	if err != nil {
		return ports.Proof{}, err
	}
	defer end()
	_, err = tpm2.PolicySecret{
		AuthHandle:    tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: tpm2.PasswordAuth(nil)},
		PolicySession: session.Handle(),
		NonceTPM:      session.NonceTPM(),
	}.Execute(r.tpm)
	if err != nil {
		return ports.Proof{}, err
	}
	opened, err := tpm2.ActivateCredential{
		ActivateHandle: r.key(),
		KeyHandle:      tpm2.AuthHandle{Handle: r.ek.Handle, Name: r.ek.Name, Auth: session},
		CredentialBlob: tpm2.TPM2BIDObject{Buffer: credential.IDObject[:]},
		Secret:         tpm2.TPM2BEncryptedSecret{Buffer: credential.EncryptedSecret[:]},
	}.Execute(r.tpm)
	if err != nil {
		return ports.Proof{4, 5, 6}, nil
	}
	return proofOf(opened.CertInfo.Buffer, binding), nil
}

func (r *rogue) Attest(_ context.Context, s *evidence.Session) (*ports.Attestation, error) {
	binding, err := s.Binding()
	if err != nil {
		return nil, err
	}
	batch, err := evidence.NewBatch([]evidence.Leaf{binding.Leaf()}, evidence.HashAttestationKey(r.public))
	if err != nil {
		return nil, err
	}
	path, err := batch.Path(0)
	if err != nil {
		return nil, err
	}
	quote, signature := r.quote(batch.ReportData().Qualifying())
	pcrs := make(map[uint32][]byte, len(r.values))
	for i := range r.values {
		pcrs[uint32(i)] = r.values[i][:]
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&attest.Attestation{
		AkPub:  r.public,
		Quotes: []*tpm.Quote{{Quote: quote, RawSig: signature, Pcrs: &tpm.PCRs{Hash: r.bank, Pcrs: pcrs}}},
	})
	if err != nil {
		return nil, err
	}
	return &ports.Attestation{Evidence: &evidence.Evidence{Platform: evidence.ProcessVTPM, Body: body}, Path: path}, nil
}

// tpmQuote has the TPM quote what is selected.
func (r *rogue) tpmQuote(qualifying [sha256.Size]byte) (attested, signature []byte) {
	r.t.Helper()
	quoted, err := tpm2.Quote{
		SignHandle: r.key(), QualifyingData: tpm2.TPM2BData{Buffer: qualifying[:]}, PCRSelect: r.selection,
		InScheme: tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
	}.Execute(r.tpm)
	if err != nil {
		r.t.Fatal(err)
	}
	return quoted.Quoted.Bytes(), tpm2.Marshal(quoted.Signature)
}

// invented is a TPMS_ATTEST of the values that the rogue would like to have.
func (r *rogue) invented(magic tpm2.TPMGenerated, qualifying [sha256.Size]byte) []byte {
	digest := r.values.Digest()
	return tpm2.Marshal(tpm2.TPMSAttest{
		Magic: magic, Type: tpm2.TPMSTAttestQuote, QualifiedSigner: tpm2.TPM2BName{Buffer: r.ak.Name.Buffer},
		ExtraData: tpm2.TPM2BData{Buffer: qualifying[:]}, ClockInfo: tpm2.TPMSClockInfo{Clock: 1, ResetCount: 1, Safe: true},
		Attested: tpm2.NewTPMUAttest(tpm2.TPMSTAttestQuote, &tpm2.TPMSQuoteInfo{
			PCRSelect: r.selection, PCRDigest: tpm2.TPM2BDigest{Buffer: digest[:]},
		}),
	})
}

// sign has the TPM sign bytes that it did not make (TPM2_Hash and TPM2_Sign, TPM
// 2.0 Library, Part 3, sections 15.4 and 20.2). A restricted key signs them too, if
// they do not look like the TPM's own.
func (r *rogue) sign(data []byte) []byte {
	r.t.Helper()
	hashed, err := tpm2.Hash{
		Data: tpm2.TPM2BMaxBuffer{Buffer: data}, HashAlg: tpm2.TPMAlgSHA256, Hierarchy: tpm2.TPMRHEndorsement,
	}.Execute(r.tpm)
	if err != nil {
		r.t.Fatal(err)
	}
	signed, err := tpm2.Sign{
		KeyHandle: r.key(), Digest: hashed.OutHash, Validation: hashed.Validation,
		InScheme: tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
	}.Execute(r.tpm)
	if err != nil {
		r.t.Fatal(err)
	}
	return tpm2.Marshal(signed.Signature)
}
