package authority

import (
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

const (
	headVersion = "asterism/authority-head/v1"
	maxHeadSize = 256 // bytes, encoded
)

// Head names the newest directive of a chain, and so the whole chain. The zero
// Head is that of a chain in which nothing was said yet.
type Head struct {
	Serial uint64
	Hash   measurement.Digest // SHA-256 of the directive
}

type headDocument struct {
	Version string             `json:"version"`
	Serial  uint64             `json:"serial"`
	Hash    measurement.Digest `json:"hash"`
}

// Encode returns the head's one canonical form (RFC 8785). The error wraps
// ErrHead where it is not the head of a directive.
func (h Head) Encode() ([]byte, error) {
	if h.Serial == 0 || h.Serial > maxSerial || h.Hash.Algorithm() != measurement.SHA256 {
		return nil, fmt.Errorf("%w: serial %d, hash %q", ErrHead, h.Serial, h.Hash)
	}
	data, err := canonicaljson.Marshal(headDocument{headVersion, h.Serial, h.Hash})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	}
	return data, nil
}

// DecodeHead reads what Head.Encode writes, and nothing else. The error wraps
// ErrHead.
func DecodeHead(data []byte) (Head, error) {
	if len(data) > maxHeadSize {
		return Head{}, fmt.Errorf("%w: %d bytes, at most %d", ErrHead, len(data), maxHeadSize)
	}
	var d headDocument
	if err := canonicaljson.Decode(data, &d); err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrHead, err)
	}
	h := Head{d.Serial, d.Hash}
	canonical, err := h.Encode()
	if err != nil {
		return Head{}, err
	}
	if err := canonicaljson.Check(canonical, data); err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrHead, err)
	}
	return h, nil
}
