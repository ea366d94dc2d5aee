package ports

import (
	"context"
	"errors"
)

// Bounds of folders.
const (
	MaxLooseFile = 64 << 10 // bytes of a checkpoint or a head
	MaxBlobSize  = 4 << 20  // bytes of a blob
)

// HeadPath is where a copy of a ledger keeps how far it has come: a ledger.Head.
// It is no part of C2SP tlog-tiles and is not exported.
const HeadPath = "head"

// Errors of folders.
var (
	// ErrNoFile is wrapped where a folder holds no such tile or blob.
	ErrNoFile = errors.New("no such file")
	// ErrFileDamaged is wrapped where a file is not what was written: a blob whose
	// content does not hash to its name, a tile of another length.
	ErrFileDamaged = errors.New("the file is damaged")
	// ErrFileConflict is wrapped where a folder holds something else already that
	// does not change any more. Nothing was written.
	ErrFileConflict = errors.New("the folder holds something else")
	// ErrFolderFull is wrapped where there is no space left. What was there is there.
	ErrFolderFull = errors.New("the folder is full")
)

// Tiles is where a ledger's tiles lie, under the paths of C2SP tlog-tiles
// ("tile/0/x001/067", "tile/entries/000.p/8"), with two loose files: "checkpoint"
// and HeadPath. It only grows: what a tile begins with never changes. All methods
// may be called concurrently.
//
// The error wraps ledger.ErrTile where a path is none of these, or the content of
// a tile to write is not as long as its path says.
type Tiles interface {
	// ReadTile returns a file. Of a partial tile it returns the first hashes or
	// entries of whatever fuller one there is. The error wraps ErrNoFile where there
	// is none, or ErrFileDamaged.
	ReadTile(ctx context.Context, path string) ([]byte, error)
	// WriteTiles writes files durably and each of them whole: after a crash a file
	// has its old content or its new one. When it returns, all are on the disk. A
	// tile takes the place of those that are less full; where one that is as full
	// or fuller begins with it, nothing has to be written. Tiles that do not
	// continue what is there are refused with ErrFileConflict, and all the others
	// with them. The error wraps ErrFolderFull where the disk is full.
	WriteTiles(ctx context.Context, files map[string][]byte) error
}

// Blobs keeps evidence by its SHA-256. What does not hash to its name is never
// returned. All methods may be called concurrently.
type Blobs interface {
	// ReadBlob returns the content of that hash. The error wraps ErrNoFile or
	// ErrFileDamaged.
	ReadBlob(ctx context.Context, sha256 [32]byte) ([]byte, error)
	// WriteBlob keeps content durably, 1 to MaxBlobSize bytes, and returns its hash.
	// What is there already is no error, and what is there damaged is mended. The
	// error wraps ErrFolderFull where the disk is full.
	WriteBlob(ctx context.Context, content []byte) ([32]byte, error)
}
