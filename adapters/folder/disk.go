package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// disk is what a folder asks of a file system, step by step, so that tests can
// pull the plug between any two. Paths are relative to the folder, "." itself.
// Errors about what is not there wrap fs.ErrNotExist.
type disk interface {
	// create makes a file with that content, which a loss of power may take.
	create(path string, content []byte) error
	// sync makes the content of a file, or the names in a folder, last.
	sync(path string) error
	// rename gives a file another name, in place of whatever had it.
	rename(from, to string) error
	mkdir(path string) error
	remove(path string) error
	// names returns those in a folder, sorted. What is no folder is not there.
	names(path string) ([]string, error)
	// exists says whether a name is there, and a file.
	exists(path string) (bool, error)
	// written returns when a file was written last, or what it was stamped with since.
	written(path string) (time.Time, error)
	// stamp sets what written returns, which a loss of power may take.
	stamp(path string, at time.Time) error
	// read returns the content of a regular file, at most limit bytes and one.
	read(path string, limit int) ([]byte, error)
}

// rooted is the disk that os.Root leads to.
type rooted struct{ root *os.Root }

func (r rooted) create(path string, content []byte) error {
	file, err := r.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return full(err)
	}
	_, err = file.Write(content)
	return full(errors.Join(err, file.Close()))
}

// reading is how everything is opened that is there: a pipe or a link that somebody
// put in its place must neither block nor lead anywhere.
const reading = os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

func (r rooted) sync(path string) error {
	file, err := r.root.OpenFile(path, reading, 0)
	if err != nil {
		return err
	}
	return full(errors.Join(file.Sync(), file.Close()))
}

func (r rooted) rename(from, to string) error { return full(r.root.Rename(from, to)) }

func (r rooted) mkdir(path string) error { return full(r.root.Mkdir(path, 0o700)) }

func (r rooted) remove(path string) error { return r.root.Remove(path) }

func (r rooted) names(path string) ([]string, error) {
	folder, err := r.root.OpenFile(path, reading|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	names, err := folder.Readdirnames(-1)
	slices.Sort(names)
	return names, errors.Join(err, folder.Close())
}

func (r rooted) exists(path string) (bool, error) {
	info, err := r.root.Lstat(path)
	if err != nil && missing(err) {
		return false, nil
	}
	return err == nil && info.Mode().IsRegular(), err
}

func (r rooted) written(path string) (time.Time, error) {
	info, err := r.root.Lstat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

func (r rooted) stamp(path string, at time.Time) error { return r.root.Chtimes(path, at, at) }

func (r rooted) read(path string, limit int) ([]byte, error) {
	file, err := r.root.OpenFile(path, reading, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", ports.ErrFileDamaged)
	}
	return io.ReadAll(io.LimitReader(file, int64(limit)+1))
}

// full marks the errors of a disk without space.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: %w", ports.ErrFolderFull, err)
	}
	return err
}

// missing says that a file is not there, also where what should be a folder above
// it is a file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
