package asterismapp_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-tpm/tpm2"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
)

// machines are the software TPMs of one transcript, by name.
type machines struct {
	t    testing.TB
	tpms map[string]*swtpmtest.TPM
}

// machinesKey finds the machines of a transcript among its values.
type machinesKey struct{}

func machinesOf(ts *testscript.TestScript) *machines {
	return ts.Value(machinesKey{}).(*machines)
}

// swtpm is the command "swtpm start NAME [no-certificate]", "swtpm reboot NAME" or
// "swtpm stop NAME". A TPM that is started is at the address $NAME and has the EK
// $NAME_EK; the root of its manufacturer is in NAME.pem, and NAME.log is an event
// log that is empty.
func swtpm(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: swtpm start|reboot|stop NAME [no-certificate]")
	}
	m, name := machinesOf(ts), args[1]
	switch args[0] {
	case "start":
		m.start(ts, name, len(args) > 2)
	case "reboot":
		m.tpms[name].Reboot(m.t)
		writeFile(ts, name+".log", logHeader())
	case "stop":
		m.tpms[name].Stop(m.t)
	default:
		ts.Fatalf("swtpm %s is not known", args[0])
	}
}

func (m *machines) start(ts *testscript.TestScript, name string, bare bool) {
	var options []swtpmtest.Option
	if bare {
		options = append(options, swtpmtest.WithoutCertificate())
	}
	tpm := swtpmtest.New(m.t, options...)
	m.tpms[name] = tpm
	ts.Setenv(name, tpm.Address())
	ts.Setenv(name+ekSuffix, m.ekOf(ts, tpm))
	writeFile(ts, name+".log", logHeader())
	if !bare {
		root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tpm.CA.Certificate().Raw})
		writeFile(ts, name+".pem", root)
	}
}

// ekOf returns the hash that policies name the TPM's endorsement key by.
func (m *machines) ekOf(ts *testscript.TestScript, tpm *swtpmtest.TPM) string {
	device := tpm.Open(m.t)
	defer device.Close() //nolint:errcheck // what matters was answered
	ek, err := profile.CreateEK(device)
	ts.Check(err)
	_, err = tpm2.FlushContext{FlushHandle: ek.Handle}.Execute(device)
	ts.Check(err)
	key, err := profile.RSAPublicKey(ek.Public)
	ts.Check(err)
	der, err := x509.MarshalPKIXPublicKey(key)
	ts.Check(err)
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// extend is the command "extend NAME PCR TEXT": it measures a text as a boot
// loader does, into the register and into NAME.log.
func extend(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 3 {
		ts.Fatalf("usage: extend NAME PCR TEXT")
	}
	pcr, err := strconv.Atoi(args[1])
	ts.Check(err)
	m := machinesOf(ts)
	measure(m.t, m.tpms[args[0]], pcr, args[2])
	appendFile(ts, args[0]+".log", logEvent(pcr, args[2]))
}

// measure extends SHA-256 of a text into a register.
func measure(t testing.TB, tpm *swtpmtest.TPM, pcr int, text string) {
	t.Helper()
	device := tpm.Open(t)
	defer device.Close() //nolint:errcheck // what matters was answered
	digest := sha256.Sum256([]byte(text))
	_, err := tpm2.PCRExtend{
		PCRHandle: tpm2.AuthHandle{Handle: tpm2.TPMHandle(pcr), Auth: tpm2.PasswordAuth(nil)},
		Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: digest[:]}}},
	}.Execute(device)
	if err != nil {
		t.Fatalf("extending PCR %d: %v", pcr, err)
	}
}

// Numbers of the TCG PC Client Platform Firmware Profile, section 10.
const (
	evNoAction = 3
	evIPL      = 0xd
	algSHA256  = 0xb
)

// logHeader is the Spec ID event that a log of SHA-256 digests starts with.
func logHeader() []byte {
	var id bytes.Buffer
	id.WriteString("Spec ID Event03\x00")
	id.Write([]byte{0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, algSHA256, 0, sha256.Size, 0, 0})
	var b bytes.Buffer
	writeLittle(&b, uint32(0), uint32(evNoAction), [20]byte{}, uint32(id.Len()), id.Bytes())
	return b.Bytes()
}

// logEvent is a TCG_PCR_EVENT2 of a text.
func logEvent(pcr int, text string) []byte {
	var b bytes.Buffer
	writeLittle(&b, uint32(pcr), uint32(evIPL), uint32(1), uint16(algSHA256), sha256.Sum256([]byte(text)), uint32(len(text)), []byte(text))
	return b.Bytes()
}

func writeLittle(b *bytes.Buffer, fields ...any) {
	for _, field := range fields {
		if err := binary.Write(b, binary.LittleEndian, field); err != nil {
			panic(err)
		}
	}
}

func writeFile(ts *testscript.TestScript, name string, data []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o644))
}

func appendFile(ts *testscript.TestScript, name string, data []byte) {
	file, err := os.OpenFile(ts.MkAbs(name), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	_, err = file.Write(data)
	ts.Check(err)
	ts.Check(file.Close())
}

// damage is the command "damage cut FILE BYTES", which shortens a file to that
// length or, where it is negative, by that many bytes, or "damage replace FILE HEX
// HEX", which puts other bytes in the place of those that the file holds once.
func damage(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 3 {
		ts.Fatalf("usage: damage cut FILE BYTES, damage replace FILE HEX HEX")
	}
	data := []byte(ts.ReadFile(args[1]))
	switch args[0] {
	case "cut":
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		if n < 0 {
			n += len(data)
		}
		data = data[:n]
	case "replace":
		before, after := unhex(ts, args[2]), unhex(ts, args[3])
		if n := bytes.Count(data, before); n != 1 {
			ts.Fatalf("%s holds %s %d times", args[1], args[2], n)
		}
		data = bytes.Replace(data, before, after, 1)
	default:
		ts.Fatalf("damage %s is not known", args[0])
	}
	writeFile(ts, args[1], data)
}

func unhex(ts *testscript.TestScript, text string) []byte {
	data, err := hex.DecodeString(text)
	ts.Check(err)
	return data
}
