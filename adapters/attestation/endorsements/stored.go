package endorsements

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

const (
	maxSubject = 256 // bytes of a subject
	ending     = ".endorsement"
)

// stored is an endorsement as its file holds it.
type stored struct {
	Kind    policy.EndorsementKind `json:"kind"`
	Subject string                 `json:"subject"`
	Number  uint64                 `json:"number"`
	Issued  time.Time              `json:"issued"`
	Expires time.Time              `json:"expires"`
	Data    []byte                 `json:"data"`
}

func toStored(e *ports.CachedEndorsement) *stored {
	return &stored{e.ID.Kind, e.ID.Subject, e.Number, e.Issued, e.Expires, e.Data}
}

// load reads an endorsement's file. The error wraps errDamaged where it is none, or
// one of another name, and fs.ErrNotExist where there is no file.
func load(folder, name string) (*ports.CachedEndorsement, error) {
	var s stored
	if err := readFile(filepath.Join(folder, name), &s); err != nil {
		return nil, err
	}
	id := ports.EndorsementID{Kind: s.Kind, Subject: s.Subject}
	if fileName(id) != name {
		return nil, fmt.Errorf("%w: another endorsement is in its place", errDamaged)
	}
	return &ports.CachedEndorsement{ID: id, Number: s.Number, Issued: s.Issued, Expires: s.Expires, Data: s.Data}, nil
}

func check(e *ports.CachedEndorsement) error {
	switch {
	case e.ID.Kind == "" || e.ID.Subject == "" || len(e.ID.Subject) > maxSubject:
		return fmt.Errorf("%w: it has no name of at most %d bytes", ErrInvalid, maxSubject)
	case len(e.Data) == 0 || len(e.Data) > ports.MaxEndorsementSize:
		return fmt.Errorf("%w: %d bytes, want 1 to %d", ErrInvalid, len(e.Data), ports.MaxEndorsementSize)
	case e.Issued.IsZero() || e.Expires.Before(e.Issued):
		return fmt.Errorf("%w: it holds from %v to %v", ErrInvalid, e.Issued, e.Expires)
	default:
		return nil
	}
}

// fileName is the hash of the ID. The kind has no zero in it.
func fileName(id ports.EndorsementID) string {
	sum := sha256.Sum256([]byte(string(id.Kind) + "\x00" + id.Subject))
	return hex.EncodeToString(sum[:]) + ending
}
