package member

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

// Marks are files in a member's folder which say that what it holds is not, or not
// yet, a cluster of its own.
const (
	// unsettled is left by Restore, until the next start has settled the folder.
	unsettled = "unsettled"
	// recovering is there while Recover makes a member of a cluster the only one of
	// another. Nobody else may go on from there: it would end members that are well.
	recovering = "recovering"
)

// cutEntries is how many entries of raft's log are more than enough for etcd to
// cut the log off, if it is to do so after each.
const cutEntries = 3

// errWhole says that a log has not been cut off.
var errWhole = errors.New("the log of a member begins at its beginning")

// mark leaves a mark in the folder "member" of a member.
func mark(folder, name string) error {
	file, err := os.OpenFile(filepath.Join(folder, name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("marking the folder of a member: %w", err)
	}
	return errors.Join(file.Sync(), file.Close(), syncFolder(folder))
}

// unmark takes a mark away that may be there.
func (c *Config) unmark(name string) error {
	folder := filepath.Join(c.Folder, "member")
	if err := os.Remove(filepath.Join(folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("taking a mark off the folder of a member: %w", err)
	}
	return syncFolder(folder)
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

// settle does what a restored folder needs before its first start.
func settle(ctx context.Context, config Config) error {
	marked, err := config.exists(unsettled)
	if err != nil || !marked {
		return err
	}
	return isolate(ctx, config)
}

// takeOver makes what is in the folder of a member, which may have others, a cluster
// of its own. It leaves the mark that says so, for its caller to take off once the
// member serves. A mark that it made itself does not outlive a failure before etcd
// has touched the folder.
func takeOver(ctx context.Context, config Config) error {
	if err := config.rehearse(ctx); err != nil {
		return fmt.Errorf("recovering a member of the store: %w", err)
	}
	before, err := config.exists(recovering)
	if err != nil {
		return err
	}
	if err := mark(filepath.Join(config.Folder, "member"), recovering); err != nil {
		return err
	}
	err = isolate(ctx, config)
	if untouched(err) && !before {
		return errors.Join(err, config.unmark(recovering))
	}
	return err
}

// rehearse finds out what would keep a member from starting before anything of it
// is changed: the configuration, the certificates, the ports, the time.
func (c *Config) rehearse(ctx context.Context) error {
	conf, err := c.server(nil)
	if err != nil {
		return err
	}
	for _, files := range []transport.TLSInfo{conf.ClientTLSInfo, conf.PeerTLSInfo} {
		if c.Insecure {
			break
		}
		if err := readable(files); err != nil {
			return err
		}
	}
	for _, address := range []string{c.ClientAddress, c.PeerAddress} {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("trying the port of a member: %w", err)
		}
		if err := l.Close(); err != nil {
			return fmt.Errorf("trying the port of a member: %w", err)
		}
	}
	return ctx.Err()
}

// readable says why files do not authenticate anybody. etcd takes an authority's
// file without a certificate for an authority that nobody has.
func readable(files transport.TLSInfo) error {
	config, err := files.ServerConfig()
	switch {
	case err != nil:
		return fmt.Errorf("reading the certificate of a member: %w", err)
	case config.ClientCAs.Equal(x509.NewCertPool()):
		return fmt.Errorf("%w: %s holds no certificate", ErrConfig, files.TrustedCAFile)
	default:
		return nil
	}
}

// untouched says whether a start failed where etcd listens, which it does before it
// opens the folder.
func untouched(err error) bool {
	listening, ok := errors.AsType[*net.OpError](err)
	return ok && listening.Op == "listen"
}

// isolate makes what is in the folder a cluster of this member alone before any
// client may speak to it. It starts the member once, so that all that its log holds
// is in its backend. The log is then cut off: members that join later receive the
// backend instead of a log that does not hold what was there before. And revisions
// leap. A crash leaves the mark for which this is done, and everything can be done
// twice.
func isolate(ctx context.Context, config Config) error {
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
	return config.unmark(unsettled)
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
