package owner_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
)

var update = flag.Bool("update", false, "write what is in testdata anew")

const vectorFile = "testdata/vectors.json"

// vectors is testdata/vectors.json: a statement, its encodings, and what becomes
// of them under various anchors, for other implementations.
type vectors struct {
	About      []string       `json:"about"`
	Seeds      map[int]string `json:"seeds"` // Ed25519 seeds of the keys
	Statement  string         `json:"statement"`
	Hash       string         `json:"statement_hash"`
	Payload    string         `json:"statement_payload"`
	Documents  []string       `json:"documents"`
	Signed     string         `json:"signed_statement"`
	SignedHash string         `json:"signed_statement_hash"`
	Openings   []opening      `json:"openings"`
}

// opening is one attempt to open the signed statement, or another one.
type opening struct {
	Name        string    `json:"name"`
	Signed      string    `json:"signed_statement,omitempty"` // empty: the one above
	Owner       string    `json:"owner"`
	Cluster     string    `json:"cluster,omitempty"`
	MinSerial   uint64    `json:"min_serial,omitempty"`
	Known       string    `json:"known,omitempty"`
	MinDocument uint32    `json:"min_document,omitempty"`
	Now         time.Time `json:"now"`
	Reason      string    `json:"reason,omitempty"` // empty: it holds
}

func aboutStatements() []string {
	return []string{
		"Cluster statements of Asterism, version 1. All keys are made up for this file; none protects anything.",
		"Byte strings are lower-case hexadecimal. u32(n) = n as four bytes, big-endian. lp(x) = u32(length of x) | x.",
		"statement = RFC 8785 JSON; sets are sorted, releases newest first; absent lists are left out",
		"statement_payload = 'asterism/cluster-statement/v1' | lp(statement), signed with Ed25519 (RFC 8032)",
		"document = 'asterism/owner-document/v1' | u32(number) | lp(SHA-256 of the document before, nothing in the first) | u32(threshold) | u32(keys) | lp(key)...; the owner ID is SHA-256 of the first",
		"a document after the first is signed over 'asterism/owner-rotation/v1' | lp(document) by the threshold of the one before",
		"signed_statement = 'asterism/signed-statement/v1' | lp(statement) | u32(links) | link... | signatures; link = lp(document) | signatures; signatures = u32(number) | (lp(key) | lp(signature))..., sorted by key",
		"an opening says what becomes of a signed statement under an anchor: owner, cluster, the least serial and document, and the hash of the statement known with that serial",
	}
}

// small is a statement of one release for one platform.
func small(s *owner.Statement) {
	s.Releases = s.Releases[2:]
	s.SNP, s.TDX, s.DeniedChips = nil, nil, nil
}

// independentVectors encodes with nothing of the package under test but the
// statement's canonical form, which TestVectors holds against encoding/json.
func independentVectors(t *testing.T) vectors {
	t.Helper()
	statement := encodeStatement(t, newStatement(t, small))
	zero := wire(0, nil, 2, 3, publics(1, 2, 3)...)
	one := wire(1, hashOf(zero), 1, 2, publics(3, 4)...)
	rotation := field([]byte("asterism/owner-rotation/v1"), one)
	payload := field([]byte("asterism/cluster-statement/v1"), statement)
	genuine := &owner.SignedStatement{
		Statement:  statement,
		Chain:      []owner.Link{{Document: zero}, {Document: one, Signatures: signRaw(rotation, 1, 3)}},
		Signatures: signRaw(payload, 4),
	}
	signed := wireSigned(genuine, 2, 1)
	v := vectors{
		About: aboutStatements(), Seeds: map[int]string{}, Statement: string(statement), Hash: hex.EncodeToString(hashOf(statement)),
		Payload: hex.EncodeToString(payload), Documents: []string{hex.EncodeToString(zero), hex.EncodeToString(one)},
		Signed: hex.EncodeToString(signed), SignedHash: hex.EncodeToString(hashOf(signed)),
	}
	for _, seed := range []int{1, 2, 3, 4} {
		v.Seeds[seed] = hex.EncodeToString(signer(byte(seed)).Seed())
	}
	v.Openings = openings(genuine, hex.EncodeToString(hashOf(zero)))
	misled := *genuine // what the owner signed by mistake
	misled.Statement = encodeStatement(t, newStatement(t, small, func(s *owner.Statement) { s.Owner = keys.OwnerID(hashOf([]byte("another"))) }))
	misled.Signatures = signRaw(field([]byte("asterism/cluster-statement/v1"), misled.Statement), 4)
	v.Openings = append(v.Openings, opening{
		Name: "that names another owner", Owner: hex.EncodeToString(hashOf(zero)), Signed: hex.EncodeToString(wireSigned(&misled, 2, 1)), Now: now,
		Reason: "not-owner",
	})
	return v
}

