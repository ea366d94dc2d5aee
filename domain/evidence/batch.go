package evidence

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

const batchLabel = "asterism/batch/v1"

// Bounds of a batch.
const (
	MaxBatch    = 4096
	MaxPathSize = 8 + maxDepth*merkle.HashSize // bytes of an encoded Path

	maxDepth = 12 // log2(MaxBatch)
)

// ErrBatch is wrapped by every error about batches and paths.
var ErrBatch = errors.New("not a batch")

// Leaf is one binding's place in a batch. Only bindings make leaves.
type Leaf struct{ hash merkle.Hash }

// ReportDataSize is the length of report data in bytes, as TEE reports carry it.
const ReportDataSize = sha512.Size

// ReportData is what the hardware signs for a whole batch. TEE reports carry all
// of it.
type ReportData [ReportDataSize]byte

// Qualifying returns SHA-256 of the report data, which a TPM quote carries as
// its qualifying data.
func (d ReportData) Qualifying() [sha256.Size]byte { return sha256.Sum256(d[:]) }

// AttestationKey is SHA-256 of the public area (TPMT_PUBLIC) of the attestation
// key that signs a batch. The zero value is for platforms without a TPM.
type AttestationKey struct {
	present bool
	digest  [sha256.Size]byte
}

// HashAttestationKey returns the hash of an attestation key's public area as the
// TPM marshals it.
func HashAttestationKey(publicArea []byte) AttestationKey {
	return AttestationKey{present: true, digest: sha256.Sum256(publicArea)}
}

func (k *AttestationKey) bytes() []byte {
	if !k.present {
		return nil
	}
	return k.digest[:]
}

// Batch is a set of bindings that share one signature of the hardware.
type Batch struct {
	tree *merkle.Tree
	size uint32
	key  AttestationKey
}

// NewBatch makes a batch of 1 to MaxBatch leaves, signed by the attestation key.
func NewBatch(leaves []Leaf, key AttestationKey) (*Batch, error) {
	if len(leaves) == 0 || len(leaves) > MaxBatch {
		return nil, fmt.Errorf("%w: %d leaves, want 1 to %d", ErrBatch, len(leaves), MaxBatch)
	}
	hashes := make([]merkle.Hash, len(leaves))
	for i, leaf := range leaves {
		hashes[i] = leaf.hash
	}
	return &Batch{merkle.NewTree(hashes), uint32(len(leaves)), key}, nil
}

// ReportData returns what the hardware is to sign.
func (b *Batch) ReportData() ReportData { return reportData(b.tree.Root(), b.size, &b.key) }

// Path returns what the peer with the leaf at index needs beside the signature.
func (b *Batch) Path(index int) (Path, error) {
	hashes, err := b.tree.Path(uint64(index)) // a negative one is out of range too
	if err != nil {
		return Path{}, fmt.Errorf("%w: %w", ErrBatch, err)
	}
	return Path{uint32(index), b.size, hashes}, nil
}

// reportData computes
//
//	SHA-512("asterism/batch/v1" ‖ lp(root) ‖ lp(leaf count) ‖ lp(SHA-256 of the AK's public area))
//
// with the count as uint32 big-endian and the last field empty without a TPM.
func reportData(root merkle.Hash, size uint32, key *AttestationKey) ReportData {
	data := make([]byte, 0, 128)
	data = append(data, batchLabel...)
	data = lp.Append(data, root[:])
	data = lp.AppendUint32(data, size)
	data = lp.Append(data, key.bytes())
	return sha512.Sum512(data)
}

// Path leads from one peer's leaf to the root of the batch that it was signed
// in. It is untrusted: all that a wrong one does is to give other report data.
type Path struct {
	index, size uint32
	hashes      []merkle.Hash
}

// ReportData recomputes what the hardware must have signed if the leaf, which
// the caller made from its own session, was in the batch, and key was the
// attestation key.
func (p Path) ReportData(leaf Leaf, key AttestationKey) (ReportData, error) {
	root, err := merkle.RootFromInclusion(leaf.hash, uint64(p.index), uint64(p.size), p.hashes)
	if err != nil {
		return ReportData{}, fmt.Errorf("%w: %w", ErrBatch, err)
	}
	return reportData(root, p.size, &key), nil
}

// Encode returns the index and the size of the batch as uint32 big-endian, then
// the hashes from the leaf upwards, at most MaxPathSize bytes.
func (p Path) Encode() []byte {
	data := make([]byte, 0, 8+len(p.hashes)*merkle.HashSize)
	data = binary.BigEndian.AppendUint32(data, p.index)
	data = binary.BigEndian.AppendUint32(data, p.size)
	for i := range p.hashes {
		data = append(data, p.hashes[i][:]...)
	}
	return data
}

// DecodePath reads what Encode writes, and nothing else: the number of hashes
// must be the one that index and size demand.
func DecodePath(data []byte) (Path, error) {
	if len(data) < 8 {
		return Path{}, fmt.Errorf("%w: a path of %d bytes", ErrBatch, len(data))
	}
	p := Path{index: binary.BigEndian.Uint32(data), size: binary.BigEndian.Uint32(data[4:])}
	if p.size > MaxBatch {
		return Path{}, fmt.Errorf("%w: %d leaves, want 1 to %d", ErrBatch, p.size, MaxBatch)
	}
	want, err := merkle.PathLength(uint64(p.index), uint64(p.size))
	if err != nil {
		return Path{}, fmt.Errorf("%w: %w", ErrBatch, err)
	}
	if len(data) != 8+want*merkle.HashSize {
		return Path{}, fmt.Errorf("%w: the path of leaf %d of %d has %d hashes in %d bytes", ErrBatch, p.index, p.size, want, len(data))
	}
	for i := range want {
		p.hashes = append(p.hashes, merkle.Hash(data[8+i*merkle.HashSize:]))
	}
	return p, nil
}
