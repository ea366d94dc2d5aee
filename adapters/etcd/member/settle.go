package member

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

// unsettled is the file in a member's folder which says that what it holds comes
// from another cluster. It is there until the folder has been settled.
const unsettled = "unsettled"

// cutEntries is how many entries of raft's log are more than enough for etcd to
// cut the log off, if it is to do so after each.
const cutEntries = 3

// errWhole says that a log has not been cut off.
var errWhole = errors.New("the log of a member begins at its beginning")

// markUnsettled makes the next start settle the folder.
func markUnsettled(folder string) error {
	file, err := os.OpenFile(filepath.Join(folder, unsettled), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("marking the folder of a member: %w", err)
	}
	return errors.Join(file.Sync(), file.Close(), syncFolder(folder))
}

// exists says whether a member's folder holds something of that name.
func (c *Config) exists(name string) (bool, error) {
	_, err := os.Lstat(filepath.Join(c.Folder, "member", name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking into the folder of a member: %w", err)
	}
	return true, nil
}

// settle makes what is in the folder a cluster of this member alone before any
// client may speak to it, if that has not been done. It starts the member once, so
// that all that its log holds is in its backend. The log is then cut off: members
// that join later receive the backend instead of a log that does not hold what was
// there before. And revisions leap. A crash leaves the mark, and everything can be
// done twice.
func settle(ctx context.Context, config Config) error {
	marked, err := config.exists(unsettled)
	if err != nil || !marked {
		return err
	}
	config.Peers, config.Join = nil, false
	m, err := launch(ctx, config, true)
	if err != nil {
		return err
	}
	err = m.cutLog(ctx)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := errors.Join(err, m.Stop(stopping)); err != nil {
		return fmt.Errorf("settling a member of the store: %w", err)
	}
	folder := filepath.Join(config.Folder, "member")
	if err := errors.Join(demandCut(folder), leap(filepath.Join(folder, "snap", "db"))); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(folder, unsettled)); err != nil {
		return fmt.Errorf("settling a member of the store: %w", err)
	}
	return syncFolder(folder)
}

// cutLog lets entries of the log pass until it has been cut off. Questions about
// alarms are such entries, and change nothing.
func (m *Member) cutLog(ctx context.Context) error {
	for range cutEntries {
		if _, err := m.client.AlarmList(ctx); err != nil {
			return fmt.Errorf("cutting a log off: %w", err)
		}
	}
	return nil
}

// demandCut fails unless a log has been cut off.
func demandCut(folder string) error {
	cuts, err := wal.ValidSnapshotEntries(zap.NewNop(), filepath.Join(folder, "wal"))
	if err != nil {
		return fmt.Errorf("reading the log of a member: %w", err)
	}
	for _, cut := range cuts {
		if cut.GetIndex() > 0 {
			return nil
		}
	}
	return errWhole
}
