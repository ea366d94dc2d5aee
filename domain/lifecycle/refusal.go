package lifecycle

import "fmt"

// Code says why something was refused or failed. Codes are stable.
type Code string

// The codes of refusals by what the node is doing.
const (
	NotReady         Code = "NOT_READY"
	NothingUnderWay  Code = "NOTHING_UNDER_WAY"
	NodeSealed       Code = "NODE_SEALED"
	DiskDamaged      Code = "DISK_DAMAGED"
	InitUnderWay     Code = "INIT_UNDER_WAY"
	JoinUnderWay     Code = "JOIN_UNDER_WAY"
	RejoinUnderWay   Code = "REJOIN_UNDER_WAY"
	RecoveryUnderWay Code = "RECOVERY_UNDER_WAY"
	AlreadyMember    Code = "ALREADY_MEMBER"
	NodeRevoked      Code = "NODE_REVOKED"
	BootOver         Code = "BOOT_OVER"
)

// The codes of refusals by what was offered or asked for.
const (
	NotTheOwner        Code = "NOT_THE_OWNER"
	NotControlPlane    Code = "NOT_CONTROL_PLANE"
	OneInitPerBoot     Code = "ONE_INIT_PER_BOOT"
	OtherOwner         Code = "OTHER_OWNER"
	OtherCluster       Code = "OTHER_CLUSTER"
	OtherNode          Code = "OTHER_NODE"
	OldStatement       Code = "OLD_STATEMENT"
	OldDisk            Code = "OLD_DISK"
	LedgerForked       Code = "LEDGER_FORKED"
	StaleTicket        Code = "STALE_TICKET"
	StaleStart         Code = "STALE_START"
	WrongKey           Code = "WRONG_KEY"
	BadShare           Code = "BAD_SHARE"
	ShareKnown         Code = "SHARE_KNOWN"
	NoShares           Code = "NO_SHARES"
	JoinServiceAnswers Code = "JOIN_SERVICE_ANSWERS"
	Malformed          Code = "MALFORMED"
)

// The codes of failures, beside those above.
const (
	StepFailed    Code = "STEP_FAILED"
	NoAnswer      Code = "NO_ANSWER"
	TicketDenied  Code = "TICKET_REFUSED"
	TicketWaiting Code = "TICKET_WAITS_FOR_APPROVAL"
	TicketLater   Code = "TICKET_TRY_LATER"
	BootSpent     Code = "BOOT_SPENT"
	StreamBroken  Code = "INIT_STREAM_BROKEN"
	DiskWiped     Code = "DISK_WIPED"
)

// Reason returns what a code means, as the end of a sentence.
func (c Code) Reason() string {
	if reason, ok := reasons[c]; ok {
		return reason
	}
	return string(c)
}

var reasons = map[Code]string{
	NotReady:         "the node still prepares its disk; try again in a moment",
	NothingUnderWay:  "the node waits for an owner or a JoinService, and for nothing else",
	NodeSealed:       "the node's disk belongs to a cluster; to give it up, have its owner wipe it",
	DiskDamaged:      "the node's disk is damaged; its owner may have it wiped",
	InitUnderWay:     "an init is under way",
	JoinUnderWay:     "the node is joining a cluster",
	RejoinUnderWay:   "the node is rejoining its cluster",
	RecoveryUnderWay: "a recovery is under way",
	AlreadyMember:    "the node is a member of a cluster until it reboots",
	NodeRevoked:      "the node was revoked; its owner may have the disk wiped",
	BootOver:         "the node is about to reboot or to power off",

	NotTheOwner:        "no valid signature of the owner",
	NotControlPlane:    "the node is not a control-plane node",
	OneInitPerBoot:     "another init was accepted in this boot; reboot the node first",
	OtherOwner:         "the cluster belongs to another owner than the node was provisioned for",
	OtherCluster:       "it is of another cluster",
	OtherNode:          "it names another node or disk",
	OldStatement:       "the cluster statement is older than one that the node knows",
	OldDisk:            "the disk is older than what the sender knows of the cluster; recover a newer node",
	LedgerForked:       "the sender's checkpoint and the disk's contradict each other",
	StaleTicket:        "it answers no request that is open",
	StaleStart:         "it answers a start that was cut short",
	WrongKey:           "the key does not fit the disk's seal",
	BadShare:           "the share is none of those that the disk's seal lists",
	ShareKnown:         "the node has this share already",
	NoShares:           "the cluster was founded without shares",
	JoinServiceAnswers: "a JoinService of the cluster answers, so there is nothing to recover",
	Malformed:          "a value that must be there is missing",

	StepFailed:    "a step failed",
	NoAnswer:      "no answer came",
	TicketDenied:  "the JoinService refused a ticket",
	TicketWaiting: "the JoinService waits for somebody to approve the node",
	TicketLater:   "the JoinService has no time now",
	BootSpent:     "the JoinService gives this boot no ticket any more; the node reboots to ask again",
	StreamBroken:  "the owner's tool went away",
	DiskWiped:     "the owner has the disk wiped",
}

// Refusal is the error of Step: the event was not for this state, and changed
// nothing.
type Refusal struct { //nolint:errname // an answer to a caller before it is an error
	Code  Code
	Event string // its name
	Phase Phase  // that the node is in; empty where the caller has not proven to be the owner
}

// Error names the event, the phase and the reason.
func (r *Refusal) Error() string {
	if r.Phase == "" {
		return fmt.Sprintf("%s: %s", r.Event, r.Code.Reason())
	}
	return fmt.Sprintf("%s in %s: %s", r.Event, r.Phase, r.Code.Reason())
}

func (s State) refuse(e Event, c Code) (State, []Effect, error) {
	r := &Refusal{Code: c, Event: EventName(e), Phase: s.Phase}
	if c == NotTheOwner {
		r.Phase = "" // a stranger learns nothing, not even this
	}
	return s, nil, r
}

// misplaced refuses an event that does not belong to the state.
func (s State) misplaced(e Event) (State, []Effect, error) { return s.refuse(e, s.occupied()) }

// occupied says what keeps the node from something else.
func (s State) occupied() Code {
	switch s.Phase {
	case Measured:
		return NotReady
	case Fresh:
		if s.Stage == Formatting {
			return NotReady
		}
		return NothingUnderWay
	case Sealed:
		return NodeSealed
	case Damaged:
		return DiskDamaged
	case Initialising:
		return InitUnderWay
	case Joining:
		return JoinUnderWay
	case Rejoining:
		return RejoinUnderWay
	case Recovering:
		return RecoveryUnderWay
	case Member, Withheld:
		return AlreadyMember
	case Revoked:
		return NodeRevoked
	default:
		return BootOver
	}
}
