package lifecycle

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
)

// Effect is something to do: one of the types below. The effects of a step are
// carried out in order, and power may be lost between any two. Where one of those
// that MayFail fails, those after it are left out and Failed is the next event; but
// a Reboot or PowerOff at their end is carried out whatever fails before it.
type Effect interface{ effect() string }

// EffectName returns an effect's name for people, as in "write seal".
func EffectName(f Effect) string {
	if f == nil {
		return "nothing"
	}
	return f.effect()
}

// MayFail says whether an effect can fail, as what touches disk, register or
// cluster can. The others are the bootstrapper's own doing, and it keeps at them.
func MayFail(f Effect) bool {
	switch f.(type) {
	case Announce, LookForJoinService, StopLooking, OpenRecovery, CloseRecovery, Tell, Forget, SendResult, Reboot, PowerOff:
		return false
	default:
		return true
	}
}

// Store is how a node's member of the engine's store starts.
type Store string

// The ways.
const (
	NoStore     Store = ""        // workers have none
	StoreOwn    Store = "own"     // from its own data, as a new single member
	StoreJoins  Store = "joins"   // empty, as a learner
	StoreResync Store = "resyncs" // drops its data and starts as a learner
)

// The effects before a node has chosen a cluster.
type (
	// ExamineDisk looks at the state disk, writes nothing, and ends in DiskExamined.
	ExamineDisk struct{}
	// FormatDisk writes a new header with a random passphrase that only memory
	// knows, and ends in DiskFormatted. At each moment the disk would be examined as
	// Blank or Unsealed.
	FormatDisk struct{}
	// Announce says what the node waits for, on its console and to whoever asks.
	Announce struct {
		Phase  Phase
		Damage string
	}
	// LookForJoinService looks for JoinServices after a pause, in place of an earlier
	// search, and makes an event of each that it finds, until StopLooking; and
	// JoinServiceLost when it knows of none of the node's own cluster (of a node
	// without a seal: of none at all), at the search's beginning too: until then one
	// that answered before counts as there.
	LookForJoinService struct{ After time.Duration }
	// StopLooking ends LookForJoinService. Events that are on their way may still
	// arrive; they are refused.
	StopLooking struct{}
	// OpenRecovery accepts recover sessions from now on: for wipes, and where Unlock is
	// set for shares and secrets too.
	OpenRecovery struct{ Unlock bool }
	// CloseRecovery ends them; whoever waits in one is told why.
	CloseRecovery struct{ Code Code }
	// RequestTicket asks the JoinService that was found. It ends in TicketReceived,
	// TicketRefused, JoinServiceLost or Failed.
	RequestTicket struct {
		Kind    join.Kind
		Request join.RequestID
		Disk    string // UUID
		From    Mark
	}
	// Tell logs why the node is back to waiting, and tells who asked for what failed.
	Tell struct {
		Code Code
		What string
	}
	// MakeSecret makes master secret and measurement salt in memory, and ends in
	// SecretMade.
	MakeSecret struct{ Init InitID }
	// CombineShares puts the secret together, and ends in SecretOffered.
	CombineShares struct{}
	// Forget wipes tickets, shares and secrets from memory.
	Forget struct{}
)

