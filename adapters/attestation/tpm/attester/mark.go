package attester

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/go-eventlog/cel"
	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// ErrMarked is wrapped where the machine bears another mark already, or anything
// else was extended into the mark's register. Only a reboot takes that away.
var ErrMarked = errors.New("the register of the mark is in use")

// mark is what this machine was marked with, with the log that explains it. The
// zero value is none.
type mark struct {
	value [sha256.Size]byte // of the register
	log   []byte            // CEL, in TLV encoding
}

// Mark makes the machine a member of the owner's cluster until it reboots: it
// extends keys.MarkSHA256 into register 15 of the SHA-256 bank, and from then on
// evidence carries the record of it. A machine that bears that very mark is left
// as it is. The error wraps ErrMarked where the register holds anything else.
//
// A process that starts on a marked machine calls Mark again, with the IDs from
// where it keeps them: the record follows from them, so it is kept nowhere.
func (a *Attester) Mark(ctx context.Context, cluster keys.ClusterID, owner keys.OwnerID) error {
	m, err := newMark(cluster, owner)
	if err != nil {
		return fmt.Errorf("marking the machine: %w", err)
	}
	return a.tpm.use(ctx, "marking the machine", func(c *connection) error {
		if err := c.extendMark(keys.MarkSHA256(cluster, owner), m.value); err != nil {
			return err
		}
		a.tpm.mark = m
		return nil
	})
}

// newMark computes the register's value and the record: a Canonical Event Log
// (TCG CEL, version 1.0, section 5) with one record, whose content is what the
// digest was computed over.
func newMark(cluster keys.ClusterID, owner keys.OwnerID) (mark, error) {
	var m mark
	extend := func(_ crypto.Hash, _ int, digest []byte) error {
		if want := keys.MarkSHA256(cluster, owner); !bytes.Equal(digest, want[:]) {
			return errors.New("the record does not hash to the mark")
		}
		m.value = sha256.Sum256(append(make([]byte, sha256.Size), digest...))
		return nil
	}
	log := cel.NewPCR()
	if err := log.AppendEvent(markContent{cluster, owner}, []crypto.Hash{crypto.SHA256}, profile.MarkPCR, extend); err != nil {
		return mark{}, fmt.Errorf("recording the mark: %w", err)
	}
	var encoded bytes.Buffer
	if err := log.EncodeCEL(&encoded); err != nil {
		return mark{}, fmt.Errorf("encoding the mark's record: %w", err)
	}
	m.log = encoded.Bytes()
	return m, nil
}

// extendMark extends the digest where the register is still zero.
func (c *connection) extendMark(digest, want [sha256.Size]byte) error {
	values, err := c.readPCRs()
	if err != nil {
		return err
	}
	switch values[profile.MarkPCR] {
	case want:
		return nil
	case [sha256.Size]byte{}:
	default:
		return fmt.Errorf("%w: PCR %d is %x, want zero or %x", ErrMarked, profile.MarkPCR, values[profile.MarkPCR], want)
	}
	_, err = tpm2.PCRExtend{
		PCRHandle: tpm2.AuthHandle{Handle: profile.MarkPCR, Auth: tpm2.PasswordAuth(nil)},
		Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: profile.PCRBank, Digest: digest[:]}}},
	}.Execute(c.tpm)
	if err != nil {
		return fmt.Errorf("extending PCR %d: %w", profile.MarkPCR, err)
	}
	return c.checkMark(want)
}

// checkMark looks whether the TPM did what it was told.
func (c *connection) checkMark(want [sha256.Size]byte) error {
	values, err := c.readPCRs()
	if err != nil {
		return err
	}
	if values[profile.MarkPCR] != want {
		return fmt.Errorf("%w: PCR %d became %x, want %x", ErrMarked, profile.MarkPCR, values[profile.MarkPCR], want)
	}
	return nil
}

// explain returns the log where the registers bear the mark. A TPM that was
// reset does not, and a log beside it would explain what is not there.
func (m *mark) explain(pcrs *profile.PCRValues) []byte {
	if m.log == nil || pcrs[profile.MarkPCR] != m.value {
		return nil
	}
	return m.log
}

// markContent is the content of the record.
type markContent struct {
	cluster keys.ClusterID
	owner   keys.OwnerID
}

// GenerateDigest returns the hash of the content.
func (m markContent) GenerateDigest(h crypto.Hash) ([]byte, error) {
	if !h.Available() {
		return nil, fmt.Errorf("no hash function %d", h)
	}
	hash := h.New()
	hash.Write(keys.MarkContent(m.cluster, m.owner))
	return hash.Sum(nil), nil
}

// TLV returns the content as the record holds it.
func (m markContent) TLV() (cel.TLV, error) {
	return cel.TLV{Type: profile.MarkContentType, Value: keys.MarkContent(m.cluster, m.owner)}, nil
}
