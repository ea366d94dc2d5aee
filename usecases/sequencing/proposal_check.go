package sequencing

import (
	"fmt"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// newCall looks at a proposal before anybody waits for it, so that it spoils no
// transaction that it would share.
func (s *Sequencer) newCall(p *Proposal) (*call, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	size, err := s.entriesSize(p.Entries)
	if err != nil {
		return nil, err
	}
	for i := range p.Then {
		size += len(p.Then[i].Value)
	}
	return &call{proposal: p, bytes: size, turn: make(chan struct{}, 1)}, nil
}

// entriesSize returns how many bytes the entries take in a batch.
func (s *Sequencer) entriesSize(entries []ledger.Entry) (int, error) {
	longest := time.UnixMilli(999).UTC() // no time takes more bytes
	size := 0
	for i := range entries {
		e := entries[i]
		e.Version, e.Time, e.By = ledger.Version, longest, s.by
		data, err := e.Encode()
		if err != nil {
			return 0, fmt.Errorf("%w: entry %d: %w", ErrProposal, i, err)
		}
		size += 2 + len(data)
	}
	if size > maxEntries {
		return 0, fmt.Errorf("%w: %w: %d bytes of entries, at most %d", ErrProposal, ports.ErrStoreRequest, size, maxEntries)
	}
	return size, nil
}

// check refuses what no transaction has room for, and what is the sequencer's own
// to write.
func (p *Proposal) check() error {
	if len(p.Entries) == 0 {
		return fmt.Errorf("%w: it has no entry", ErrProposal)
	}
	if len(p.Entries) > ledger.MaxBatch {
		return fmt.Errorf("%w: %d entries, at most %d", ErrProposal, len(p.Entries), ledger.MaxBatch)
	}
	for _, c := range p.If {
		if c.Key == headKey() && c.Revision != 0 {
			return fmt.Errorf("%w: it rests on revision %d of %s, which others change", ErrProposal, c.Revision, c.Key)
		}
	}
	for i := range p.Then {
		key := p.Then[i].Key
		if key == headKey() || key.Collection == ports.LedgerBatches {
			return fmt.Errorf("%w: it writes %s itself", ErrProposal, key)
		}
	}
	whole := ports.Transaction{ // with what the sequencer adds
		If:   slices.Concat([]ports.Condition{{Key: headKey()}}, p.If),
		Then: slices.Concat([]ports.Write{{Key: headKey()}, {Key: BatchKey(0)}}, p.Then),
	}
	if err := whole.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrProposal, err)
	}
	return nil
}
