package keys

import (
	"crypto/sha256"
	"crypto/sha512"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

const markLabel = "asterism/mark/v1"

// MarkSHA256 returns what a member of the owner's cluster extends into PCR 15:
// SHA-256("asterism/mark/v1" ‖ lp(cluster ID) ‖ lp(owner ID)).
func MarkSHA256(cluster ClusterID, owner OwnerID) [sha256.Size]byte {
	return sha256.Sum256(markInput(cluster, owner))
}

// MarkSHA384 returns what a member of the owner's cluster extends into RTMR[3]:
// SHA-384 of the same bytes as [MarkSHA256].
func MarkSHA384(cluster ClusterID, owner OwnerID) [sha512.Size384]byte {
	return sha512.Sum384(markInput(cluster, owner))
}

func markInput(cluster ClusterID, owner OwnerID) []byte {
	return lp.Append([]byte(markLabel), cluster[:], owner[:])
}
