package folder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"

	"github.com/asterism-k8s/asterism/ports"
)

// Blobs is evidence in a folder, one file each, at the first two hexadecimal digits
// of its SHA-256, a slash, and all 64.
type Blobs struct {
	*folder
	keep int   // blobs; zero: all
	ring *ring // nil where all are kept
}

var _ ports.Blobs = (*Blobs)(nil)

// Option says how blobs are kept.
type Option func(*Blobs)

// KeepLast keeps only the last n blobs that were written, at least one: a ring for
// what strangers can make a node write. Such a folder keeps nothing else. Which were
// the last outlives openings; after a loss of power it may be less exact.
func KeepLast(n int) Option { return func(b *Blobs) { b.keep = max(n, 1) } }

// OpenBlobs uses the folder, which is made where there is none. The caller closes
// it. The error wraps ErrInUse where another opening has it.
func OpenBlobs(name string, options ...Option) (*Blobs, error) {
	f, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the blobs in %s: %w", name, err)
	}
	b := &Blobs{folder: f}
	for _, option := range options {
		option(b)
	}
	if err := b.restore(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the blobs in %s: %w", name, err), f.close())
	}
	return b, nil
}

// Close gives the folder up.
func (b *Blobs) Close() error { return b.close() }

// blobPath returns where the blob lies.
func blobPath(sum [32]byte) string {
	name := hex.EncodeToString(sum[:])
	return path.Join(name[:2], name)
}

// ReadBlob implements ports.Blobs.
func (b *Blobs) ReadBlob(ctx context.Context, sum [32]byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading blob %x: %w", sum, err)
	}
	content, err := b.readBlob(sum)
	if err != nil {
		return nil, fmt.Errorf("reading blob %x: %w", sum, err)
	}
	return content, nil
}

func (b *Blobs) readBlob(sum [32]byte) ([]byte, error) {
	content, err := b.readBounded(blobPath(sum), ports.MaxBlobSize)
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(content) != sum {
		return nil, fmt.Errorf("%w: its content has another hash", ports.ErrFileDamaged)
	}
	return content, nil
}

// WriteBlob implements ports.Blobs.
func (b *Blobs) WriteBlob(ctx context.Context, content []byte) ([32]byte, error) {
	sum := sha256.Sum256(content)
	if err := ctx.Err(); err != nil {
		return [32]byte{}, fmt.Errorf("writing blob %x: %w", sum, err)
	}
	if len(content) == 0 || len(content) > ports.MaxBlobSize {
		return [32]byte{}, fmt.Errorf("writing a blob of %d bytes: want 1 to %d", len(content), ports.MaxBlobSize)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.writeBlob(sum, content); err != nil {
		return [32]byte{}, fmt.Errorf("writing blob %x: %w", sum, err)
	}
	return sum, nil
}

// writeBlob writes what is not there, or damaged. It makes room in the ring first,
// so that there never are more than the ring's.
func (b *Blobs) writeBlob(sum [32]byte, content []byte) error {
	name := blobPath(sum)
	if _, err := b.readBlob(sum); err == nil {
		if err := b.touch(sum); err != nil {
			return err
		}
		return b.makeLast(name)
	}
	if err := b.makeRoom(); err != nil {
		return err
	}
	if err := b.write([]file{{name, content}}); err != nil {
		return err
	}
	return b.touch(sum)
}
