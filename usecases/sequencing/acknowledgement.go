package sequencing

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// ackLabel begins an acknowledgement: three lines with it, the number of entries
// and the root in hexadecimal digits.
const ackLabel = "asterism/ledger-mirror/v1"

func encodeAck(head merkle.Head) []byte {
	return fmt.Appendf(nil, "%s\n%d\n%x\n", ackLabel, head.Size, head.Root[:])
}

// decodeAck reads what encodeAck writes, and nothing else.
func decodeAck(data []byte) (merkle.Head, error) {
	malformed := fmt.Errorf("%w: not a mirror's acknowledgement", ErrStoredLedger)
	lines := strings.SplitN(string(data), "\n", 4)
	if len(lines) != 4 {
		return merkle.Head{}, malformed
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return merkle.Head{}, malformed
	}
	root, err := hex.DecodeString(lines[2])
	if err != nil || len(root) != merkle.HashSize {
		return merkle.Head{}, malformed
	}
	head := merkle.Head{Size: size, Root: merkle.Hash(root)}
	if !bytes.Equal(encodeAck(head), data) {
		return merkle.Head{}, malformed
	}
	return head, nil
}

// ack is what a mirror has acknowledged.
type ack struct {
	head      merkle.Head
	condition ports.Condition // that it still is so
}

func readAck(ctx context.Context, store ports.Store, identity join.Identity) (*ack, error) {
	key := ports.Key{Collection: ports.LedgerMirrors, Name: identity.String()}
	item, err := store.Get(ctx, key)
	if errors.Is(err, ports.ErrNoItem) {
		return &ack{merkle.Head{Root: merkle.EmptyRoot()}, ports.Condition{Key: key}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what %s acknowledged: %w", identity, err)
	}
	head, err := decodeAck(item.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return &ack{head, ports.Condition{Key: key, Revision: item.Revision}}, nil
}

// takeBack lowers an acknowledgement that goes further than the copy does, as
// after the loss of a disk, before anything else: what the copy still needs must
// not be trimmed.
func (m *Mirror) takeBack(ctx context.Context) error {
	a, err := readAck(ctx, m.store, m.identity)
	if err != nil || a.head.Size <= m.local.Size() {
		return err
	}
	return m.writeAck(ctx, a)
}

// acknowledge says how far the copy has come.
func (m *Mirror) acknowledge(ctx context.Context) error {
	a, err := readAck(ctx, m.store, m.identity)
	if err != nil || a.head == m.local.Tree() {
		return err
	}
	return m.writeAck(ctx, a)
}

func (m *Mirror) writeAck(ctx context.Context, before *ack) error {
	_, err := m.store.Commit(ctx, &ports.Transaction{
		If:   []ports.Condition{before.condition},
		Then: []ports.Write{{Key: before.condition.Key, Value: encodeAck(m.local.Tree())}},
	})
	if err != nil {
		return fmt.Errorf("acknowledging %d entries: %w", m.local.Size(), err)
	}
	return nil
}
