package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// HeadVersion is the version of heads that this package reads and writes.
const HeadVersion = "asterism/ledger-head/v1"

// MaxSize is how many entries a ledger may have: what every JSON reader can hold.
const MaxSize uint64 = maxNumber

// MaxHeadSize is how many bytes an encoded head may have.
const MaxHeadSize = 8 << 10

// ErrHead is wrapped by every error about heads.
var ErrHead = errors.New("not the head of a ledger")

// Head is what a sequencer knows of the ledger: all that it takes to go on. The
// zero Head is the empty ledger. It is a plain value: an assignment makes a copy.
type Head struct {
	Frontier merkle.Frontier
	Time     time.Time // of the newest entry; zero in the empty ledger
}

// Size returns the number of entries.
func (h *Head) Size() uint64 { return h.Frontier.Size() }

// Tree returns size and root of the tree.
func (h *Head) Tree() merkle.Head { return h.Frontier.Head() }

// wireHead is how a head is stored.
type wireHead struct {
	Version string       `json:"version"`
	Size    uint64       `json:"size"`
	Peaks   []owner.Hash `json:"peaks,omitempty"` // roots of the complete subtrees, the largest first
	Time    time.Time    `json:"time,omitzero"`
}

// Encode returns the head's one canonical form (RFC 8785). The error wraps
// ErrHead.
func (h *Head) Encode() ([]byte, error) {
	if err := h.validate(); err != nil {
		return nil, err
	}
	wire := wireHead{Version: HeadVersion, Size: h.Size(), Time: h.Time}
	for _, peak := range h.Frontier.Peaks() {
		wire.Peaks = append(wire.Peaks, owner.Hash(peak))
	}
	data, err := canonicaljson.Marshal(&wire)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	}
	return data, nil
}

// DecodeHead reads what Encode writes, and nothing else. The error wraps ErrHead.
func DecodeHead(data []byte) (*Head, error) {
	if len(data) > MaxHeadSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrHead, len(data), MaxHeadSize)
	}
	var wire wireHead
	if err := canonicaljson.Decode(data, &wire); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	}
	h, err := wire.head()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	}
	canonical, err := h.Encode()
	if err != nil {
		return nil, err
	}
	if err := canonicaljson.Check(canonical, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	}
	return h, nil
}

func (w *wireHead) head() (*Head, error) {
	peaks := make([]merkle.Hash, len(w.Peaks))
	for i, peak := range w.Peaks {
		peaks[i] = merkle.Hash(peak)
	}
	frontier, err := merkle.NewFrontier(w.Size, peaks)
	return &Head{Frontier: frontier, Time: w.Time}, err
}

func (h *Head) validate() error {
	switch empty := h.Size() == 0; {
	case h.Size() > MaxSize:
		return fmt.Errorf("%w: %d entries, at most %d", ErrHead, h.Size(), MaxSize)
	case empty && !h.Time.IsZero():
		return fmt.Errorf("%w: an empty ledger has a time", ErrHead)
	case !empty && !isInstant(h.Time):
		return fmt.Errorf("%w: the time must be in UTC and in whole milliseconds", ErrHead)
	default:
		return nil
	}
}