func signRaw(message []byte, seeds ...byte) []owner.Signature {
	var set []owner.Signature
	for _, seed := range seeds {
		value := ed25519.Sign(signer(seed), message)
		set = append(set, owner.Signature{Key: public(seed), Value: [ed25519.SignatureSize]byte(value)})
	}
	slices.SortFunc(set, func(a, b owner.Signature) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return set
}

func openings(genuine *owner.SignedStatement, id string) []opening {
	unsigned, unproven, cut := *genuine, *genuine, *genuine
	unsigned.Signatures = nil
	unproven.Chain = []owner.Link{genuine.Chain[0], {Document: genuine.Chain[1].Document, Signatures: genuine.Chain[1].Signatures[:1]}}
	cut.Chain = genuine.Chain[:1]
	text := func(s *owner.SignedStatement, signatures uint32) string {
		return hex.EncodeToString(wireSigned(s, uint32(len(s.Chain)), signatures))
	}
	other := hex.EncodeToString(hashOf([]byte("another")))
	cluster, hash := clusterID(7).String(), hex.EncodeToString(hashOf(genuine.Statement))
	return []opening{
		{Name: "of any cluster", Owner: id, Now: now},
		{Name: "of this cluster, seen before", Owner: id, Cluster: cluster, MinSerial: 12, Known: hash, MinDocument: 1, Now: now},
		{Name: "at its last instant", Owner: id, Now: now.Add(24 * time.Hour)},
		{Name: "of another owner", Owner: other, Now: now, Reason: "not-owner"},
		{Name: "not signed", Owner: id, Signed: text(&unsigned, 0), Now: now, Reason: "bad-signature"},
		{Name: "by keys that the owner did not change to", Owner: id, Signed: text(&unproven, 1), Now: now, Reason: "bad-signature"},
		{Name: "by keys that the chain does not lead to", Owner: id, Signed: text(&cut, 1), Now: now, Reason: "bad-signature"},
		{Name: "with a byte behind", Owner: id, Signed: text(genuine, 1) + "00", Now: now, Reason: "malformed"},
		{Name: "of another cluster", Owner: id, Cluster: other, Now: now, Reason: "other-cluster"},
		{Name: "older than seen", Owner: id, MinSerial: 13, Now: now, Reason: "rollback"},
		{Name: "of older keys than seen", Owner: id, MinDocument: 2, Now: now, Reason: "rollback"},
		{Name: "another of its serial seen", Owner: id, MinSerial: 12, Known: other, Now: now, Reason: "forked"},
		{Name: "a second after its end", Owner: id, Now: now.Add(24*time.Hour + time.Second), Reason: "expired"},
		{Name: "six minutes before its issue", Owner: id, Now: now.Add(-time.Hour - 6*time.Minute), Reason: "not-yet-valid"},
	}
}

func TestVectors(t *testing.T) {
	want := independentVectors(t)
	if *update {
		data, err := json.MarshalIndent(want, "", "  ")
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
	var got vectors
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("vectors changed; run with -update and look at the difference (-computed +committed):\n%s", diff)
	}
	checkCanonical(t, got.Statement)
}

// checkCanonical holds the statement against encoding/json, which sorts the keys
// of maps as RFC 8785 does and writes what is in a statement with the same bytes.
func checkCanonical(t *testing.T, statement string) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader([]byte(statement)))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(tree)
	if err != nil || string(again) != statement {
		t.Errorf("the statement is not canonical: %s, %v", again, err)
	}
}

func TestVectorsHold(t *testing.T) {
	v := independentVectors(t)
	s := newStatement(t, small)
	hash, err := s.Hash()
	if err != nil || hash.String() != v.Hash {
		t.Errorf("statement hash = %v, %v", hash, err)
	}
	payload, err := owner.StatementPayload(s)
	if err != nil || hex.EncodeToString(payload.Bytes()) != v.Payload {
		t.Errorf("payload = %x, %v", payload.Bytes(), err)
	}
	decoded, err := owner.DecodeSignedStatement(unhex(t, v.Signed))
	if err != nil {
		t.Fatal(err)
	}
	if hash, err := decoded.Hash(); err != nil || hash.String() != v.SignedHash {
		t.Errorf("hash of the signed statement = %v, %v", hash, err)
	}
	texts := map[string]error{}
	for _, o := range v.Openings {
		t.Run(o.Name, func(t *testing.T) { texts[o.Name] = o.check(t, v.Signed) })
	}
	checkTexts(t, "open-statement", texts)
}

func (o *opening) check(t *testing.T, signed string) error {
	t.Helper()
	if o.Signed != "" {
		signed = o.Signed
	}
	a := owner.Anchor{Owner: keys.OwnerID(unhex(t, o.Owner)), MinSerial: o.MinSerial, MinDocument: o.MinDocument}
	copy(a.Cluster[:], unhex(t, o.Cluster))
	copy(a.Known[:], unhex(t, o.Known))
	s, err := owner.OpenStatement(unhex(t, signed), a, o.Now)
	reason := ""
	if refused := (*owner.StatementError)(nil); errors.As(err, &refused) {
		reason = string(refused.Reason)
	}
	if reason != o.Reason || (s == nil) == (reason == "") {
		t.Errorf("OpenStatement = %v, %v; want %q", s, err, o.Reason)
	}
	return err
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
