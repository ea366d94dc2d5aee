package joining

import (
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
)

const (
	holderVersion = "asterism/holder/v1"
	maxHolderSize = 4 << 10 // bytes
)

// holder says which identity holds a name, a disk or a lease. A disk's stays for
// good: the key depends on the UUID alone. Its fields are in the order of RFC 8785,
// as in every item here.
type holder struct {
	Identity join.Identity `json:"identity"`
	Version  string        `json:"version"`
}

func encodeHolder(id join.Identity) ([]byte, error) {
	return encodeItem(&holder{Identity: id, Version: holderVersion})
}

func decodeHolder(data []byte) (join.Identity, error) {
	h, err := decodeItem[holder](data, maxHolderSize)
	if err != nil {
		return join.Identity{}, fmt.Errorf("reading who holds it: %w", err)
	}
	if h.Version != holderVersion || h.Identity == (join.Identity{}) {
		return join.Identity{}, fmt.Errorf("reading who holds it: %w: version %q", ErrItem, h.Version)
	}
	return h.Identity, nil
}
