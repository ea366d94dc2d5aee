package asterismapp

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

const (
	tileFolder     = "tile/"
	evidenceFolder = "evidence/"
)

// ledgerFolder is an exported ledger. Nothing outside of it is read, whatever
// links lead there, and nothing is written.
type ledgerFolder struct {
	root     *os.Root
	tiles    []string // paths, sorted, as are those below
	evidence []string
	others   []string
}

// openLedger opens the folder of an export. The caller closes it. The error is an
// *inputError.
func (s *System) openLedger(name string) (*ledgerFolder, error) {
	root, err := os.OpenRoot(s.resolve(name))
	if err != nil {
		return nil, &inputError{fmt.Errorf("cannot open %s: %w", name, reason(err)), "Name the folder of an exported ledger, which holds its checkpoint."}
	}
	f := &ledgerFolder{root: root}
	if err := f.list(); err != nil {
		f.close()
		return nil, &inputError{fmt.Errorf("cannot read %s: %w", name, err), "Check that you may read all files and folders in it."}
	}
	return f, nil
}

func (f *ledgerFolder) close() { f.root.Close() } //nolint:errcheck // it was only read

// list sorts all files by what they may be.
func (f *ledgerFolder) list() error {
	return fs.WalkDir(f.root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
			return err
		case strings.HasPrefix(path, tileFolder):
			f.tiles = append(f.tiles, path)
		case isEvidence(path):
			f.evidence = append(f.evidence, path)
		case path != ledger.CheckpointPath:
			f.others = append(f.others, path)
		}
		return nil
	})
}

// isEvidence says whether evidence may lie there: evidence/ab/abcd… with the 64
// hexadecimal digits of a SHA-256.
func isEvidence(path string) bool {
	name := path[strings.LastIndex(path, "/")+1:]
	sum, err := hex.DecodeString(name)
	return err == nil && len(sum) == sha256.Size && path == evidencePath(name)
}

// evidencePath returns where evidence lies.
func evidencePath(hash string) string { return evidenceFolder + hash[:2] + "/" + hash }

// has says whether there is a file of evidence.
func (f *ledgerFolder) has(path string) bool {
	_, found := slices.BinarySearch(f.evidence, path)
	return found
}

// Tile makes a ledgerFolder ledger.Tiles.
func (f *ledgerFolder) Tile(path string) ([]byte, error) {
	return f.read(path, ledger.MaxBundleSize)
}

// read reads a file, one byte more than limit at most. The error wraps
// ledger.ErrNoTile where there is none.
func (f *ledgerFolder) read(path string, limit int) ([]byte, error) {
	// Opening a pipe that somebody put there must not block.
	file, err := f.root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("%w: %s", ledger.ErrNoTile, path)
	}
	if err != nil {
		return nil, reason(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	data, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return nil, reason(err)
	}
	return data, nil
}

// checkEvidence says what is wrong with a file of evidence, empty if it is what
// its name says.
func (f *ledgerFolder) checkEvidence(path string) string {
	data, err := f.read(path, ports.MaxBlobSize)
	switch sum := sha256.Sum256(data); {
	case err != nil:
		return err.Error()
	case len(data) > ports.MaxBlobSize:
		return fmt.Sprintf("it is too large: more than %d bytes", ports.MaxBlobSize)
	case evidencePath(hex.EncodeToString(sum[:])) != path:
		return "its content has another hash: it was changed or cut"
	default:
		return ""
	}
}
