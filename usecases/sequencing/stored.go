package sequencing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// batchLabel begins a stored batch: 16 random bytes follow, which tell it from
// every other of the same content, and then the encoded ledger.Batch.
const batchLabel = "asterism/stored-batch/v1\n"

const batchID = 16 // bytes

// maxEntries is how many bytes entries may have, each with its length, so that
// they fit into an item with what comes before them there and in a ledger.Batch.
const maxEntries = ports.MaxItemSize - len(batchLabel) - batchID - 64

// headKey is where the ledger's head lies.
func headKey() ports.Key { return ports.Key{Collection: ports.Heads, Name: "ledger"} }

// CheckpointKey is where the newest signed checkpoint lies.
func CheckpointKey() ports.Key { return ports.Key{Collection: ports.Heads, Name: "checkpoint"} }

// BatchKey is where the batch lies whose first entry has that index.
func BatchKey(first uint64) ports.Key {
	return ports.Key{Collection: ports.LedgerBatches, Name: ledger.BatchName(first)}
}

// base is what an attempt goes on from.
type base struct {
	head     *ledger.Head
	revision ports.Revision // zero: there is no head
}

// readBase returns the head as last seen, or reads it.
func (s *Sequencer) readBase(ctx context.Context) (*base, error) {
	if s.base != nil {
		return s.base, nil
	}
	b, err := loadBase(ctx, s.store)
	if err != nil {
		return nil, err
	}
	s.base = b
	return b, nil
}

func loadBase(ctx context.Context, store ports.Store) (*base, error) {
	item, err := store.Get(ctx, headKey())
	if errors.Is(err, ports.ErrNoItem) {
		return &base{head: &ledger.Head{}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's head: %w", err)
	}
	head, err := ledger.DecodeHead(item.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: its head: %w", ErrStoredLedger, err)
	}
	return &base{head: head, revision: item.Revision}, nil
}

// storedBatch returns what is stored of encoded entries.
func (s *Sequencer) storedBatch(encoded []byte) ([]byte, error) {
	value := make([]byte, len(batchLabel)+batchID, len(batchLabel)+batchID+len(encoded))
	copy(value, batchLabel)
	if _, err := io.ReadFull(s.random, value[len(batchLabel):]); err != nil {
		return nil, fmt.Errorf("drawing a batch's ID: %w", err)
	}
	return append(value, encoded...), nil
}

// OpenBatch returns the encoded entries in a stored batch, the value of an item of
// ports.LedgerBatches. The error wraps ErrStoredLedger.
func OpenBatch(value []byte) ([][]byte, error) {
	rest, found := bytes.CutPrefix(value, []byte(batchLabel))
	if !found || len(rest) < batchID {
		return nil, fmt.Errorf("%w: a batch does not begin as one", ErrStoredLedger)
	}
	entries, err := ledger.DecodeBatch(rest[batchID:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStoredLedger, err)
	}
	return entries, nil
}
