package governing

import (
	"context"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/ports"
)

// page is how many directives are read at a time: with documents they may have
// authority.MaxSignedSize each.
const page = 32

// Load returns everything that the owner has said up to the newest directive, and
// the revision of the head, zero where nothing was said yet. It never returns an
// authority that is older than one that it returned before. Where nothing is new
// it costs one Get.
//
// Errors wrap ErrRolledBack, ErrStored (with the *authority.DirectiveError of the
// directive that does not follow), or are the store's. Nothing is then to be
// decided on what was loaded before.
func (g *Governor) Load(ctx context.Context) (*authority.Authority, ports.Revision, error) {
	s, err := g.load(ctx)
	if err != nil {
		return nil, 0, err
	}
	return s.authority, s.revision, nil
}

func (g *Governor) load(ctx context.Context) (*snapshot, error) {
	last := g.seen()
	head, revision, err := g.head(ctx)
	if err != nil {
		return nil, err
	}
	if err := g.behind(head, last); err != nil {
		return nil, err
	}
	if head == last.authority.Head() {
		return g.keep(&snapshot{last.authority, revision, last.hashes})
	}
	next, err := g.follow(ctx, last, head)
	if err != nil {
		return nil, err
	}
	next.revision = revision
	return g.keep(next)
}

// behind says whether the store's head is older than what was seen, or beside it.
func (g *Governor) behind(head authority.Head, last *snapshot) error {
	for _, seen := range []authority.Head{g.known, last.authority.Head()} {
		if head.Serial < seen.Serial || head.Serial == seen.Serial && head != seen {
			return fmt.Errorf("%w: its newest is %d, %v, and %d, %v was seen", ErrRolledBack, head.Serial, head.Hash, seen.Serial, seen.Hash)
		}
	}
	return nil
}

// follow applies the directives after the last one seen, up to the head. Those
// behind the head were committed after it was read.
func (g *Governor) follow(ctx context.Context, last *snapshot, head authority.Head) (*snapshot, error) {
	next := &snapshot{authority: last.authority, hashes: slices.Clip(last.hashes)}
	for next.authority.Head().Serial < head.Serial {
		after := next.authority.Head().Serial
		listing, err := g.store.List(ctx, ports.Directives, serialName(after), int(min(head.Serial-after, page)))
		if err != nil {
			return nil, fmt.Errorf("reading the owner's directives after %d: %w", after, err)
		}
		if len(listing.Items) == 0 {
			return nil, damaged("directive %d is missing, and the head names %d", after+1, head.Serial)
		}
		for _, item := range listing.Items {
			if err := g.apply(next, item); err != nil {
				return nil, err
			}
		}
	}
	if next.authority.Head() != head {
		return nil, damaged("directive %d is %v, and the head names %v", head.Serial, next.authority.Head().Hash, head.Hash)
	}
	return next, nil
}

// apply puts one more directive on what is being loaded.
func (g *Governor) apply(next *snapshot, item *ports.Item) error {
	serial := next.authority.Head().Serial + 1
	if item.Key != DirectiveKey(serial) {
		return damaged("directive %d is missing: %v comes next", serial, item.Key)
	}
	a, err := next.authority.Apply(item.Value)
	if err != nil {
		return damaged("%v: %w", item.Key, err)
	}
	if serial == g.known.Serial && a.Head() != g.known {
		return fmt.Errorf("%w: directive %d is %v, and %v was seen", ErrRolledBack, serial, a.Head().Hash, g.known.Hash)
	}
	next.authority = a
	next.hashes = append(next.hashes, [32]byte(a.Head().Hash.Bytes()))
	return nil
}
