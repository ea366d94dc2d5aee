package governing

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
)

// HeadKey is where the head of the directives lies: who decides on them has a
// condition on its revision.
func HeadKey() ports.Key { return ports.Key{Collection: ports.Heads, Name: "authority"} }

// DirectiveKey is where the signed directive of that serial lies.
func DirectiveKey(serial uint64) ports.Key {
	return ports.Key{Collection: ports.Directives, Name: serialName(serial)}
}

// StatementKey is where the signed cluster statement of that serial lies.
func StatementKey(serial uint64) ports.Key {
	return ports.Key{Collection: ports.Statements, Name: serialName(serial)}
}

// PolicyKey is where the attestation policy of that hash lies, in canonical form.
func PolicyKey(hash measurement.Digest) ports.Key {
	return ports.Key{Collection: ports.Policies, Name: hash.String()}
}

func recordKey(node join.Identity) ports.Key {
	return ports.Key{Collection: ports.Records, Name: node.String()}
}

func waitingKey(node join.Identity) ports.Key {
	return ports.Key{Collection: ports.Waiting, Name: node.String()}
}

// leaseKey is where it lies which node becomes a control-plane node.
func leaseKey() ports.Key { return ports.Key{Collection: ports.Leases, Name: "control-plane"} }

// serialName sorts as the serials do.
func serialName(serial uint64) string { return fmt.Sprintf("%020d", serial) }

// head returns the store's head and its revision, zero where there is none.
func (g *Governor) head(ctx context.Context) (authority.Head, ports.Revision, error) {
	data, revision, err := g.read(ctx, HeadKey())
	if err != nil || revision == 0 {
		return authority.Head{}, 0, err
	}
	h, err := authority.DecodeHead(data)
	if err != nil {
		return authority.Head{}, 0, damaged("their head: %w", err)
	}
	return h, revision, nil
}

// read returns the value and the revision of an item, zero where there is none.
func (g *Governor) read(ctx context.Context, key ports.Key) ([]byte, ports.Revision, error) {
	item, err := g.store.Get(ctx, key)
	if errors.Is(err, ports.ErrNoItem) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading %v: %w", key, err)
	}
	return item.Value, item.Revision, nil
}
