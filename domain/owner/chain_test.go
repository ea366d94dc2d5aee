package owner_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// sampleChain leads from keys 1 to 3, two of which must sign, over 2 to 4, all
// of which must, to key 5.
func sampleChain(t testing.TB) []owner.Link {
	t.Helper()
	zero := first(2, 1, 2, 3)
	one := next(t, zero, 3, 2, 3, 4)
	two := next(t, one, 1, 5)
	return []owner.Link{{Document: encoded(t, zero)}, link(t, one, 1, 3), link(t, two, 2, 3, 4)}
}

func TestFollow(t *testing.T) {
	chain := sampleChain(t)
	id := idOf(t, first(2, 1, 2, 3))
	for n := 1; n <= len(chain); n++ {
		got, err := owner.Follow(id, chain[:n])
		if err != nil {
			t.Fatalf("%d documents: %v", n, err)
		}
		want, err := owner.DecodeDocument(chain[n-1].Document)
		if err != nil || !cmp.Equal(want, got) {
			t.Errorf("%d documents lead to %+v, want %+v", n, got, want)
		}
	}
}

func TestFollowRefuses(t *testing.T) {
	zero := first(2, 1, 2, 3)
	one := next(t, zero, 3, 2, 3, 4)
	stranger := first(1, 9)
	skipping := next(t, zero, 1, 5)
	skipping.Number = 2
	forked := next(t, zero, 1, 9)
	tests := map[string]func(chain []owner.Link) []owner.Link{
		"empty":                           func([]owner.Link) []owner.Link { return nil },
		"too long":                        func(c []owner.Link) []owner.Link { return append(c, make([]owner.Link, owner.MaxChain)...) },
		"of another owner":                func([]owner.Link) []owner.Link { return []owner.Link{{Document: encoded(t, stranger)}} },
		"signed first document":           func(c []owner.Link) []owner.Link { c[0] = link(t, zero, 1, 2, 3); return c },
		"without the first":               func(c []owner.Link) []owner.Link { return c[1:] },
		"a document left out":             func(c []owner.Link) []owner.Link { return append(c[:1], c[2]) },
		"a document twice":                func(c []owner.Link) []owner.Link { return append(c[:2], c[1:]...) },
		"a number left out":               func(c []owner.Link) []owner.Link { return append(c[:1], link(t, skipping, 1, 2)) },
		"too few signatures":              func(c []owner.Link) []owner.Link { c[1] = link(t, one, 1); return c },
		"no signatures":                   func(c []owner.Link) []owner.Link { c[2].Signatures = nil; return c },
		"signed by the new keys":          func(c []owner.Link) []owner.Link { c[1] = link(t, one, 2, 4); return c },
		"signed by the keys before":       func(c []owner.Link) []owner.Link { return append(c[:2], link(t, next(t, one, 1, 5), 1, 2, 3)) },
		"signatures of another document":  func(c []owner.Link) []owner.Link { c[1].Signatures = link(t, forked, 1, 2).Signatures; return c },
		"after another document":          func(c []owner.Link) []owner.Link { return append(c[:2], link(t, next(t, forked, 1, 5), 2, 3, 4)) },
		"garbage first":                   func(c []owner.Link) []owner.Link { c[0].Document = []byte("garbage"); return c },
		"garbage later":                   func(c []owner.Link) []owner.Link { c[2].Document = []byte("garbage"); return c },
		"a trailing byte in a first":      func(c []owner.Link) []owner.Link { c[0].Document = append(c[0].Document, 0); return c },
		"a first document in later place": func(c []owner.Link) []owner.Link { return append(c[:1], link(t, stranger, 1, 2)) },
	}
	id := idOf(t, zero)
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			if d, err := owner.Follow(id, change(sampleChain(t))); !errors.Is(err, owner.ErrChain) || d != nil {
				t.Errorf("Follow = %+v, %v; want ErrChain and nothing", d, err)
			}
		})
	}
}

// No owner has the zero ID, and a later document is nobody's first.
func TestFollowFromNobody(t *testing.T) {
	later := owner.Link{Document: sampleChain(t)[1].Document}
	if d, err := owner.Follow(keys.OwnerID{}, []owner.Link{later}); !errors.Is(err, owner.ErrChain) || d != nil {
		t.Errorf("Follow = %+v, %v; want ErrChain and nothing", d, err)
	}
}

func TestFollowTheLongestChain(t *testing.T) {
	d := first(1, 1)
	id, chain := idOf(t, d), []owner.Link{{Document: encoded(t, d)}}
	for len(chain) < owner.MaxChain {
		d = next(t, d, 1, 1)
		chain = append(chain, link(t, d, 1))
	}
	if got, err := owner.Follow(id, chain); err != nil || got.Number != owner.MaxChain-1 {
		t.Errorf("%d documents: %v", len(chain), err)
	}
	if _, err := owner.Follow(id, append(chain, link(t, next(t, d, 1, 1), 1))); !errors.Is(err, owner.ErrChain) {
		t.Errorf("one document more: %v, want ErrChain", err)
	}
}

// A fork that the owners signed is followed like any other: which one is right
// the ledger says. What must not happen is that one fork's documents continue
// the other.
func TestFollowKeepsForksApart(t *testing.T) {
	zero := first(1, 1)
	a, b := next(t, zero, 1, 2), next(t, zero, 1, 3)
	id := idOf(t, zero)
	head := owner.Link{Document: encoded(t, zero)}
	for _, fork := range []*owner.Document{a, b} {
		if _, err := owner.Follow(id, []owner.Link{head, link(t, fork, 1)}); err != nil {
			t.Errorf("fork: %v", err)
		}
	}
	crossed := []owner.Link{head, link(t, a, 1), link(t, next(t, b, 1, 4), 3)}
	if _, err := owner.Follow(id, crossed); !errors.Is(err, owner.ErrChain) {
		t.Errorf("crossed forks: %v, want ErrChain", err)
	}
}
