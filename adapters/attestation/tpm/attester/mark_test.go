package attester_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-eventlog/cel"
	"github.com/google/go-eventlog/proto/state"
	"github.com/google/go-eventlog/register"
	"github.com/google/go-tpm-tools/proto/attest"
	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/attester"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
)

// body attests, and returns the evidence and its body.
func body(t *testing.T, a *attester.Attester) (*evidence.Evidence, *attest.Attestation) {
	t.Helper()
	made, err := a.Attest(t.Context(), session(0))
	if err != nil {
		t.Fatal(err)
	}
	m := new(attest.Attestation)
	if err := proto.Unmarshal(made.Evidence.Body, m); err != nil {
		t.Fatal(err)
	}
	return made.Evidence, m
}

func extend(t *testing.T, tpm transport.TPM, pcr uint32, digest [32]byte) {
	t.Helper()
	_, err := tpm2.PCRExtend{
		PCRHandle: tpm2.AuthHandle{Handle: tpm2.TPMHandle(pcr), Auth: tpm2.PasswordAuth(nil)},
		Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: digest[:]}}},
	}.Execute(tpm)
	if err != nil {
		t.Fatal(err)
	}
}

// emptyLog writes a firmware's log in which nothing was measured: the header of a
// crypto-agile log (TCG PC Client Platform Firmware Profile, section 10.4.5.1).
func emptyLog(t *testing.T) string {
	t.Helper()
	var id []byte
	id = append(id, "Spec ID Event03\x00"...)
	id = binary.LittleEndian.AppendUint32(id, 0)      // platform class
	id = append(id, 0, 2, 0, 2)                       // version 2.0, errata, UINTN of 64 bits
	id = binary.LittleEndian.AppendUint32(id, 1)      // algorithms
	id = binary.LittleEndian.AppendUint16(id, 0x000b) // SHA-256
	id = binary.LittleEndian.AppendUint16(id, sha256.Size)
	id = append(id, 0) // vendor's information
	var log []byte
	log = binary.LittleEndian.AppendUint32(log, 0) // register
	log = binary.LittleEndian.AppendUint32(log, 3) // EV_NO_ACTION
	log = append(log, make([]byte, 20)...)
	log = binary.LittleEndian.AppendUint32(log, uint32(len(id)))
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, append(log, id...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openLogged opens a TPM whose firmware kept a log.
func openLogged(t *testing.T, tpm *swtpmtest.TPM) *attester.Attester {
	t.Helper()
	return open(t, attester.Config{Address: tpm.Address(), EventLog: emptyLog(t)})
}

// Where the firmware kept no log, there is no record either: a log that explains
// one register would leave the others unexplained.
func TestMarkHasNoRecordWithoutAFirmwareLog(t *testing.T) {
	a := openTPM(t, swtpmtest.New(t))
	if err := a.Mark(t.Context(), keys.ClusterID{1}, keys.OwnerID{2}); err != nil {
		t.Fatal(err)
	}
	if _, m := body(t, a); m.CanonicalEventLog != nil || m.EventLog != nil {
		t.Error("a log without a firmware's")
	}
}

// The record replays to the quoted register, with somebody else's parser, and
// policy takes the mark for that cluster and owner alone.
func TestMark(t *testing.T) {
	cluster, owner := keys.ClusterID{1}, keys.OwnerID{2}
	tpm := swtpmtest.New(t)
	a := openLogged(t, tpm)
	if _, m := body(t, a); m.CanonicalEventLog != nil || !bytes.Equal(m.Quotes[0].Pcrs.Pcrs[15], make([]byte, 32)) {
		t.Error("a mark before there is one")
	}
	for range 2 {
		if err := a.Mark(t.Context(), cluster, owner); err != nil {
			t.Fatalf("Mark: %v", err)
		}
	}
	digest := keys.MarkSHA256(cluster, owner)
	want := sha256.Sum256(append(make([]byte, 32), digest[:]...))
	e, m := body(t, a)
	if !bytes.Equal(m.Quotes[0].Pcrs.Pcrs[15], want[:]) {
		t.Errorf("PCR 15 is %x, want %x", m.Quotes[0].Pcrs.Pcrs[15], want)
	}
	log, err := cel.DecodeToCEL(bytes.NewBuffer(m.CanonicalEventLog))
	if err != nil {
		t.Fatalf("decoding the record: %v", err)
	}
	bank := register.PCRBank{TCGHashAlgo: state.HashAlgo_SHA256}
	for i, value := range m.Quotes[0].Pcrs.Pcrs {
		bank.PCRs = append(bank.PCRs, register.PCR{Index: int(i), Digest: value, DigestAlg: crypto.SHA256})
	}
	if err := log.Replay(bank); err != nil {
		t.Errorf("replaying the record: %v", err)
	}
	content := sha256.Sum256(log.Records()[0].Content.Value)
	if len(log.Records()) != 1 || content != digest {
		t.Error("the record's content is not what was hashed")
	}
	checkMarkClaims(t, tpm, e)
}

func checkMarkClaims(t *testing.T, tpm *swtpmtest.TPM, e *evidence.Evidence) {
	t.Helper()
	verified, err := trusting(t, tpm.CA.Certificate()).Verify(t.Context(), &ports.Submission{Evidence: e})
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	var events int
	for i := range verified.Claims.Events {
		if verified.Claims.Events[i].Register.Index() == 15 {
			events++
		}
	}
	if events != 1 {
		t.Errorf("the claims have %d events of PCR 15, want the mark", events)
	}
}

// A process that starts on a marked machine has its record by marking it again.
func TestMarkOutlivesTheProcess(t *testing.T) {
	tpm := swtpmtest.New(t)
	cluster, owner := keys.ClusterID{1}, keys.OwnerID{2}
	var logs [][]byte
	for range 2 {
		a := openLogged(t, tpm)
		if err := a.Mark(t.Context(), cluster, owner); err != nil {
			t.Fatalf("Mark: %v", err)
		}
		_, m := body(t, a)
		logs = append(logs, m.CanonicalEventLog)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if logs[0] == nil || !bytes.Equal(logs[0], logs[1]) {
		t.Error("the record changed with the process")
	}
	tpm.Reboot(t)
	a := openLogged(t, tpm)
	if _, m := body(t, a); m.CanonicalEventLog != nil {
		t.Error("the mark outlived the reboot")
	}
	if err := a.Mark(t.Context(), keys.ClusterID{3}, owner); err != nil {
		t.Errorf("after a reboot, Mark = %v", err)
	}
}

// A machine bears one mark, and nothing else in its register.
func TestThreat02AMarkedMachineTakesNoOther(t *testing.T) {
	p := newProxy(t, swtpmtest.New(t))
	a := open(t, attester.Config{Address: p.address, EventLog: emptyLog(t)})
	if err := a.Mark(t.Context(), keys.ClusterID{1}, keys.OwnerID{2}); err != nil {
		t.Fatal(err)
	}
	_, before := body(t, a)
	for name, ids := range map[string]struct {
		cluster keys.ClusterID
		owner   keys.OwnerID
	}{
		"cluster": {keys.ClusterID{9}, keys.OwnerID{2}},
		"owner":   {keys.ClusterID{1}, keys.OwnerID{9}},
	} {
		if err := a.Mark(t.Context(), ids.cluster, ids.owner); !errors.Is(err, attester.ErrMarked) {
			t.Errorf("another %s: Mark = %v", name, err)
		}
	}
	if _, after := body(t, a); !bytes.Equal(before.Quotes[0].Pcrs.Pcrs[15], after.Quotes[0].Pcrs.Pcrs[15]) {
		t.Error("the register changed")
	}
	extend(t, p.tpm, 15, [32]byte{1})
	if err := a.Mark(t.Context(), keys.ClusterID{1}, keys.OwnerID{2}); !errors.Is(err, attester.ErrMarked) {
		t.Errorf("over something else, Mark = %v", err)
	}
	if _, m := body(t, a); m.CanonicalEventLog != nil {
		t.Error("a record that explains another value is handed out")
	}
}

// Registers change between a quote and the reading of their values: evidence
// always holds those that were quoted.
func TestExtendsBetweenQuoteAndRead(t *testing.T) {
	tpm := swtpmtest.New(t)
	p := newProxy(t, tpm)
	a := open(t, attester.Config{Address: p.address})
	v := trusting(t, tpm.CA.Certificate())
	times := 7 // through the second quote
	p.meddle(nil, func(code tpm2.TPMCC) {
		if (code == tpm2.TPMCCQuote || code == tpm2.TPMCCPCRRead) && times > 0 {
			times--
			extend(t, p.tpm, 12, [32]byte{1})
		}
	})
	e, _ := body(t, a)
	if _, err := v.Verify(t.Context(), &ports.Submission{Evidence: e}); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if times != 0 {
		t.Errorf("%d extends were not made", times)
	}
	extend(t, p.tpm, 12, [32]byte{1}) // so that what is known is not what is quoted
	times = 1000
	if _, err := a.Attest(t.Context(), session(1)); !errors.Is(err, ports.ErrUnavailable) || !strings.Contains(err.Error(), "change all the time") {
		t.Errorf("with extends all the time, Attest = %v", err)
	}
	if times < 900 {
		t.Errorf("%d commands were given in vain", 1000-times)
	}
}

// Registers that have not changed are not read again.
func TestRegistersAreReadOnce(t *testing.T) {
	p := newProxy(t, swtpmtest.New(t))
	a := open(t, attester.Config{Address: p.address})
	body(t, a)
	p.meddle(func(code tpm2.TPMCC) (tpm2.TPMRC, bool) { return tpm2.TPMRCFailure, code == tpm2.TPMCCPCRRead }, nil)
	body(t, a)
}

func TestEventLog(t *testing.T) {
	tpm := swtpmtest.New(t, swtpmtest.WithoutCertificate())
	path := filepath.Join(t.TempDir(), "log")
	write := func(size int) {
		if err := os.WriteFile(path, bytes.Repeat([]byte{7}, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(30_000)
	a := open(t, attester.Config{Address: tpm.Address(), EventLog: path})
	write(40_000) // a boot has one log
	if _, m := body(t, a); len(m.EventLog) != 30_000 {
		t.Errorf("the log has %d bytes", len(m.EventLog))
	}
	write(512<<10 + 1)
	_, err := attester.Open(t.Context(), attester.Config{Platform: evidence.TPM, Address: tpm.Address(), EventLog: path})
	if err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("with a log that is too large, Open = %v", err)
	}
}

func TestEndorsements(t *testing.T) {
	tpm := swtpmtest.New(t)
	var certificate []byte
	a := open(t, attester.Config{Address: tpm.Address(), AKCertificate: func() []byte { return certificate }})
	kinds := func() (list []evidence.EndorsementKind) {
		e, _ := body(t, a)
		if _, err := e.Encode(); err != nil {
			t.Errorf("Encode: %v", err)
		}
		for i := range e.Endorsements {
			list = append(list, e.Endorsements[i].Kind)
		}
		return list
	}
	if got := kinds(); len(got) != 1 || got[0] != evidence.EKCertificate {
		t.Errorf("before the machine was admitted: %v", got)
	}
	certificate = []byte("certificate")
	if got := kinds(); len(got) != 2 || got[0] != evidence.AKCertificate {
		t.Errorf("afterwards: %v", got)
	}
	if id := identity(t, a); !bytes.Equal(id.AKCertificate, certificate) {
		t.Error("the identity holds no AK certificate")
	}
	certificate = make([]byte, 9<<10)
	if _, err := a.Identity(t.Context()); err == nil {
		t.Error("an oversized AK certificate is handed out")
	}
	if _, err := a.Attest(t.Context(), session(0)); err == nil {
		t.Error("an oversized AK certificate is in the evidence")
	}
}

// What makers leave in NV memory: nothing, padding, something else.
func TestEKCertificates(t *testing.T) {
	der := swtpmtest.New(t).EKCertificate
	large := append([]byte{0x30, 0x82, 0x1f, 0x00}, make([]byte, 0x1f00)...)
	for name, test := range map[string]struct{ content, want []byte }{
		"none":        {nil, nil},
		"padded":      {append(bytes.Clone(der), bytes.Repeat([]byte{0xff}, 700)...), der},
		"zeros":       {make([]byte, 600), nil},
		"text":        {[]byte("no certificate"), nil},
		"cut off":     {der[:len(der)-1], nil},
		"unwritten":   {make([]byte, 0), nil},
		"odd content": {append([]byte{0x02, 1, 1}, der...), nil},
		"large":       {large[:2000], nil},
	} {
		t.Run(name, func(t *testing.T) {
			tpm := swtpmtest.New(t, swtpmtest.WithoutCertificate())
			if test.content != nil {
				tpm.WriteNV(t, profile.EKCertificateIndex, test.content)
			}
			if got := identity(t, openTPM(t, tpm)).EKCertificate; !bytes.Equal(got, test.want) {
				t.Errorf("the certificate has %d bytes, want %d", len(got), len(test.want))
			}
		})
	}
}
