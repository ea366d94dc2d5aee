package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// ErrCheckpoint is wrapped by every refusal of a checkpoint.
var ErrCheckpoint = errors.New("not a checkpoint to trust")

// maxOrigin is how many bytes the origin of a checkpoint may have.
const maxOrigin = 255

// Checkpoint is the ledger at one size (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string // "asterism.dev/ledger/" and the cluster ID
	Head   merkle.Head
}

// Origin returns the origin of a cluster's checkpoints, which also is the name of
// the key that signs them: "asterism.dev/ledger/" and the cluster ID.
func Origin(cluster keys.ClusterID) string { return "asterism.dev/ledger/" + cluster.String() }

// Body returns what is signed (C2SP tlog-checkpoint, Note text): three lines with
// origin, size and root. There are no extension lines. The error wraps
// ErrCheckpoint where origin or size cannot be those of a checkpoint.
func (c *Checkpoint) Body() ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	root := base64.StdEncoding.EncodeToString(c.Head.Root[:])
	return []byte(c.Origin + "\n" + strconv.FormatUint(c.Head.Size, 10) + "\n" + root + "\n"), nil
}

func (c *Checkpoint) validate() error {
	switch {
	case !isKeyName(c.Origin):
		return fmt.Errorf("%w: origin %.64q: want 1 to %d visible ASCII characters without +", ErrCheckpoint, c.Origin, maxOrigin)
	case c.Head.Size > MaxSize:
		return fmt.Errorf("%w: %d entries, at most %d", ErrCheckpoint, c.Head.Size, MaxSize)
	case c.Head.Size == 0 && c.Head.Root != merkle.EmptyRoot():
		return fmt.Errorf("%w: an empty tree with root %v", ErrCheckpoint, c.Head.Root)
	default:
		return nil
	}
}

// isKeyName holds the name of a key against C2SP signed-note, and against what a
// terminal can show.
func isKeyName(name string) bool {
	foreign := func(r rune) bool { return r <= ' ' || r > '~' || r == '+' }
	return name != "" && len(name) <= maxOrigin && !strings.ContainsFunc(name, foreign)
}

// parseBody reads what Body writes, and nothing else.
func parseBody(body string) (*Checkpoint, error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return nil, fmt.Errorf("%w: the text has %d lines, want origin, size and root", ErrCheckpoint, len(lines)-1)
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: size %.32q is not a number", ErrCheckpoint, lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != merkle.HashSize {
		return nil, fmt.Errorf("%w: root %.64q is not the base64 of %d bytes", ErrCheckpoint, lines[2], merkle.HashSize)
	}
	c := &Checkpoint{lines[0], merkle.Head{Size: size, Root: merkle.Hash(root)}}
	again, err := c.Body()
	if err != nil {
		return nil, err
	}
	if string(again) != body {
		return nil, fmt.Errorf("%w: the text is not in its only form", ErrCheckpoint)
	}
	return c, nil
}
