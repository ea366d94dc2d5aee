package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// ErrInUse is wrapped where another server has the folder.
var ErrInUse = errors.New("the folder is another server's")

// stagingName is the folder in which sockets are made. With what is in it, it is
// shorter than any socket's own name: a path that fits leaves room for it.
const stagingName = ".new"

// folder is where the sockets stand. As long as it is held it is locked, so that
// every socket found in it was left by a server that is gone.
type folder struct {
	path string
	lock *os.File
}

// openFolder makes the folder with mode 0700 where it is missing. One that is
// there must be ours, and nobody else may write to it: who can rename in it can
// put a socket of their own in a socket's place.
func openFolder(path string) (*folder, error) {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making the folder: %w", err)
	}
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	f := &folder{path: path, lock: dir}
	if err := f.claim(); err != nil {
		_ = dir.Close()
		return nil, err
	}
	return f, nil
}

func (f *folder) claim() error {
	info, err := f.lock.Stat()
	if err != nil {
		return fmt.Errorf("looking at the folder: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("the folder %s (%s) must be this user's, and nobody else may write to it", f.path, info.Mode())
	}
	err = syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%w: %s", ErrInUse, f.path)
	} else if err != nil {
		return fmt.Errorf("locking the folder: %w", err)
	}
	return nil
}

// listen puts a socket at the path, which lies in the folder, in place of one that
// a dead server left. The socket is made in a folder that nobody else may enter,
// gets its owner and mode there and is then moved: at no time can anybody reach
// it who could not later.
func (f *folder) listen(path string, access *Access) (*net.UnixListener, error) {
	if err := checkVacant(path); err != nil {
		return nil, err
	}
	staging := filepath.Join(f.path, stagingName)
	if err := os.RemoveAll(staging); err != nil {
		return nil, fmt.Errorf("removing what was left: %w", err)
	}
	if err := os.Mkdir(staging, 0o700); err != nil {
		return nil, fmt.Errorf("making the socket's first folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(staging) }()
	return listenAndMove(filepath.Join(staging, "s"), path, access)
}

func listenAndMove(from, to string, access *Access) (*net.UnixListener, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: from})
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	// The name that the listener knows is gone after the move.
	listener.SetUnlinkOnClose(false)
	err = os.Chmod(from, fs.FileMode(access.mode()))
	if err == nil && access.Group != nil {
		err = os.Chown(from, -1, int(*access.Group))
	}
	if err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("putting the socket in its place: %w", err)
	}
	return listener, nil
}

// checkVacant refuses to replace what is not a socket.
func checkVacant(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("looking at the socket's place: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is in the socket's place and is none (%s)", path, info.Mode())
	}
	return nil
}

// close gives the folder back. The sockets in it must be gone.
func (f *folder) close() error { return f.lock.Close() }
