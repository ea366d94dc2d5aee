package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

var update = flag.Bool("update", false, "write golden files anew")

// vectors is testdata/vectors.json: inputs and outputs of every hash that
// evidence is bound by, for other implementations. Byte strings are hexadecimal.
type vectors struct {
	Comment       []string             `json:"comment"`
	Sessions      []sessionVector      `json:"sessions"`
	Verifications []verificationVector `json:"verifications"`
	Batches       []batchVector        `json:"batches"`
}

type sessionVector struct {
	Purpose       string `json:"purpose"`
	AttesterRole  string `json:"attesterRole"`
	Exporter      string `json:"exporter"`
	AttesterSPKI  string `json:"attesterSPKI"`
	VerifierSPKI  string `json:"verifierSPKI"`
	AttesterHello string `json:"attesterHello"`
	VerifierHello string `json:"verifierHello"`
	Binding       string `json:"binding"`
	Leaf          string `json:"leaf"`
}

type verificationVector struct {
	Nonce     string `json:"nonce"`
	Statement string `json:"statement"`
	Binding   string `json:"binding"`
	Leaf      string `json:"leaf"`
}

type batchVector struct {
	Leaves     []string `json:"leaves"`
	PublicArea string   `json:"akPublicArea"` // empty without a TPM
	ReportData string   `json:"reportData"`
	Qualifying string   `json:"qualifyingData"`
	Paths      []string `json:"paths"` // encoded, one a leaf
}

// independentVectors computes all outputs from the formulas of the comment, with
// nothing of the package under test.
func independentVectors() vectors {
	v := vectors{Comment: []string{
		"lp(x) = uint32 big-endian length of x, then x; all byte strings are hexadecimal",
		"session binding = SHA-512('asterism/attested-tls/v1' lp(purpose) lp(attesterRole) lp(exporter) lp(attesterSPKI) lp(verifierSPKI) lp(attesterHello) lp(verifierHello))",
		"verification binding = SHA-512('asterism/verification/v1' lp(nonce) lp(statement))",
		"leaf = SHA-256(0x00 binding); root and paths as in RFC 6962",
		"reportData = SHA-512('asterism/batch/v1' lp(root) lp(uint32 number of leaves) lp(SHA-256(akPublicArea), or nothing without a TPM))",
		"qualifyingData = SHA-256(reportData); path = uint32 index, uint32 number of leaves, then the hashes from the leaf upwards",
	}}
	var leaves []string
	for i, s := range []sessionVector{
		{Purpose: "join", AttesterRole: "joiner"},
		{Purpose: "join", AttesterRole: "joinservice"},
		{Purpose: "init", AttesterRole: "joiner"},
	} {
		s = s.filled(byte(i + 1))
		v.Sessions = append(v.Sessions, s)
		leaves = append(leaves, s.Leaf)
	}
	nonce, statement := string(bytes.Repeat([]byte{0xa5}, 32)), "a statement"
	sum := sha512.Sum512([]byte("asterism/verification/v1" + prefixed(nonce, statement)))
	v.Verifications = []verificationVector{{hexOf(nonce), hexOf(statement), hex.EncodeToString(sum[:]), rfcLeaf(sum[:])}}
	v.Batches = []batchVector{batchOf(leaves[:1], ""), batchOf(leaves, "a public area")}
	return v
}

func (s sessionVector) filled(seed byte) sessionVector {
	fill := func(n int, b byte) string { return string(bytes.Repeat([]byte{seed ^ b}, n)) }
	exporter, attester, verifier := fill(64, 0x10), fill(32, 0x20), fill(32, 0x30)
	hello, other := fill(5, 0x40), fill(7, 0x50)
	sum := sha512.Sum512([]byte("asterism/attested-tls/v1" + prefixed(s.Purpose, s.AttesterRole, exporter, attester, verifier, hello, other)))
	s.Exporter, s.AttesterSPKI, s.VerifierSPKI = hexOf(exporter), hexOf(attester), hexOf(verifier)
	s.AttesterHello, s.VerifierHello = hexOf(hello), hexOf(other)
	s.Binding, s.Leaf = hex.EncodeToString(sum[:]), rfcLeaf(sum[:])
	return s
}

