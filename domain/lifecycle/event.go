package lifecycle

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// Event is something that happened to a node: one of the types below. Events hold
// no secrets; whether a secret fits was tried before.
type Event interface{ event() string }

// EventName returns an event's name for people, as in "disk examined".
func EventName(e Event) string {
	if e == nil {
		return "nothing"
	}
	return e.event()
}

// Content is what examining a disk has shown.
type Content string

// What a disk may hold.
const (
	Blank    Content = "blank"    // the header area was never written, or was wiped
	Unsealed Content = "unsealed" // a header that we write, or what a power cut left of one, and no seal
	WithSeal Content = "sealed"
	Broken   Content = "broken" // anything else
)

// Means is what a recovery rests on.
type Means string

// The means.
const (
	ByShares       Means = "shares"
	ByMasterSecret Means = "master-secret" // with the owner's signature
	ByKMS          Means = "kms"           // that verified the node itself
	ByApproval     Means = "approval"      // of the owner, naming the node; the key came from a key service
)

// Why is the reason for which a JoinService gives no ticket.
type Why string

// The reasons.
const (
	TryLater   Why = "try later"         // no capacity, or something that it needs is down
	ForConsent Why = "waits for consent" // until somebody approves
	ByPolicy   Why = "policy"            // the verdict or the join policy
	ThisBoot   Why = "this boot"         // got its ticket already, or is no new one: another boot may be let in
	ByDenial   Why = "revoked"
)

// The events of every boot.
type (
	// Booted is the machine coming up, whatever happened before.
	Booted struct {
		Attempts uint8 // of the last Reboot effect, where the platform kept it; only delays depend on it
		Marked   bool  // the register holds a mark already: the program was started anew, not the machine
	}
	// StopRequested is the machine's own wish to power off.
	StopRequested struct{}
	// DiskExamined answers ExamineDisk.
	DiskExamined struct {
		Content Content
		UUID    string // where Content is WithSeal
		Seal    Seal   // where Content is WithSeal
		Damage  string // where Content is Broken
	}
	// DiskFormatted answers FormatDisk.
	DiskFormatted struct{ UUID string }
	// Failed says that what the state waits for has failed, or took too long.
	Failed struct{ What string }
)

// The events of init.
type (
	// InitRequested is an owner's request to found a cluster.
	InitRequested struct {
		ID     InitID
		Signer keys.OwnerID // whose signature holds; zero: nobody's
	}
	// SecretMade answers MakeSecret with the cluster ID that derives from it.
	SecretMade struct{ Cluster keys.ClusterID }
	// ClusterFounded answers FoundCluster.
	ClusterFounded struct{}
	// StatementSigned is the owner's answer to SendDraft.
	StatementSigned struct {
		Signer keys.OwnerID // whose signature holds; zero: nobody's
		Mark   Mark         // that the statement names
		Serial uint64
	}
	// InitStreamBroken says that the owner's tool has gone.
	InitStreamBroken struct{}
)

// The events of joining and rejoining.
type (
	// JoinServiceFound is a JoinService that has proven itself: genuine evidence,
	// and a valid statement of the cluster and owner that its register names.
	JoinServiceFound struct {
		Mark    Mark
		Serial  uint64         // of its statement
		Request join.RequestID // fresh; used unless an older one is still open there
	}
	// JoinServiceLost says that none answers, or none any more, that could be the
	// node's own cluster's.
	JoinServiceLost struct{}
	// TicketReceived is a ticket, held in memory. Derived is the cluster ID that its
	// secrets lead to, with the owner of the JoinService's verified mark.
	TicketReceived struct {
		Request join.RequestID
		Derived Mark
		Fits    bool // its key fits the seal; of no meaning in a first join
	}
	// TicketRefused is a JoinService's refusal.
	TicketRefused struct {
		Request join.RequestID
		Why     Why
		After   time.Duration // when to ask again; zero: as the node likes
	}
)

