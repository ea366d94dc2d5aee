package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// errPower is what every call answers once the power is gone.
var errPower = errors.New("power is gone")

// powerDisk is a disk in memory that loses power after a number of steps. What was
// not synced may be lost then: the content of files, from some byte on, and names,
// each by itself, as if a file system had written them in any order.
type powerDisk struct {
	random *rand.Rand
	left   int // steps until the power is gone
	space  int // bytes that may still be written; negative: any number

	root *inode
	made []*change // names given and taken since they were last synced, in order
}

// inode is a file or a folder.
type inode struct {
	names   map[string]*inode // nil in files
	content []byte
	lasts   bool // the content does
}

// change gives a name in a folder to an inode, or takes it away where that is nil.
type change struct {
	folder *inode
	name   string
	to     *inode
	before *inode
}

func newPowerDisk(seed uint64) *powerDisk {
	return &powerDisk{random: rand.New(rand.NewPCG(seed, 0)), left: 1 << 30, space: -1, root: &inode{names: map[string]*inode{}}}
}

// step is one call that changes something.
func (d *powerDisk) step() error {
	d.left--
	if d.left < 0 {
		return errPower
	}
	return nil
}

func (d *powerDisk) find(name string) (*inode, error) {
	if name == "." {
		return d.root, nil
	}
	folder, err := d.find(path.Dir(name))
	if err != nil {
		return nil, err
	}
	if found := folder.names[path.Base(name)]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// set gives a name to an inode.
func (d *powerDisk) set(name string, to *inode) error {
	folder, err := d.find(path.Dir(name))
	if err != nil {
		return err
	}
	c := &change{folder, path.Base(name), to, folder.names[path.Base(name)]}
	d.made = append(d.made, c)
	c.apply(to)
	return nil
}

func (c *change) apply(to *inode) {
	if to == nil {
		delete(c.folder.names, c.name)
		return
	}
	c.folder.names[c.name] = to
}

func (d *powerDisk) create(name string, content []byte) error {
	if err := d.step(); err != nil {
		return err
	}
	if _, err := d.find(name); err == nil {
		return fs.ErrExist
	}
	if d.space >= 0 && len(content) > d.space {
		return errors.Join(ports.ErrFolderFull, d.set(name, &inode{content: content[:d.space]}))
	}
	if d.space >= 0 {
		d.space -= len(content)
	}
	return d.set(name, &inode{content: slices.Clone(content)})
}

func (d *powerDisk) sync(name string) error {
	if err := d.step(); err != nil {
		return err
	}
	node, err := d.find(name)
	if err != nil {
		return err
	}
	node.lasts = true
	d.made = slices.DeleteFunc(d.made, func(c *change) bool { return c.folder == node })
	return nil
}

func (d *powerDisk) rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	node, err := d.find(from)
	if err != nil {
		return err
	}
	return errors.Join(d.set(to, node), d.set(from, nil))
}

func (d *powerDisk) mkdir(name string) error {
	if err := d.step(); err != nil {
		return err
	}
	if _, err := d.find(name); err == nil {
		return fs.ErrExist
	}
	return d.set(name, &inode{names: map[string]*inode{}})
}

func (d *powerDisk) remove(name string) error {
	if err := d.step(); err != nil {
		return err
	}
	node, err := d.find(name)
	if err != nil {
		return err
	}
	if len(node.names) > 0 {
		return errors.New("the folder is not empty")
	}
	if node.names == nil && d.space >= 0 {
		d.space += len(node.content)
	}
	return d.set(name, nil)
}

func (d *powerDisk) names(name string) ([]string, error) {
	node, err := d.find(name)
	if err != nil {
		return nil, err
	}
	if node.names == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Sorted(maps.Keys(node.names)), nil
}

func (d *powerDisk) exists(name string) (bool, error) {
	node, err := d.find(name)
	return err == nil && node.names == nil, nil
}

func (d *powerDisk) written(string) (time.Time, error) { return time.Time{}, nil }

func (d *powerDisk) stamp(name string, _ time.Time) error {
	if _, err := d.find(name); err != nil {
		return err
	}
	return d.step()
}

func (d *powerDisk) read(name string, limit int) ([]byte, error) {
	node, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return slices.Clone(node.content[:min(len(node.content), limit+1)]), nil
}

// back is the disk as it is when the power is back. Of the names that were not
// synced some are as before, the newest first where they are of one name.
func (d *powerDisk) back() *powerDisk {
	d.left = 1 << 30
	undone := map[string]bool{}
	for _, c := range slices.Backward(d.made) {
		place := fmt.Sprintf("%p/%s", c.folder, c.name)
		if kept, seen := undone[place]; seen && !kept {
			continue // a later one of the name has lasted, and so has this
		}
		undone[place] = d.random.IntN(2) == 0
		if undone[place] {
			c.apply(c.before)
		}
	}
	d.made = nil
	d.lose(d.root)
	return d
}

// lose takes what was not synced from files.
func (d *powerDisk) lose(node *inode) {
	if node.names == nil && !node.lasts {
		node.content = node.content[:d.random.IntN(len(node.content)+1)]
	}
	node.lasts = true
	for _, name := range slices.Sorted(maps.Keys(node.names)) {
		d.lose(node.names[name])
	}
}
