package endorsements

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// index is what must not be forgotten.
type index struct {
	Floor  time.Time       `json:"floor"`
	Newest map[string]high `json:"newest"` // by the name of the endorsement's file
}

// high is how new an endorsement was once seen to be.
type high struct {
	Number uint64    `json:"number"`
	Issued time.Time `json:"issued"`
}

// newer says whether h is newer than other.
func (h high) newer(other high) bool {
	return h.Number > other.Number || h.Number == other.Number && h.Issued.After(other.Issued)
}

// copyCount is how many files hold the index. They are written one after the
// other.
const copyCount = 2

func copyName(i int) string { return "index-" + strconv.Itoa(i) }

// raise remembers what was seen, and says whether it was news.
func (x *index) raise(name string, seen high) bool {
	known, found := x.Newest[name]
	news := !found || seen.newer(known)
	if news {
		x.Newest[name] = seen
	}
	return x.raiseFloor(seen.Issued) || news
}

func (x *index) raiseFloor(signed time.Time) bool {
	if !signed.After(x.Floor) {
		return false
	}
	x.Floor = signed
	return true
}

// joined is the index as its copies together have it.
type joined struct {
	*index
	none  bool // there is no copy
	stale bool // a copy is missing, damaged or behind
}

// readIndex joins the copies. The error wraps ErrDamaged where all that are there
// are damaged.
func readIndex(folder string) (*joined, error) {
	var intact []*index
	var damaged error
	for i := range copyCount {
		x := &index{}
		err := readFile(filepath.Join(folder, copyName(i)), x)
		switch {
		case err == nil:
			intact = append(intact, x)
		case errors.Is(err, errDamaged):
			damaged = err
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	if len(intact) == 0 && damaged != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, damaged)
	}
	return join(intact), nil
}

func join(intact []*index) *joined {
	j := &joined{index: &index{Newest: make(map[string]high)}, none: len(intact) == 0}
	for _, x := range intact {
		j.raiseFloor(x.Floor)
		for name, seen := range x.Newest {
			j.raise(name, seen)
		}
	}
	differs := func(x *index) bool { return !x.Floor.Equal(j.Floor) || !maps.Equal(x.Newest, j.Newest) }
	j.stale = len(intact) < copyCount || slices.ContainsFunc(intact, differs)
	return j
}

func (x *index) write(folder string) error {
	for i := range copyCount {
		if err := writeFile(filepath.Join(folder, copyName(i)), x); err != nil {
			return err
		}
	}
	return nil
}
