package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

const batchLabel = "asterism/ledger-batch/v1"

// Bounds of batches, so that one is an item of a store.
const (
	MaxBatch     = 4096    // entries
	MaxBatchSize = 1 << 20 // bytes, encoded
)

// ErrBatch is wrapped by every error about batches.
var ErrBatch = errors.New("not a batch of ledger entries")

// EncodeBatch returns encoded entries as they are stored, in the order of the
// ledger:
//
//	"asterism/ledger-batch/v1" ‖ (uint16(length) ‖ entry)…
//
// with the entries as in an entry bundle (C2SP tlog-tiles). The error wraps
// ErrBatch where there is none or one is empty, and beyond the bounds.
func EncodeBatch(entries [][]byte) ([]byte, error) {
	if len(entries) == 0 || len(entries) > MaxBatch {
		return nil, fmt.Errorf("%w: %d entries, want 1 to %d", ErrBatch, len(entries), MaxBatch)
	}
	data, err := appendEntries([]byte(batchLabel), entries)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBatch, err)
	}
	if len(data) > MaxBatchSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrBatch, len(data), MaxBatchSize)
	}
	return data, nil
}

// DecodeBatch reads what EncodeBatch writes, and nothing else. It does not decode
// the entries, which alias data. The error wraps ErrBatch.
func DecodeBatch(data []byte) ([][]byte, error) {
	if len(data) > MaxBatchSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrBatch, len(data), MaxBatchSize)
	}
	if len(data) < len(batchLabel) || string(data[:len(batchLabel)]) != batchLabel {
		return nil, fmt.Errorf("%w: it does not start with %q", ErrBatch, batchLabel)
	}
	entries, err := splitEntries(data[len(batchLabel):], MaxBatch)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBatch, err)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrBatch)
	}
	return entries, nil
}

// BatchName returns what names the batch in a store whose first entry has that
// index: 20 decimal digits, so that names sort as indices do.
func BatchName(first uint64) string { return fmt.Sprintf("%020d", first) }

// ParseBatchName reads what BatchName writes, and nothing else. The error wraps
// ErrBatch.
func ParseBatchName(name string) (uint64, error) {
	first, err := strconv.ParseUint(name, 10, 64)
	if err != nil || BatchName(first) != name {
		return 0, fmt.Errorf("%w: %.64q names none: want the 20 digits of an index", ErrBatch, name)
	}
	return first, nil
}

// appendEntries appends entries with their lengths.
func appendEntries(dst []byte, entries [][]byte) ([]byte, error) {
	for i, entry := range entries {
		if len(entry) == 0 || len(entry) > MaxEntrySize {
			return nil, fmt.Errorf("entry %d has %d bytes, want 1 to %d", i, len(entry), MaxEntrySize)
		}
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(entry)))
		dst = append(dst, entry...)
	}
	return dst, nil
}

// splitEntries takes apart what appendEntries appended, at most limit entries,
// which alias data.
func splitEntries(data []byte, limit int) ([][]byte, error) {
	var entries [][]byte
	for at := 0; at < len(data); {
		if len(entries) == limit {
			return nil, fmt.Errorf("more than %d entries", limit)
		}
		entry, err := readEntry(data[at:])
		if err != nil {
			return nil, fmt.Errorf("entry %d, at byte %d: %w", len(entries), at, err)
		}
		entries = append(entries, entry)
		at += 2 + len(entry)
	}
	return entries, nil
}

func readEntry(data []byte) ([]byte, error) {
	if len(data) < 2 {
		return nil, errors.New("input ends inside the length")
	}
	n := int(binary.BigEndian.Uint16(data))
	switch {
	case n == 0:
		return nil, errors.New("it is empty")
	case len(data)-2 < n:
		return nil, fmt.Errorf("input ends after %d of %d bytes", len(data)-2, n)
	default:
		return data[2 : 2+n : 2+n], nil
	}
}