// The effects of becoming a member.
type (
	// SetMark extends the mark into the register, and ends in Marked. Nothing takes
	// it back but a reboot.
	SetMark struct{ Mark Mark }
	// FoundCluster brings up key service, control plane and ledger, and ends in
	// ClusterFounded. No JoinService answers yet.
	FoundCluster struct{ Mark Mark }
	// SendDraft sends the owner the encrypted shares and the cluster statement to be
	// signed. It ends in StatementSigned.
	SendDraft struct{ Mark Mark }
	// SendResult ends the init's stream. It does not fail: an owner's tool that has
	// gone asks for the result later.
	SendResult struct{}
	// ReplaceKeyslot gives the disk the key of the ticket, or of the new cluster, in
	// place of the throw-away one. At each moment the disk would be examined as
	// Unsealed.
	ReplaceKeyslot struct{ Disk string }
	// WriteSeal writes statement and seal, and ends in DiskSealed once they are
	// durable. At each moment the disk would be examined as Unsealed or WithSeal.
	WriteSeal struct {
		Disk string
		Seal Seal // whose Threshold is still open: the secrets' holder knows it
	}
	// OpenDisk unlocks the disk from the copy of its header that was checked. It
	// ends in DiskOpened.
	OpenDisk struct{ Disk string }
	// StartServices starts what the role runs and does not run yet, JoinService among
	// it, and ends in ServicesStarted.
	StartServices struct {
		Start uint8 // as in State; the answer repeats it
		Role  join.Role
		Store Store
	}
	// StartStore starts the store of a recovered node and nothing else that writes to
	// it, and ends in StoreStarted.
	StartStore struct {
		Start uint8 // as in State; the answer repeats it
		Store Store
	}
	// RecordRecovery makes the recovery the ledger's next entry, and this boot that of
	// the node's record. It ends in RecoveryRecorded once that is committed, in
	// RevokedByOwner where the node is denied, and in Failed where it is refused else
	// or takes too long.
	RecordRecovery struct {
		Start uint8 // as in State; the answer repeats it
		Means Means
	}
)

// The effects of and after membership.
type (
	// UpdateSeal writes the seal with what the member knows now.
	UpdateSeal struct {
		Disk string
		Seal Seal // whose Threshold is as it was
	}
	// PauseServices makes JoinService and key service answer nobody.
	PauseServices struct{}
	// ResumeServices ends PauseServices.
	ResumeServices struct{}
	// StopServices ends all that the node runs, or is starting, for its cluster, and
	// locks the disk. Answers that are on their way may still arrive; they are refused.
	StopServices struct{}
	// WipeDisk makes the disk blank: where OnRequest is set because its owner said so,
	// else because it is the node's own and was never sealed. The seal goes first.
	WipeDisk struct {
		Disk      string // UUID; empty where it is not known
		OnRequest bool
	}
	// Reboot restarts the machine after a pause.
	Reboot struct {
		After    time.Duration
		Attempts uint8 // for the next Booted, where the platform can keep it
	}
	// PowerOff ends the boot.
	PowerOff struct{}
)

func (ExamineDisk) effect() string        { return "examine disk" }
func (FormatDisk) effect() string         { return "format disk" }
func (Announce) effect() string           { return "announce" }
func (LookForJoinService) effect() string { return "look for JoinService" }
func (StopLooking) effect() string        { return "stop looking" }
func (OpenRecovery) effect() string       { return "open recovery" }
func (CloseRecovery) effect() string      { return "close recovery" }
func (RequestTicket) effect() string      { return "request ticket" }
func (Tell) effect() string               { return "tell" }
func (MakeSecret) effect() string         { return "make secret" }
func (CombineShares) effect() string      { return "combine shares" }
func (Forget) effect() string             { return "forget" }
func (SetMark) effect() string            { return "mark" }
func (FoundCluster) effect() string       { return "found cluster" }
func (SendDraft) effect() string          { return "send draft" }
func (SendResult) effect() string         { return "send result" }
func (ReplaceKeyslot) effect() string     { return "replace keyslot" }
func (WriteSeal) effect() string          { return "write seal" }
func (OpenDisk) effect() string           { return "open disk" }
func (StartServices) effect() string      { return "start services" }
func (StartStore) effect() string         { return "start store" }
func (RecordRecovery) effect() string     { return "record recovery" }
func (UpdateSeal) effect() string         { return "update seal" }
func (PauseServices) effect() string      { return "pause services" }
func (ResumeServices) effect() string     { return "resume services" }
func (StopServices) effect() string       { return "stop services" }
func (WipeDisk) effect() string           { return "wipe disk" }
func (Reboot) effect() string             { return "reboot" }
func (PowerOff) effect() string           { return "power off" }
