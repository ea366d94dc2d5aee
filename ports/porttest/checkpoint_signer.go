package porttest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports"
)

// SigningFixture is a signer that has signed nothing yet.
type SigningFixture struct {
	Signer ports.CheckpointSigner
	Origin string // of the checkpoints that it signs
	Key    owner.PublicKey
	// Leaves are the hashes of all entries of the ledger that the signer can know
	// of, at least ten, each of which was appended alone.
	Leaves []merkle.Hash
}

// TestCheckpointSigner is the contract of ports.CheckpointSigner.
func TestCheckpointSigner(t *testing.T, newFixture func(*testing.T) *SigningFixture) {
	t.Helper()
	tests := map[string]func(*testing.T, *SigningFixture){
		"Chain":   signerChain,
		"Again":   signerAgain,
		"Refuses": signerRefuses,
		"Unheard": signerUnheard,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newFixture(t)) })
	}
}

// signing is what a signer is asked.
type signing struct {
	checkpoint *ledger.Checkpoint
	frontier   *merkle.Frontier
	proof      *ledger.Consistency
}

// ask returns the checkpoint of the first entries, and the proof that it continues
// an older size.
func (f *SigningFixture) ask(t *testing.T, leaves []merkle.Hash, older, size int) *signing {
	t.Helper()
	tree := merkle.NewTree(leaves[:size])
	s := &signing{checkpoint: &ledger.Checkpoint{Origin: f.Origin, Head: tree.Head()}, frontier: &merkle.Frontier{}}
	for _, leaf := range leaves[:size] {
		s.frontier.Append(leaf)
	}
	if older == 0 {
		return s
	}
	path, err := tree.ConsistencyPath(uint64(older))
	if err != nil {
		t.Fatal(err)
	}
	s.proof = &ledger.Consistency{Older: merkle.NewTree(leaves[:older]).Head(), Path: path}
	return s
}

func (f *SigningFixture) signs(t *testing.T, s *signing) {
	t.Helper()
	note, err := f.Signer.SignCheckpoint(t.Context(), s.checkpoint, s.frontier, s.proof)
	if err != nil {
		t.Fatalf("signing %d entries: %v", s.checkpoint.Head.Size, err)
	}
	if opened, err := ledger.OpenCheckpoint(note, f.Origin, f.Key, nil, 0); err != nil || *opened != *s.checkpoint {
		t.Fatalf("what was signed opens as %+v, %v", opened, err)
	}
}

func (f *SigningFixture) refuses(t *testing.T, name string, s *signing) {
	t.Helper()
	note, err := f.Signer.SignCheckpoint(t.Context(), s.checkpoint, s.frontier, s.proof)
	if !errors.Is(err, ledger.ErrCheckpoint) || note != nil {
		t.Errorf("%s: %d bytes, %v, want ErrCheckpoint", name, len(note), err)
	}
}

// others are entries that never were, behind so many that were.
func (f *SigningFixture) others(after int) []merkle.Hash {
	leaves := append([]merkle.Hash{}, f.Leaves[:after]...)
	for i := after; i < len(f.Leaves); i++ {
		leaves = append(leaves, merkle.LeafHash(fmt.Appendf(nil, "other %d", i)))
	}
	return leaves
}

func signerChain(t *testing.T, f *SigningFixture) {
	t.Helper()
	older := 0
	for _, size := range []int{1, 2, 5, 8, 9, 10} {
		f.signs(t, f.ask(t, f.Leaves, older, size))
		older = size
	}
}

// signerAgain: what was signed last is signed again, without proof.
func signerAgain(t *testing.T, f *SigningFixture) {
	t.Helper()
	f.signs(t, f.ask(t, f.Leaves, 0, 7))
	f.signs(t, f.ask(t, f.Leaves, 0, 7))
}

// signerUnheard: what the ledger never was is not signed, whatever was signed
// before.
func signerUnheard(t *testing.T, f *SigningFixture) {
	t.Helper()
	f.refuses(t, "made up, and the first", f.ask(t, f.others(0), 0, 7))
	f.refuses(t, "made up, and as long as the ledger", f.ask(t, f.others(0), 0, len(f.Leaves)))
	s := f.ask(t, f.Leaves, 0, 7)
	for name, frontier := range map[string]*merkle.Frontier{
		"no frontier": nil, "that of another size": f.ask(t, f.Leaves, 0, 6).frontier, "that of another ledger": f.ask(t, f.others(0), 0, 7).frontier,
	} {
		f.refuses(t, name, &signing{s.checkpoint, frontier, nil})
		f.refuses(t, "made up, with "+name, &signing{f.ask(t, f.others(5), 0, 7).checkpoint, frontier, nil})
	}
	f.signs(t, s)
	f.refuses(t, "goes on from what was signed as it never did", f.ask(t, f.others(7), 7, 9))
	f.signs(t, f.ask(t, f.Leaves, 7, 9))
}

func signerRefuses(t *testing.T, f *SigningFixture) {
	t.Helper()
	f.signs(t, f.ask(t, f.Leaves, 0, 7))
	for name, tt := range map[string]struct {
		leaves      []merkle.Hash
		older, size int
	}{
		"a rollback":        {f.Leaves, 0, 6},
		"no proof":          {f.Leaves, 0, 9},
		"a proof of before": {f.Leaves, 5, 9},
		"a fork":            {f.others(0), 7, 9},
		"another of a size": {f.others(0), 0, 7},
	} {
		f.refuses(t, name, f.ask(t, tt.leaves, tt.older, tt.size))
	}
	foreign := f.ask(t, f.Leaves, 7, 9)
	foreign.checkpoint.Origin += "0"
	f.refuses(t, "another origin", foreign)
	f.signs(t, f.ask(t, f.Leaves, 7, 9))
}
