package merkle_test

import (
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

func TestTreeRefusesWhatItDoesNotHold(t *testing.T) {
	empty, five := merkle.NewTree(nil), merkle.NewTree(numbered(5))
	cases := []struct {
		name string
		ask  func() ([]merkle.Hash, error)
		want error
	}{
		{"path in the empty tree", func() ([]merkle.Hash, error) { return empty.Path(0) }, merkle.ErrEmptyTree},
		{"path of a leaf beyond", func() ([]merkle.Hash, error) { return five.Path(5) }, merkle.ErrOutOfRange},
		{"path of a leaf far beyond", func() ([]merkle.Hash, error) { return five.Path(1 << 63) }, merkle.ErrOutOfRange},
		{"consistency in the empty tree", func() ([]merkle.Hash, error) { return empty.ConsistencyPath(1) }, merkle.ErrOutOfRange},
		{"consistency with nothing", func() ([]merkle.Hash, error) { return five.ConsistencyPath(0) }, merkle.ErrEmptyTree},
		{"consistency with a larger tree", func() ([]merkle.Hash, error) { return five.ConsistencyPath(6) }, merkle.ErrOutOfRange},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path, err := c.ask()
			if !errors.Is(err, c.want) || path != nil {
				t.Errorf("got %v, %v; want %v", path, err, c.want)
			}
		})
	}
}

func TestTreeSharesNoMemoryWithCallers(t *testing.T) {
	leaves := numbered(6)
	want := merkle.Root(leaves)
	tree := merkle.NewTree(leaves)
	clear(leaves)
	path, err := tree.Path(0)
	if err != nil {
		t.Fatal(err)
	}
	clear(path)
	again, err := tree.Path(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := merkle.VerifyInclusion(numbered(1)[0], 0, 6, again, want); err != nil {
		t.Errorf("tree changed with its caller's slices: %v", err)
	}
}
