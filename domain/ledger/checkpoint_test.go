package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// origin is that of all ledgers here.
func origin() string { return ledger.Origin(ledgertest.ClusterID()) }

func ledgerKey() owner.PublicKey { return ledgertest.Public(ledgertest.Key()) }

// witnesses returns so many.
func witnesses(names ...string) []ledger.Witness {
	var list []ledger.Witness
	for _, name := range names {
		list = append(list, ledger.Witness{Name: "example.com/" + name, Key: ledgertest.Public(ledgertest.Signer(name))})
	}
	return list
}

func signed(t testing.TB, c *ledger.Checkpoint, cosigners ...string) []byte {
	t.Helper()
	data, err := ledger.SignNote(c, ledgerKey(), ledgertest.Sign(ledgertest.Key()))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range cosigners {
		data, err = ledger.Cosign(data, witnesses(name)[0], time.Unix(1_700_000_000+int64(i), 0), ledgertest.Sign(ledgertest.Signer(name)))
		if err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// checkpointOf returns the checkpoint of a tree of so many entries.
func checkpointOf(n int) *ledger.Checkpoint {
	return &ledger.Checkpoint{Origin: origin(), Head: merkle.NewTree(leaves(n)).Head()}
}

func TestOrigin(t *testing.T) {
	if got := origin(); !strings.HasPrefix(got, "asterism.dev/ledger/") || len(got) != len("asterism.dev/ledger/")+64 {
		t.Errorf("origin %q", got)
	}
}

// The example of C2SP tlog-cosignature, whose keys are not published: what can be
// held against it is the text that they signed.
func TestBodyIsTheSpecifications(t *testing.T) {
	root, err := base64.StdEncoding.DecodeString("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
	if err != nil {
		t.Fatal(err)
	}
	c := &ledger.Checkpoint{Origin: "example.com/behind-the-sofa", Head: merkle.Head{Size: 20852163, Root: merkle.Hash(root)}}
	body, err := c.Body()
	if want := "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"; err != nil || string(body) != want {
		t.Errorf("Body = %q, %v", body, err)
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := checkpointOf(rapid.IntRange(0, 40).Draw(rt, "size"))
		got, err := ledger.OpenCheckpoint(signed(t, want), origin(), ledgerKey(), nil, 0)
		if err != nil || *got != *want {
			rt.Fatalf("OpenCheckpoint = %v, %v", got, err)
		}
	})
}

func TestCheckpointLikeOracle(t *testing.T) {
	c := checkpointOf(7)
	body, err := c.Body()
	if err != nil {
		t.Fatal(err)
	}
	vkey, err := note.NewEd25519VerifierKey(origin(), ledgertest.Key().Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(signed(t, c, "alice", "bob"), note.VerifierList(verifier))
	if err != nil || opened.Text != string(body) || len(opened.Sigs) != 1 || len(opened.UnverifiedSigs) != 2 {
		t.Fatalf("the oracle reads %+v, %v", opened, err)
	}
	// The checksum database has another first line, and the same two below.
	tree := strings.Replace(opened.Text, origin()+"\n", "go.sum database tree\n", 1)
	parsed, err := tlog.ParseTree([]byte(tree))
	if err != nil || parsed.N != 7 || merkle.Hash(parsed.Hash) != c.Head.Root {
		t.Errorf("the oracle reads size %d and root %v, %v", parsed.N, parsed.Hash, err)
	}
	ours, err := note.Sign(&note.Note{Text: string(body)}, oracleSigner{})
	if err != nil || !bytes.Equal(ours, signed(t, c)) {
		t.Errorf("the oracle signs %q, %v", ours, err)
	}
}

// oracleSigner is the ledger's key for the oracle. It finds its hash out by itself.
type oracleSigner struct{}

func (oracleSigner) Name() string { return origin() }

func (oracleSigner) KeyHash() uint32 {
	vkey, err := note.NewEd25519VerifierKey(origin(), ledgertest.Key().Public().(ed25519.PublicKey))
	if err != nil {
		return 0
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return 0
	}
	return verifier.KeyHash()
}

func (oracleSigner) Sign(message []byte) ([]byte, error) {
	return ed25519.Sign(ledgertest.Key(), message), nil
}

func TestSignNoteRefuses(t *testing.T) {
	bad := errors.New("no key today")
	good := checkpointOf(3)
	if data, err := ledger.SignNote(good, ledgerKey(), func([]byte) ([]byte, error) { return nil, bad }); !errors.Is(err, bad) || data != nil {
		t.Errorf("a failing key: %s, %v", data, err)
	}
	if data, err := ledger.SignNote(good, ledgerKey(), ledgertest.Sign(ledgertest.Signer("other"))); !errors.Is(err, ledger.ErrCheckpoint) || data != nil {
		t.Errorf("another key: %s, %v", data, err)
	}
	for name, c := range map[string]ledger.Checkpoint{
		"no origin":      {Head: good.Head},
		"with a space":   {Origin: "a b", Head: good.Head},
		"with a plus":    {Origin: "a+b", Head: good.Head},
		"with a newline": {Origin: "a\nb", Head: good.Head},
		"not ASCII":      {Origin: "é", Head: good.Head},
		"too long":       {Origin: strings.Repeat("a", 256), Head: good.Head},
		"too large":      {Origin: "a", Head: merkle.Head{Size: ledger.MaxSize + 1}},
		"empty, no root": {Origin: "a", Head: merkle.Head{}},
	} {
		if data, err := ledger.SignNote(&c, ledgerKey(), ledgertest.Sign(ledgertest.Key())); !errors.Is(err, ledger.ErrCheckpoint) || data != nil {
			t.Errorf("%s: %s, %v", name, data, err)
		}
	}
	longest := ledger.Checkpoint{Origin: strings.Repeat("a", 255), Head: merkle.Head{Size: ledger.MaxSize}}
	data, err := ledger.SignNote(&longest, ledgerKey(), ledgertest.Sign(ledgertest.Key()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ledger.OpenCheckpoint(data, longest.Origin, ledgerKey(), nil, 0); err != nil || *got != longest {
		t.Errorf("the longest: %v, %v", got, err)
	}
}

// resigned returns a text with the ledger's signature, whatever it says.
func resigned(text string) string {
	data, err := note.Sign(&note.Note{Text: text}, oracleSigner{})
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func TestOpenCheckpointRefuses(t *testing.T) {
	c := checkpointOf(7)
	good := string(signed(t, c))
	text, line, _ := strings.Cut(good, "\n\n")
	text += "\n"
	root := strings.Split(text, "\n")[2]
	for name, data := range map[string]string{
		"empty":                       "",
		"too long":                    good + strings.Repeat("x", ledger.MaxNoteSize),
		"no signatures":               text,
		"an empty signature block":    text + "\n",
		"no newline at the end":       strings.TrimSuffix(good, "\n"),
		"no empty line":               text + line,
		"another size":                strings.Replace(good, "\n7\n", "\n8\n", 1),
		"signature of another key":    strings.Replace(good, line, string(ledgerLine(t, c, "other")), 1),
		"signed twice":                good + line,
		"a broken signature":          strings.Replace(good, line, line[:len(line)-8]+"AAAA\n", 1),
		"not base64":                  strings.Replace(good, line, line[:len(line)-2]+"!\n", 1),
		"loose base64":                good + "— name " + "AAAAAAB=\n",
		"base64 in two lines":         good + "— name AAAA\nAAAA\n",
		"a carriage return":           good + "— name AAAA\rAAAA\n",
		"a signature without a mark":  good + "name AAAAAAAA\n",
		"a signature without a name":  good + "—  AAAAAAAA\n",
		"a signature without a value": good + "— name\n",
		"a value of a key ID alone":   good + "— name AAAAAA==\n",
		"a name with a plus":          good + "— a+b AAAAAAAA\n",
		"a huge signature":            good + "— name " + strings.Repeat("AAAA", 2<<10+1) + "\n",
		"too many signatures":         good + strings.Repeat("— name AAAAAAAA\n", ledger.MaxSignatures),
		"an extension line":           resigned(text + "extension\n"),
		"two lines":                   resigned(strings.TrimSuffix(text, root+"\n")),
		"a leading zero":              resigned(strings.Replace(text, "\n7\n", "\n07\n", 1)),
		"a plus":                      resigned(strings.Replace(text, "\n7\n", "\n+7\n", 1)),
		"a negative size":             resigned(strings.Replace(text, "\n7\n", "\n-7\n", 1)),
		"a size too large":            resigned(strings.Replace(text, "\n7\n", "\n9007199254740992\n", 1)),
		"a root too short":            resigned(strings.Replace(text, root, "AAAA", 1)),
		"a root that is none":         resigned(strings.Replace(text, root, root[:43]+"!", 1)),
		"a loose root":                resigned(strings.Replace(text, root, root[:42]+string(root[42]+1)+"=", 1)),
		"an empty tree with a root":   resigned(strings.Replace(text, "\n7\n", "\n0\n", 1)),
		"another origin":              resigned(strings.Replace(text, origin(), "asterism.dev/ledger/other", 1)),
		"spaces":                      resigned(strings.Replace(text, "\n7\n", "\n7 \n", 1)),
	} {
		if data == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		got, err := ledger.OpenCheckpoint([]byte(data), origin(), ledgerKey(), nil, 0)
		if !errors.Is(err, ledger.ErrCheckpoint) || got != nil {
			t.Errorf("%s: OpenCheckpoint = %v, %v", name, got, err)
		}
	}
	if _, err := ledger.OpenCheckpoint([]byte(good), origin(), ledgertest.Public(ledgertest.Signer("other")), nil, 0); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("for another key: %v", err)
	}
	if _, err := ledger.OpenCheckpoint([]byte(good), "other", ledgerKey(), nil, 0); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("for another origin: %v", err)
	}
}

// ledgerLine returns the signature of another key under the ledger's name.
func ledgerLine(t *testing.T, c *ledger.Checkpoint, name string) []byte {
	t.Helper()
	key := ledgertest.Signer(name)
	data, err := ledger.SignNote(c, ledgertest.Public(key), ledgertest.Sign(key))
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(data), "\n\n")
	return []byte(line)
}

// Signatures of others are no harm: a ledger's next key, other kinds of witnesses.
func TestOpenCheckpointIgnoresOthers(t *testing.T) {
	c := checkpointOf(7)
	good := string(signed(t, c))
	more := good + string(ledgerLine(t, c, "next")) + strings.Repeat("— name AAAAAAAA\n", ledger.MaxSignatures-2)
	if got, err := ledger.OpenCheckpoint([]byte(more), origin(), ledgerKey(), nil, 0); err != nil || *got != *c {
		t.Errorf("OpenCheckpoint = %v, %v", got, err)
	}
}

func TestWitnesses(t *testing.T) {
	c := checkpointOf(7)
	both := witnesses("alice", "bob")
	twice := []ledger.Witness{both[0], {Name: "example.com/alias", Key: both[0].Key}}
	alias := cosignAs(t, signed(t, c, "alice"), "example.com/alias", "alice")
	for name, tt := range map[string]struct {
		data      []byte
		witnesses []ledger.Witness
		need      int
		good      bool
	}{
		"none asked for":               {signed(t, c), nil, 0, true},
		"one of two":                   {signed(t, c, "bob"), both, 1, true},
		"two of two":                   {signed(t, c, "alice", "bob"), both, 2, true},
		"one where two are needed":     {signed(t, c, "alice"), both, 2, false},
		"none where one is needed":     {signed(t, c), both, 1, false},
		"a stranger":                   {signed(t, c, "eve"), both, 1, false},
		"a witness under another name": {alias, twice, 2, false},
		"more needed than there are":   {signed(t, c, "alice"), both[:1], 2, false},
		"a cosignature twice":          {cosignAs(t, signed(t, c, "alice"), "example.com/alice", "alice"), both, 1, false},
		"of another text":              {misplaced(t), both, 0, false},
	} {
		got, err := ledger.OpenCheckpoint(tt.data, origin(), ledgerKey(), tt.witnesses, tt.need)
		if (err == nil) != tt.good || err != nil && (!errors.Is(err, ledger.ErrCheckpoint) || got != nil) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func cosignAs(t *testing.T, data []byte, name, signer string) []byte {
	t.Helper()
	w := ledger.Witness{Name: name, Key: ledgertest.Public(ledgertest.Signer(signer))}
	data, err := ledger.Cosign(data, w, time.Unix(5, 0), ledgertest.Sign(ledgertest.Signer(signer)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// misplaced is a checkpoint with a cosignature of another.
func misplaced(t *testing.T) []byte {
	t.Helper()
	_, other, _ := strings.Cut(string(signed(t, checkpointOf(8), "alice")), "\n\n")
	_, line, _ := strings.Cut(other, "\n")
	return append(signed(t, checkpointOf(7)), line...)
}

// The time is under the cosignature, and so is its length.
func TestCosignatureBinds(t *testing.T) {
	data := string(signed(t, checkpointOf(7), "alice"))
	lines := strings.SplitAfter(data, "\n")
	line := lines[len(lines)-2]
	value := strings.TrimSuffix(line[strings.LastIndex(line, " ")+1:], "\n")
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	later := append([]byte(nil), raw...)
	later[11]++
	farOff := append([]byte(nil), raw...)
	farOff[4] = 0x80
	for name, changed := range map[string][]byte{"another time": later, "beyond all times": farOff, "cut": raw[:len(raw)-1], "longer": append(raw, 0)} {
		spoiled := strings.Replace(data, value, base64.StdEncoding.EncodeToString(changed), 1)
		if _, err := ledger.OpenCheckpoint([]byte(spoiled), origin(), ledgerKey(), witnesses("alice"), 0); !errors.Is(err, ledger.ErrCheckpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCosignRefuses(t *testing.T) {
	data := signed(t, checkpointOf(7))
	alice, sign := witnesses("alice")[0], ledgertest.Sign(ledgertest.Signer("alice"))
	bad := errors.New("no key today")
	for name, try := range map[string]func() ([]byte, error){
		"not a note": func() ([]byte, error) { return ledger.Cosign(data[1:20], alice, time.Unix(5, 0), sign) },
		"a bad name": func() ([]byte, error) {
			return ledger.Cosign(data, ledger.Witness{Name: "a b", Key: alice.Key}, time.Unix(5, 0), sign)
		},
		"a time before": func() ([]byte, error) { return ledger.Cosign(data, alice, time.Unix(-1, 0), sign) },
		"another's key": func() ([]byte, error) { return ledger.Cosign(data, witnesses("bob")[0], time.Unix(5, 0), sign) },
		"no key at hand": func() ([]byte, error) {
			return ledger.Cosign(data, alice, time.Unix(5, 0), func([]byte) ([]byte, error) { return nil, bad })
		},
	} {
		if got, err := try(); !errors.Is(err, ledger.ErrCheckpoint) && !errors.Is(err, bad) || got != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if got, err := ledger.Cosign(data, alice, time.Unix(0, 0), sign); err != nil {
		t.Errorf("in 1970: %s, %v", got, err)
	}
}
