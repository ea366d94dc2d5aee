package ledger

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/asterism-k8s/asterism/domain/owner"
)

const timestampSize = 8

// Witness is somebody who looks at a ledger from outside, and cosigns the
// checkpoints that continue each other.
type Witness struct {
	Name string
	Key  owner.PublicKey
}

// Cosign appends a witness's cosignature of a time (whole seconds from 1970 on) to
// a note (C2SP tlog-cosignature, cosignature/v1). The function signs with the
// private half of the witness's key; what it returns is checked. Whether the
// checkpoint continues what the witness has seen, Compare says.
//
// The error is the function's, or wraps ErrCheckpoint.
func Cosign(data []byte, w Witness, at time.Time, sign func(message []byte) ([]byte, error)) ([]byte, error) {
	n, err := parseNote(data)
	if err != nil {
		return nil, err
	}
	if !isKeyName(w.Name) || at.Unix() < 0 {
		return nil, fmt.Errorf("%w: witness %.64q, time %v", ErrCheckpoint, w.Name, at)
	}
	message := cosigned(n.text, uint64(at.Unix()))
	value, err := sign(message)
	if err != nil {
		return nil, fmt.Errorf("cosigning a checkpoint: %w", err)
	}
	if !ed25519.Verify(w.Key[:], message, value) {
		return nil, fmt.Errorf("%w: what was signed does not verify with the key of witness %q", ErrCheckpoint, w.Name)
	}
	stamped := append(binary.BigEndian.AppendUint64(nil, uint64(at.Unix())), value...)
	s := signature{w.Name, keyID(w.Name, cosignatureType, w.Key), stamped}
	return append(slices.Clone(data), s.line()...), nil
}

// cosigned returns what a witness signs.
func cosigned(text string, seconds uint64) []byte {
	return []byte("cosignature/v1\ntime " + strconv.FormatUint(seconds, 10) + "\n" + text)
}

// cosignedBy wants the cosignatures of so many witnesses. Two entries of the list
// with one key are one witness: cosignatures do not cover names.
func (n *note) cosignedBy(witnesses []Witness, need int) error {
	holds := map[owner.PublicKey]struct{}{}
	for i := range witnesses {
		signed, err := n.cosignature(&witnesses[i])
		if err != nil {
			return err
		}
		if signed {
			holds[witnesses[i].Key] = struct{}{}
		}
	}
	if len(holds) < need {
		return fmt.Errorf("%w: %d witnesses cosigned it, want %d", ErrCheckpoint, len(holds), need)
	}
	return nil
}

func (n *note) cosignature(w *Witness) (bool, error) {
	value, err := n.signature(w.Name, keyID(w.Name, cosignatureType, w.Key))
	if err != nil || value == nil {
		return false, err
	}
	if len(value) != timestampSize+ed25519.SignatureSize {
		return false, fmt.Errorf("%w: the cosignature of %q has %d bytes", ErrCheckpoint, w.Name, len(value))
	}
	seconds := binary.BigEndian.Uint64(value)
	if seconds >= 1<<63 || !ed25519.Verify(w.Key[:], cosigned(n.text, seconds), value[timestampSize:]) {
		return false, fmt.Errorf("%w: the cosignature of %q does not hold", ErrCheckpoint, w.Name)
	}
	return true, nil
}