// batchOf knows trees of one and of three leaves.
func batchOf(leaves []string, publicArea string) batchVector {
	root, paths := leaves[0], []string{""}
	if len(leaves) == 3 {
		left := rfcNode(leaves[0], leaves[1])
		root = rfcNode(left, leaves[2])
		paths = []string{leaves[1] + leaves[2], leaves[0] + leaves[2], left}
	}
	count := string(binary.BigEndian.AppendUint32(nil, uint32(len(leaves))))
	ak := ""
	if publicArea != "" {
		sum := sha256.Sum256([]byte(publicArea))
		ak = string(sum[:])
	}
	data := sha512.Sum512([]byte("asterism/batch/v1" + prefixed(bytesOfHex(root), count, ak)))
	qualifying := sha256.Sum256(data[:])
	for i := range paths {
		head := binary.BigEndian.AppendUint32(nil, uint32(i))
		paths[i] = hexOf(string(head)+count) + paths[i]
	}
	return batchVector{leaves, hexOf(publicArea), hex.EncodeToString(data[:]), hex.EncodeToString(qualifying[:]), paths}
}

func hexOf(s string) string { return hex.EncodeToString([]byte(s)) }

func bytesOfHex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func rfcLeaf(data []byte) string {
	sum := sha256.Sum256(append([]byte{0}, data...))
	return hex.EncodeToString(sum[:])
}

func rfcNode(left, right string) string {
	sum := sha256.Sum256([]byte("\x01" + bytesOfHex(left) + bytesOfHex(right)))
	return hex.EncodeToString(sum[:])
}

func TestVectors(t *testing.T) {
	golden := filepath.Join("testdata", "vectors.json")
	want := independentVectors()
	if *update {
		data, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var got vectors
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the file differs from the formulas (-formulas +file):\n%s", diff)
	}
	for _, s := range got.Sessions {
		s.check(t)
	}
	for _, v := range got.Verifications {
		b, err := evidence.NewVerificationBinding([]byte(bytesOfHex(v.Nonce)), []byte(bytesOfHex(v.Statement)))
		if err != nil || b.Leaf() != leafOf([]byte(bytesOfHex(v.Binding))) {
			t.Errorf("verification of nonce %s: another leaf, or %v", v.Nonce, err)
		}
	}
	for _, b := range got.Batches {
		b.check(t, got.Sessions)
	}
}

func (s sessionVector) session() evidence.Session {
	return evidence.Session{
		Purpose: evidence.Purpose(s.Purpose), AttesterRole: evidence.Role(s.AttesterRole),
		Exporter: [64]byte([]byte(bytesOfHex(s.Exporter))), AttesterSPKI: evidence.SPKIHash([]byte(bytesOfHex(s.AttesterSPKI))),
		VerifierSPKI: evidence.SPKIHash([]byte(bytesOfHex(s.VerifierSPKI))), AttesterHello: []byte(bytesOfHex(s.AttesterHello)),
		VerifierHello: []byte(bytesOfHex(s.VerifierHello)),
	}
}

func (s sessionVector) check(t *testing.T) {
	t.Helper()
	if got := hex.EncodeToString(binding(t, s.session()).Bytes()); got != s.Binding {
		t.Errorf("%s by %s: binding %s, want %s", s.Purpose, s.AttesterRole, got, s.Binding)
	}
}

func (b batchVector) check(t *testing.T, sessions []sessionVector) {
	t.Helper()
	var list []evidence.Leaf
	for i := range b.Leaves {
		list = append(list, binding(t, sessions[i].session()).Leaf())
	}
	var key evidence.AttestationKey
	if b.PublicArea != "" {
		key = evidence.HashAttestationKey([]byte(bytesOfHex(b.PublicArea)))
	}
	made := batch(t, list, key)
	data := made.ReportData()
	qualifying := data.Qualifying()
	if hexOf(string(data[:])) != b.ReportData || hexOf(string(qualifying[:])) != b.Qualifying {
		t.Errorf("batch of %d: report data %x, want %s", len(b.Leaves), data, b.ReportData)
	}
	for i, want := range b.Paths {
		if got := hexOf(string(path(t, made, i).Encode())); got != want {
			t.Errorf("path %d of %d = %s, want %s", i, len(b.Leaves), got, want)
		}
	}
}
