package authority_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

var update = flag.Bool("update", false, "write what is in testdata anew")

const vectorFile = "testdata/vectors.json"

// vectors is testdata/vectors.json: a chain of directives, and what becomes of
// others behind it, for other implementations.
type vectors struct {
	About    []string  `json:"about"`
	Owner    string    `json:"owner"`
	Cluster  string    `json:"cluster"`
	Chain    []vector  `json:"chain"`
	Refusals []refusal `json:"refusals"`
}

// vector is one directive of the chain.
type vector struct {
	Directive  string   `json:"directive"` // canonical JSON
	Hash       string   `json:"hash"`
	Payload    string   `json:"payload"` // what is signed
	Signatures []string `json:"signatures"`
	Attached   string   `json:"attached,omitempty"` // text, or hexadecimal of a signed statement
	Signed     string   `json:"signed_directive"`
	Head       string   `json:"head"` // canonical JSON
}

// refusal is a signed directive that is refused after so many of the chain.
type refusal struct {
	Name   string `json:"name"`
	After  int    `json:"after"`
	Signed string `json:"signed_directive"`
	Reason string `json:"reason"`
}

func aboutDirectives() []string {
	return []string{
		"Directives of Asterism, version 1. All keys are made up for this file; none protects anything.",
		"Byte strings are lower-case hexadecimal. u32(n) = n as four bytes, big-endian. lp(x) = u32(length of x) | x.",
		"directive = RFC 8785 JSON; its hash is SHA-256, and the next directive names it as previous",
		"payload = 'asterism/directive/v1' | lp(directive), signed with Ed25519 (RFC 8032)",
		"signed_directive = 'asterism/signed-directive/v1' | lp(directive) | u32(signatures) | (lp(key) | lp(signature))... | lp(attached), signatures sorted by key",
		"signatures lists key | signature; they are the owner's threshold's, or one administrator's whom the newest statement names",
		"attached is a signed statement for the kind statement, the canonical policy for attestation-policy, else empty; the directive holds SHA-256 of the statement or policy",
		"a refusal says why a signed directive is refused after the first directives of the chain, as many as 'after' says",
	}
}

// process leaves one release for one platform.
func process(s *owner.Statement) {
	s.Releases, s.SNP = processOnly(s.Releases), nil
}

func processPolicy(d *policy.Document) {
	d.Platforms, d.Releases, d.SNP = []evidence.Platform{evidence.ProcessVTPM}, processOnly(d.Releases), nil
}

func processOnly(releases []policy.Release) []policy.Release {
	releases[0].References = releases[0].References[:1]
	return releases
}

// makeVectors signs with the fixture.
func makeVectors(t *testing.T) vectors {
	t.Helper()
	author := authoritytest.New(t, authoritytest.Config{Seed: "vectors"})
	v := vectors{About: aboutDirectives(), Owner: author.Owner().String(), Cluster: author.Cluster().String()}
	author.Statement(process)
	author.By("platform").Policy(processPolicy)
	author.JoinPolicy(*join.Default())
	author.By("night-shift").Approve(machine("w1"), join.Worker, func(d *authority.Directive) { d.Name = "w-1" })
	author.By("platform").Deny(machine("w2"), "its chassis was opened")
	author.Freeze()
	other := author.Fork()
	author.Thaw()
	refuse := func(name string, after int, signed []byte, reason authority.Reason) {
		v.Refusals = append(v.Refusals, refusal{name, after, hex.EncodeToString(signed), string(reason)})
	}
	refuse("a gap", 4, author.All()[5], authority.Gap)
	refuse("the newest again", 7, author.All()[6], authority.Repeated)
	refuse("an older one", 7, author.All()[2], authority.Rollback)
	refuse("another of that serial", 7, other.Freeze(), authority.Forked)
	refuse("by a reader", 7, author.Fork().By("auditor").Freeze(), authority.NotDelegated)
	refuse("a statement by an administrator", 7, author.Fork().By("platform").Statement(process), authority.NotOwner)
	refuse("an approval of who was denied", 7, author.Fork().Approve(machine("w2"), join.Worker), authority.Denied)
	refuse("with a byte behind", 7, append(author.Fork().Freeze(), 0), authority.Malformed)
	for _, data := range author.All() {
		v.Chain = append(v.Chain, makeVector(t, data))
	}
	return v
}

// makeVector takes a signed directive apart without the package under test.
func makeVector(t *testing.T, data []byte) vector {
	t.Helper()
	rest, found := bytes.CutPrefix(data, []byte("asterism/signed-directive/v1"))
	if !found {
		t.Fatalf("it begins with %q", data[:28])
	}
	next := func(n uint32) []byte {
		field := rest[:n]
		rest = rest[n:]
		return field
	}
	number := func() uint32 { return binary.BigEndian.Uint32(next(4)) }
	directive := next(number())
	v := vector{Directive: string(directive), Signed: hex.EncodeToString(data)}
	payload := binary.BigEndian.AppendUint32([]byte("asterism/directive/v1"), uint32(len(directive)))
	payload = append(payload, directive...)
	for range number() {
		key := next(number())
		signature := next(number())
		if !ed25519.Verify(key, payload, signature) {
			t.Errorf("the signature of %x over %q does not hold", key, payload)
		}
		v.Signatures = append(v.Signatures, hex.EncodeToString(append(bytes.Clone(key), signature...)))
	}
	attached := next(number())
	if v.Attached = string(attached); bytes.HasPrefix(attached, []byte("asterism/")) {
		v.Attached = hex.EncodeToString(attached)
	}
	hash := sha256.Sum256(directive)
	v.Hash, v.Payload = hex.EncodeToString(hash[:]), hex.EncodeToString(payload)
	var d struct{ Serial uint64 }
	if err := json.Unmarshal(directive, &d); err != nil || len(rest) != 0 {
		t.Fatalf("%s: %v, %d bytes behind", directive, err, len(rest))
	}
	head, err := json.Marshal(map[string]any{"version": "asterism/authority-head/v1", "serial": d.Serial, "hash": v.Hash})
	if err != nil {
		t.Fatal(err)
	}
	v.Head = string(head)
	return v
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	if diff := cmp.Diff(makeVectors(t), v); diff != "" {
		t.Errorf("run with -update and look at the difference (-made +file):\n%s", diff)
	}
	id, err := keys.ParseOwnerID(v.Owner)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := keys.ParseClusterID(v.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	steps := []*authority.Authority{authority.Begin(id, cluster)}
	for i, c := range v.Chain {
		a, err := steps[i].Apply(unhex(t, c.Signed))
		if err != nil {
			t.Fatalf("directive %d: %v", i+1, err)
		}
		if head, err := a.Head().Encode(); err != nil || string(head) != c.Head {
			t.Errorf("directive %d: head %s, %v; want %s", i+1, head, err, c.Head)
		}
		steps = append(steps, a)
	}
	for _, r := range v.Refusals {
		if _, err := steps[r.After].Apply(unhex(t, r.Signed)); string(reasonOf(err)) != r.Reason {
			t.Errorf("%s: %v, want %s", r.Name, err, r.Reason)
		}
	}
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	if *update {
		data, err := json.MarshalIndent(makeVectors(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
