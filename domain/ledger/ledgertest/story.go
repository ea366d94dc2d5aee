package ledgertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// OwnerID is that of the cluster's owner.
func OwnerID() keys.OwnerID { return sha256.Sum256([]byte("owner")) }

// Node returns the identity of a machine. Number 0 is the one that founds the
// cluster, and records its entries.
func Node(i int) join.Identity {
	sum := sha256.Sum256(fmt.Appendf(nil, "endorsement key %d", i))
	node, err := join.ParseIdentity("ek:" + hex.EncodeToString(sum[:]))
	if err != nil {
		panic(err) // its form does not depend on i
	}
	return node
}

// Evidence returns the evidence of a machine: bytes that stand for it.
func Evidence(i int) []byte { return fmt.Appendf(nil, "evidence of machine %d", i) }

// Disk returns the UUID of a machine's state disk.
func Disk(i int) string { return fmt.Sprintf("6f1c3a52-0000-4000-8000-%012d", i) }

// Digest returns the SHA-256 of a text.
func Digest(text string) measurement.Digest {
	return measurement.Sum(measurement.SHA256, []byte(text))
}

// Request returns the ID of a machine's request.
func Request(i int) join.RequestID {
	sum := sha256.Sum256(fmt.Appendf(nil, "request %d", i))
	return join.RequestID(sum[:16])
}

// InitEntry is the first entry of every ledger.
func InitEntry() ledger.Entry {
	return ledger.Entry{Type: ledger.Init, Init: &ledger.InitEntry{
		Cluster: ClusterID(), Owner: OwnerID(), Node: Node(0), Statement: Digest("statement"),
		Evidence: measurement.Sum(measurement.SHA256, Evidence(0)),
	}}
}

// DirectiveEntry is a directive. A machine is named where the kind needs one.
func DirectiveEntry(serial uint64, kind authority.Kind, node int) ledger.Entry {
	b := &ledger.DirectiveEntry{Serial: serial, Kind: kind, Hash: Digest(fmt.Sprint("directive ", serial))}
	if kind == authority.Approve || kind == authority.Deny {
		b.Node = Node(node)
	}
	return ledger.Entry{Type: ledger.Directive, Directive: b}
}

// IntentEntry admits a machine. Every fifth is of the control plane.
func IntentEntry(i int, directive uint64) ledger.Entry {
	role := join.Worker
	if i%5 == 0 {
		role = join.ControlPlane
	}
	return ledger.Entry{Type: ledger.Intent, Intent: &ledger.IntentEntry{
		Request: Request(i), Kind: join.FirstJoin, Node: Node(i), Name: join.NodeName(fmt.Sprintf("node-%d", i)),
		Role: role, Disk: Disk(i), Boot: join.Boot{ResetCount: uint32(i), AK: Digest(fmt.Sprint("AK ", i))},
		Release: "v1.0.0", Policy: 1, Directive: directive,
		Evidence: measurement.Sum(measurement.SHA256, Evidence(i)), Warnings: []policy.Code{"AK_NOT_PROVEN"},
	}}
}

// KeyReleaseEntry releases a machine's keys.
func KeyReleaseEntry(i int) ledger.Entry {
	b := &ledger.KeyReleaseEntry{Request: Request(i), Node: Node(i), Caller: "joinservice", KEK: i%5 == 0}
	for _, purpose := range []keys.Purpose{keys.StateDiskHeader, keys.StateDisk} {
		id, err := keys.NewID(purpose, Disk(i))
		if err != nil {
			panic(err) // its form does not depend on i
		}
		b.Keys = append(b.Keys, id)
	}
	return ledger.Entry{Type: ledger.KeyRelease, KeyRelease: b}
}

// OutcomeEntry hands a machine its ticket.
func OutcomeEntry(i int) ledger.Entry {
	return ledger.Entry{Type: ledger.Outcome, Outcome: &ledger.OutcomeEntry{Request: Request(i), Node: Node(i), Ticket: Digest(fmt.Sprint("ticket ", i))}}
}

// OtherKeysEntry counts keys of volumes.
func OtherKeysEntry(i int) ledger.Entry {
	return ledger.Entry{Type: ledger.OtherKeys, OtherKeys: &ledger.OtherKeysEntry{
		Caller: "csi-driver", Purpose: keys.Volume, Minute: Start().Add(time.Duration(i) * time.Minute), Count: uint64(i + 1),
	}}
}

// ReattestEntry withholds a machine's keys, or gives them back.
func ReattestEntry(i int, state join.State) ledger.Entry {
	b := &ledger.ReattestEntry{Node: Node(i), State: state, Evidence: measurement.Sum(measurement.SHA256, Evidence(i))}
	if state != join.Member {
		b.Codes = []policy.Code{policy.CodePCRMismatch}
	}
	return ledger.Entry{Type: ledger.Reattest, Reattest: b}
}

// RefusalsEntry counts a machine's refusals.
func RefusalsEntry(i int) ledger.Entry {
	return ledger.Entry{Type: ledger.Refusals, Refusals: &ledger.RefusalsEntry{
		Node: Node(i), From: Start(), Count: 3, Codes: []policy.Code{policy.CodeNoReference, policy.CodePCRMismatch},
	}}
}

// Story returns so many entries of a cluster's life, at least 2: its init, the
// owner's first words, and then joins with what lies between them.
func Story(n int) []ledger.Entry {
	entries := []ledger.Entry{InitEntry(), DirectiveEntry(1, authority.Statement, 0)}
	for i := 1; len(entries) < n; i++ {
		entries = append(entries, IntentEntry(i, 1), KeyReleaseEntry(i), OutcomeEntry(i))
		switch i % 3 {
		case 0:
			entries = append(entries, ReattestEntry(i, join.Withheld), ReattestEntry(i, join.Member))
		case 1:
			entries = append(entries, OtherKeysEntry(i))
		default:
			entries = append(entries, RefusalsEntry(1000+i))
		}
	}
	return entries[:n]
}
