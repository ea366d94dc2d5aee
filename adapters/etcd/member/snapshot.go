package member

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ErrSnapshot is wrapped where a snapshot is damaged or not one.
var ErrSnapshot = errors.New("not a snapshot of the store")

// ErrOccupied is wrapped where a folder holds a member already.
var ErrOccupied = errors.New("the folder holds a member of the store")

// drafts is how the names of folders begin that are being restored into.
const drafts = "restoring-"

// Snapshot writes all that the member knows: a file of etcd's backend with its
// SHA-256 at the end, as etcdctl does.
func (m *Member) Snapshot(ctx context.Context, w io.Writer) error {
	snapshot, err := m.client.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("taking a snapshot of the store: %w", err)
	}
	_, err = io.Copy(w, snapshot)
	if err := errors.Join(err, snapshot.Close()); err != nil {
		return fmt.Errorf("writing a snapshot of the store: %w", err)
	}
	return nil
}

// Restore fills an empty folder with a snapshot. Start with that folder and
// without Peers then founds a new cluster of one member, which holds what the
// snapshot holds. Revisions go on far above those of the snapshot, so that none
// that was given out after it comes back for another value, and everybody who
// watched is told of everything anew.
//
// The error wraps ErrSnapshot or ErrOccupied. After an error the folder holds no
// member.
func Restore(snapshot io.Reader, folder string) error {
	final := filepath.Join(folder, "member")
	if _, err := os.Lstat(final); err == nil {
		return fmt.Errorf("%w: %s", ErrOccupied, folder)
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("looking into the folder of a member: %w", err)
	}
	draft, err := newDraft(folder)
	if err != nil {
		return err
	}
	if err := fill(snapshot, draft); err != nil {
		return errors.Join(err, os.RemoveAll(draft))
	}
	if err := os.Rename(draft, final); err != nil {
		return errors.Join(fmt.Errorf("restoring a snapshot: %w", err), os.RemoveAll(draft))
	}
	return syncFolder(folder)
}

// newDraft makes a folder to restore into, in place of those that crashes have left:
// each may hold a whole store.
func newDraft(folder string) (string, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("making the folder of a member: %w", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", fmt.Errorf("looking for old drafts of a member: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), drafts) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
			return "", fmt.Errorf("removing an old draft of a member: %w", err)
		}
	}
	draft, err := os.MkdirTemp(folder, drafts)
	if err != nil {
		return "", fmt.Errorf("restoring a snapshot: %w", err)
	}
	return draft, nil
}

// fill makes a folder what "member" is in that of a member.
func fill(snapshot io.Reader, folder string) error {
	backends := filepath.Join(folder, "snap")
	if err := os.Mkdir(backends, 0o700); err != nil {
		return fmt.Errorf("restoring a snapshot: %w", err)
	}
	file := filepath.Join(backends, "db")
	if err := copyChecked(snapshot, file); err != nil {
		return err
	}
	if err := orphan(file); err != nil {
		return err
	}
	return errors.Join(syncFolder(backends), mark(folder, unsettled))
}

// copyChecked writes a snapshot to a file, without the hash at its end.
func copyChecked(snapshot io.Reader, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("restoring a snapshot: %w", err)
	}
	size, err := io.Copy(file, snapshot)
	if err == nil {
		err = cutHash(file, size-sha256.Size)
	}
	return errors.Join(err, file.Close())
}

// cutHash checks the hash that follows the content of that size, and cuts it off.
func cutHash(file *os.File, size int64) error {
	if size <= 0 {
		return fmt.Errorf("%w: it is too short", ErrSnapshot)
	}
	hash, want := sha256.New(), make([]byte, sha256.Size)
	if _, err := io.Copy(hash, io.NewSectionReader(file, 0, size)); err != nil {
		return fmt.Errorf("reading a snapshot: %w", err)
	}
	if _, err := file.ReadAt(want, size); err != nil {
		return fmt.Errorf("reading a snapshot: %w", err)
	}
	if !bytes.Equal(hash.Sum(nil), want) {
		return fmt.Errorf("%w: its hash is another one", ErrSnapshot)
	}
	return errors.Join(file.Truncate(size), file.Sync())
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing a member's folder: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}
