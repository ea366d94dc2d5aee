package lifecycle

import (
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// Phase is where in its life a node is.
type Phase string

// The phases.
const (
	Ended        Phase = "Ended"        // this boot is over; only the next one changes anything
	Measured     Phase = "Measured"     // booted; the disk is being examined
	Fresh        Phase = "Fresh"        // with a disk of its own, nobody's member
	Sealed       Phase = "Sealed"       // locked: the disk is a member's, its key elsewhere
	Damaged      Phase = "Damaged"      // the disk is neither; says what is wrong, and waits
	Initialising Phase = "Initialising" // founds a cluster for its owner
	Joining      Phase = "Joining"
	Rejoining    Phase = "Rejoining"
	Recovering   Phase = "Recovering" // with a secret that people or a key service hold
	Member       Phase = "Member"
	Withheld     Phase = "Withheld" // a member whose attestation failed: gets nothing until it attests
	Revoked      Phase = "Revoked"  // for good, until the owner has the disk wiped
)

// Stage is what a phase waits for, where it has several steps.
type Stage string

// The stages, in the order in which phases pass through them.
const (
	Formatting Stage = "formatting" // Fresh: the disk gets a throw-away key
	Waiting    Stage = "waiting"    // Fresh: for an owner or a JoinService
	Preparing  Stage = "preparing"  // Initialising: the master secret is made
	Asking     Stage = "asking"     // Joining, Rejoining: a ticket was requested
	Gathering  Stage = "gathering"  // Recovering: not enough shares yet
	Combining  Stage = "combining"  // Recovering: enough shares, the secret is put together
	Marking    Stage = "marking"    // the point of no return is passed
	Founding   Stage = "founding"   // Initialising: key service and control plane come up
	Confirming Stage = "confirming" // Initialising: the owner signs the cluster statement
	Opening    Stage = "opening"    // Rejoining, Recovering: the disk is unlocked
	Sealing    Stage = "sealing"    // Initialising, Joining: the seal is being written
	Resuming   Stage = "resuming"   // Recovering: the store starts, alone
	Recording  Stage = "recording"  // Recovering: the recovery becomes the ledger's next entry
	Starting   Stage = "starting"   // services start
)

// Mark is what a member's register holds: whose it is. The zero Mark is none.
type Mark struct {
	Cluster keys.ClusterID
	Owner   keys.OwnerID
}

// InitID names an init request: SHA-256 of what the owner signed, so that the same
// request, sent again, has the same ID.
type InitID [32]byte

// Node is what a node was provisioned with; it is the same in every boot.
type Node struct {
	Identity join.Identity
	Role     join.Role    // that it is to have where its disk does not say
	Owner    keys.OwnerID // without one it neither founds nor joins a cluster
	Serial   uint64       // the lowest that a cluster statement may have
}

// Seal is what a sealed disk says about itself and this machine decides by. The
// zero Seal is none. Until a key has fitted the seal it is hearsay.
type Seal struct {
	Mark       Mark
	Role       join.Role
	Threshold  uint8  // shares that recover the master secret; zero: there are none
	Serial     uint64 // newest cluster statement that the member knew
	Checkpoint merkle.Head
}

// Disk is what is known of the state disk.
type Disk struct {
	UUID   string // canonical; empty where it is not known
	Seal   Seal
	Own    bool   // formatted in this boot, and no seal was asked for since
	Damage string // what is wrong with it
}

// State is everything that a node's next step depends on. It is a plain value:
// states compare with ==, and copies share nothing. New makes one.
type State struct {
	Node  Node
	Phase Phase
	Stage Stage
	Disk  Disk
	// Target is the cluster that the node is founding, joining or coming back to;
	// in Fresh and Sealed, the one that it asked last.
	Target Mark
	Serial uint64 // of Target's statement
	// Mark is what this boot's register holds or is being given. It is set once.
	Mark      Mark
	Request   join.RequestID // to be used again until it is answered
	Init      InitID         // the one init that this boot has accepted
	Means     Means          // of the recovery under way
	Shares    Indices        // that fit the seal
	Answering bool           // a JoinService of the seal's cluster answers
	Resync    bool           // the store's quorum lives: its data comes from there
	Start     uint8          // how many starts of this boot were cut short; answers to those come too late
	Attempts  uint8          // failures in a row, up to MaxAttempts, also of the boots before
}

// New returns a node that is powered off. The first event is Booted.
func New(n Node) State { return State{Node: n, Phase: Ended} }

// owner is who may command a node: the owner of its disk, else the one that it
// was provisioned with.
func (s State) owner() keys.OwnerID {
	if s.Disk.Seal != (Seal{}) {
		return s.Disk.Seal.Mark.Owner
	}
	return s.Node.Owner
}

// Role is the node's role: its disk's, else the provisioned one.
func (s State) Role() join.Role {
	if s.Disk.Seal != (Seal{}) {
		return s.Disk.Seal.Role
	}
	return s.Node.Role
}

// Unlocked says that this boot has passed the point of no return, so that it may
// hold a cluster's secrets.
func (s State) Unlocked() bool { return s.Mark != (Mark{}) }
