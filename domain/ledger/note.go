package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/asterism-k8s/asterism/domain/owner"
)

// Bounds of signed checkpoints.
const (
	MaxNoteSize   = 16 << 10 // bytes
	MaxSignatures = 64
	maxSignature  = 8 << 10 // bytes of base64: what is unknown may be of another algorithm
)

// Types of signatures (C2SP signed-note, Signature types).
const (
	ed25519Type     = 0x01
	cosignatureType = 0x04
)

const (
	keyIDSize     = 4
	signatureMark = "— "
)

// signature is a line of a note below its text.
type signature struct {
	name  string
	keyID [keyIDSize]byte
	value []byte
}

// note is a signed note (C2SP signed-note).
type note struct {
	text       string
	signatures []signature
}

// keyID returns SHA-256(name ‖ "\n" ‖ type ‖ key), cut to four bytes.
func keyID(name string, kind byte, key owner.PublicKey) [keyIDSize]byte {
	data := append([]byte(name+"\n"), kind)
	sum := sha256.Sum256(append(data, key[:]...))
	return [keyIDSize]byte(sum[:keyIDSize])
}

// SignNote returns a checkpoint as a signed note (C2SP signed-note, type Ed25519),
// its key named by the checkpoint's origin. The function signs with the private
// half of key, which stays where it is; what it returns is checked.
//
// The error is the function's, or wraps ErrCheckpoint.
func SignNote(c *Checkpoint, key owner.PublicKey, sign func(message []byte) ([]byte, error)) ([]byte, error) {
	body, err := c.Body()
	if err != nil {
		return nil, err
	}
	value, err := sign(body)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint of %d entries: %w", c.Head.Size, err)
	}
	if !ed25519.Verify(key[:], body, value) {
		return nil, fmt.Errorf("%w: what was signed does not verify with key %v", ErrCheckpoint, key)
	}
	s := signature{c.Origin, keyID(c.Origin, ed25519Type, key), value}
	return append(append(body, '\n'), s.line()...), nil
}

// line returns the line of a signature.
func (s *signature) line() string {
	return signatureMark + s.name + " " + base64.StdEncoding.EncodeToString(append(s.keyID[:], s.value...)) + "\n"
}

// OpenCheckpoint reads a signed note and returns its checkpoint if the ledger of
// that origin signed it with that key, and at least need of the witnesses
// cosigned it. Signatures of others count for nothing, and are no harm: one day a
// ledger may sign with two keys (C2SP tlog-checkpoint, Signatures).
//
// The error wraps ErrCheckpoint. A known signer's signature that does not hold
// spoils the note.
func OpenCheckpoint(data []byte, origin string, key owner.PublicKey, witnesses []Witness, need int) (*Checkpoint, error) {
	n, err := parseNote(data)
	if err != nil {
		return nil, err
	}
	if err := n.signedBy(origin, key); err != nil {
		return nil, err
	}
	c, err := parseBody(n.text)
	if err != nil {
		return nil, err
	}
	if c.Origin != origin {
		return nil, fmt.Errorf("%w: it is of %q, not of %q", ErrCheckpoint, c.Origin, origin)
	}
	if err := n.cosignedBy(witnesses, need); err != nil {
		return nil, err
	}
	return c, nil
}

// signedBy wants exactly one signature of a ledger's key.
func (n *note) signedBy(name string, key owner.PublicKey) error {
	value, err := n.signature(name, keyID(name, ed25519Type, key))
	switch {
	case err != nil:
		return err
	case value == nil:
		return fmt.Errorf("%w: no signature of %q with the ledger's key", ErrCheckpoint, name)
	case !ed25519.Verify(key[:], []byte(n.text), value):
		return fmt.Errorf("%w: the signature of %q does not hold", ErrCheckpoint, name)
	default:
		return nil
	}
}

// signature returns the value of the only signature of a key, nil where there is
// none.
func (n *note) signature(name string, id [keyIDSize]byte) ([]byte, error) {
	var value []byte
	for i := range n.signatures {
		if s := &n.signatures[i]; s.name == name && s.keyID == id {
			if value != nil {
				return nil, fmt.Errorf("%w: %q signed it twice", ErrCheckpoint, name)
			}
			value = s.value
		}
	}
	return value, nil
}

// parseNote takes a note apart. It verifies nothing.
func parseNote(data []byte) (*note, error) {
	if len(data) > MaxNoteSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrCheckpoint, len(data), MaxNoteSize)
	}
	text, below, found := strings.Cut(string(data), "\n\n")
	if !found || !strings.HasSuffix(below, "\n") {
		return nil, fmt.Errorf("%w: want a text, an empty line, and lines of signatures", ErrCheckpoint)
	}
	n := &note{text: text + "\n"}
	lines := strings.Split(strings.TrimSuffix(below, "\n"), "\n")
	if len(lines) > MaxSignatures {
		return nil, fmt.Errorf("%w: %d signatures, at most %d", ErrCheckpoint, len(lines), MaxSignatures)
	}
	for i, line := range lines {
		s, err := parseSignature(line)
		if err != nil {
			return nil, fmt.Errorf("%w: signature %d: %w", ErrCheckpoint, i, err)
		}
		n.signatures = append(n.signatures, *s)
	}
	return n, nil
}

func parseSignature(line string) (*signature, error) {
	rest, found := strings.CutPrefix(line, signatureMark)
	name, text, separated := strings.Cut(rest, " ")
	if !found || !separated || !isKeyName(name) {
		return nil, fmt.Errorf("%.64q is not a line with a name and a signature", line)
	}
	if len(text) > maxSignature {
		return nil, fmt.Errorf("%d characters, at most %d", len(text), maxSignature)
	}
	value, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(value) <= keyIDSize || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%.64q is not the base64 of a key ID and a signature", text)
	}
	return &signature{name, [keyIDSize]byte(value[:keyIDSize]), value[keyIDSize:]}, nil
}
