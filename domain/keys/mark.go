package keys

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

const markLabel = "asterism/mark/v1"

// MarkSHA256 returns what a member of the owner's cluster extends into PCR 15:
// SHA-256("asterism/mark/v1" ‖ lp(cluster ID) ‖ lp(owner ID)).
func MarkSHA256(cluster ClusterID, owner OwnerID) [sha256.Size]byte {
	return sha256.Sum256(MarkContent(cluster, owner))
}

// MarkSHA384 returns what a member of the owner's cluster extends into RTMR[3]:
// SHA-384 of the same bytes as [MarkSHA256].
func MarkSHA384(cluster ClusterID, owner OwnerID) [sha512.Size384]byte {
	return sha512.Sum384(MarkContent(cluster, owner))
}

// MarkContent returns what a mark is the hash of, as event logs record it:
// "asterism/mark/v1" ‖ lp(cluster ID) ‖ lp(owner ID).
func MarkContent(cluster ClusterID, owner OwnerID) []byte {
	return lp.Append([]byte(markLabel), cluster[:], owner[:])
}

// ParseMarkContent reads what MarkContent writes, and says whether content is
// that.
func ParseMarkContent(content []byte) (cluster ClusterID, owner OwnerID, ok bool) {
	const length = 4
	if len(content) != len(markLabel)+2*length+len(cluster)+len(owner) {
		return ClusterID{}, OwnerID{}, false
	}
	rest := content[len(markLabel)+length:]
	cluster, rest = ClusterID(rest[:len(cluster)]), rest[len(cluster)+length:]
	owner = OwnerID(rest)
	if !bytes.Equal(content, MarkContent(cluster, owner)) {
		return ClusterID{}, OwnerID{}, false
	}
	return cluster, owner, true
}