// The events on the way into a cluster, and in it.
type (
	// Marked answers SetMark.
	Marked struct{ Mark Mark }
	// DiskSealed answers WriteSeal: the seal is durable.
	DiskSealed struct{}
	// DiskOpened answers OpenDisk.
	DiskOpened struct {
		// Contains says that what is on it is as new as every checkpoint and statement
		// serial that came along with a recovery; of no meaning in a rejoin.
		Contains bool
	}
	// QuorumAnswered says that the other members of the store live.
	QuorumAnswered struct{}
	// StoreStarted answers StartStore.
	StoreStarted struct{ Start uint8 }
	// RecoveryRecorded answers RecordRecovery.
	RecoveryRecorded struct{ Start uint8 }
	// ServicesStarted answers StartServices.
	ServicesStarted struct{ Start uint8 }
	// Reattested is what a member's own re-attestation has shown.
	Reattested struct{ Passed bool }
	// StatementSeen is a newer valid statement or checkpoint of the node's cluster.
	StatementSeen struct {
		Serial     uint64
		Checkpoint merkle.Head
	}
	// RevokedByOwner is an owner's denial of this node, verified, in the cluster whose
	// mark it bears. Before the mark a JoinService's refusal says so.
	RevokedByOwner struct{}
)

// The events of recovery.
type (
	// ShareOffered is one share from its holder.
	ShareOffered struct {
		Index  uint8
		Fits   bool        // its commitment is in the seal
		Newest merkle.Head // checkpoint that the sender knows; size zero: none
	}
	// SecretOffered is a candidate for what unlocks the disk. Derived is the cluster
	// ID that it leads to, with the owner of the statement that lies on the disk.
	SecretOffered struct {
		Means   Means
		Signer  keys.OwnerID  // ByMasterSecret, ByApproval: whose signature holds; zero: nobody's
		Node    join.Identity // ByApproval: the node that it names
		Fits    bool          // the key that derives from it fits the seal
		Derived Mark
		Newest  merkle.Head // checkpoint that the sender knows; size zero: none
	}
	// WipeRequested is a request to give up what is on the disk.
	WipeRequested struct {
		Signer keys.OwnerID // whose signature holds; zero: nobody's
		Node   join.Identity
		Disk   string // UUID; empty where the disk's is not known
	}
)

func (Booted) event() string           { return "booted" }
func (StopRequested) event() string    { return "stop requested" }
func (DiskExamined) event() string     { return "disk examined" }
func (DiskFormatted) event() string    { return "disk formatted" }
func (Failed) event() string           { return "failed" }
func (InitRequested) event() string    { return "init requested" }
func (SecretMade) event() string       { return "secret made" }
func (ClusterFounded) event() string   { return "cluster founded" }
func (StatementSigned) event() string  { return "statement signed" }
func (InitStreamBroken) event() string { return "init stream broken" }
func (JoinServiceFound) event() string { return "JoinService found" }
func (JoinServiceLost) event() string  { return "JoinService lost" }
func (TicketReceived) event() string   { return "ticket received" }
func (TicketRefused) event() string    { return "ticket refused" }
func (Marked) event() string           { return "marked" }
func (DiskSealed) event() string       { return "disk sealed" }
func (DiskOpened) event() string       { return "disk opened" }
func (QuorumAnswered) event() string   { return "quorum answered" }
func (StoreStarted) event() string     { return "store started" }
func (RecoveryRecorded) event() string { return "recovery recorded" }
func (ServicesStarted) event() string  { return "services started" }
func (Reattested) event() string       { return "re-attested" }
func (StatementSeen) event() string    { return "statement seen" }
func (RevokedByOwner) event() string   { return "revoked by owner" }
func (ShareOffered) event() string     { return "share offered" }
func (SecretOffered) event() string    { return "secret offered" }
func (WipeRequested) event() string    { return "wipe requested" }
