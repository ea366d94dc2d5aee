package joining

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// book reads the items of the store that joins are about. What is not there is
// nil, or the zero identity, at revision zero: just what a condition wants.
type book struct{ store ports.Store }

func recordKey(id join.Identity) ports.Key {
	return ports.Key{Collection: ports.Records, Name: id.String()}
}

func nameKey(n join.NodeName) ports.Key {
	return ports.Key{Collection: ports.NodeNames, Name: string(n)}
}
func diskKey(uuid string) ports.Key { return ports.Key{Collection: ports.Disks, Name: uuid} }
func requestKey(id join.RequestID) ports.Key {
	return ports.Key{Collection: ports.Requests, Name: id.String()}
}

func waitingKey(id join.Identity) ports.Key {
	return ports.Key{Collection: ports.Waiting, Name: id.String()}
}

func refusalKey(id join.Identity) ports.Key {
	return ports.Key{Collection: ports.Refusals, Name: id.String()}
}
func leaseKey() ports.Key { return ports.Key{Collection: ports.Leases, Name: "control-plane"} }

// get returns the value and the revision of an item, zero where there is none.
func (b book) get(ctx context.Context, key ports.Key) ([]byte, ports.Revision, error) {
	item, err := b.store.Get(ctx, key)
	if errors.Is(err, ports.ErrNoItem) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading %v: %w", key, err)
	}
	return item.Value, item.Revision, nil
}

func (b book) record(ctx context.Context, id join.Identity) (*join.Record, ports.Revision, error) {
	data, revision, err := b.get(ctx, recordKey(id))
	if err != nil || revision == 0 {
		return nil, 0, err
	}
	r, err := join.DecodeRecord(data)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the record of %v: %w", id, err)
	}
	if r.Identity != id {
		return nil, 0, fmt.Errorf("%w: the record of %v is that of %v", ErrInconsistent, id, r.Identity)
	}
	return r, revision, nil
}

func (b book) holder(ctx context.Context, key ports.Key) (join.Identity, ports.Revision, error) {
	data, revision, err := b.get(ctx, key)
	if err != nil || revision == 0 {
		return join.Identity{}, 0, err
	}
	id, err := decodeHolder(data)
	if err != nil {
		return join.Identity{}, 0, fmt.Errorf("%v: %w", key, err)
	}
	return id, revision, nil
}

func (b book) request(ctx context.Context, id join.RequestID) (*request, ports.Revision, error) {
	data, revision, err := b.get(ctx, requestKey(id))
	if err != nil || revision == 0 {
		return nil, 0, err
	}
	r, err := decodeRequest(data)
	if err != nil {
		return nil, 0, err
	}
	if r.Request != id {
		return nil, 0, fmt.Errorf("%w: request %v is recorded as %v", ErrInconsistent, id, r.Request)
	}
	return r, revision, nil
}
