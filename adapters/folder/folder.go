package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// ErrInUse is wrapped where another process, or another opening, has the folder.
var ErrInUse = errors.New("the folder is in use")

// fresh is where files are written before they get their names.
const fresh = ".new"

// folder is an opened folder.
type folder struct {
	disk disk
	lock *os.File // nil in tests of the disk

	mu      sync.Mutex      // held by who writes
	made    map[string]bool // folders of which it is known that they last
	written uint64          // files, which numbers them below fresh
}

// open makes the folder where there is none, locks it, and removes what a crash
// left half written. The error wraps ErrInUse.
func open(name string) (*folder, error) {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder: %w", err)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	lock, err := lockFolder(root)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	f, err := prepare(rooted{root})
	if err != nil {
		return nil, errors.Join(err, lock.Close(), root.Close())
	}
	f.lock = lock
	return f, nil
}

// lockFolder locks the folder until the file is closed or the process ends.
func lockFolder(root *os.Root) (*os.File, error) {
	file, err := root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(ErrInUse, file.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the folder: %w", err), file.Close())
	}
	return file, nil
}

// close gives the folder up.
func (f *folder) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.disk.(rooted)
	if !ok {
		return nil
	}
	return errors.Join(f.lock.Close(), r.root.Close())
}

// prepare empties the place for files that are being written.
func prepare(d disk) (*folder, error) {
	f := &folder{disk: d, made: map[string]bool{".": true}}
	if err := f.ensure(fresh); err != nil {
		return nil, err
	}
	names, err := d.names(fresh)
	if err != nil {
		return nil, fmt.Errorf("listing what a crash left: %w", err)
	}
	for _, name := range names {
		if err := d.remove(path.Join(fresh, name)); err != nil {
			return nil, fmt.Errorf("removing what a crash left: %w", err)
		}
	}
	return f, nil
}

// ensure makes a folder, and those above it, and makes them last.
func (f *folder) ensure(name string) error {
	if f.made[name] {
		return nil
	}
	above := path.Dir(name)
	if err := f.ensure(above); err != nil {
		return err
	}
	if err := f.disk.mkdir(name); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making folder %s: %w", name, err)
	}
	// Also where it was there: whoever made it may have crashed before this.
	if err := f.disk.sync(above); err != nil {
		return fmt.Errorf("syncing folder %s: %w", above, err)
	}
	f.made[name] = true
	return nil
}

// file is one that is to be written.
type file struct {
	name    string
	content []byte
}

// write puts the files durably in their places. The caller holds the mutex.
func (f *folder) write(files []file) error {
	folders := make(map[string]bool, len(files))
	for _, each := range files {
		if err := f.put(each); err != nil {
			return fmt.Errorf("writing %s: %w", each.name, err)
		}
		folders[path.Dir(each.name)] = true
	}
	for _, name := range sorted(folders) {
		if err := f.disk.sync(name); err != nil {
			return fmt.Errorf("syncing folder %s: %w", name, err)
		}
	}
	return nil
}

// makeLast makes the name of a file last that was there before: whoever gave it
// may have crashed before it did.
func (f *folder) makeLast(name string) error {
	if err := f.ensure(path.Dir(name)); err != nil {
		return err
	}
	if err := f.disk.sync(path.Dir(name)); err != nil {
		return fmt.Errorf("syncing folder %s: %w", path.Dir(name), err)
	}
	return nil
}

// put gives a file its name. It is not lasting before its folder is synced.
func (f *folder) put(each file) error {
	if err := f.ensure(path.Dir(each.name)); err != nil {
		return err
	}
	f.written++
	temporary := path.Join(fresh, strconv.FormatUint(f.written, 10))
	err := f.disk.create(temporary, each.content)
	if err == nil {
		err = f.disk.sync(temporary)
	}
	if err == nil {
		err = f.disk.rename(temporary, each.name)
	}
	if err != nil {
		_ = f.disk.remove(temporary) // else the next opening does
	}
	return err
}

func sorted(set map[string]bool) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
