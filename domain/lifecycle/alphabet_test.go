package lifecycle_test

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// variant is an event with what is particular about it.
type variant struct {
	note  string
	event lifecycle.Event
}

func owner() keys.OwnerID    { return keys.OwnerID{1} }
func stranger() keys.OwnerID { return keys.OwnerID{2} }

// home is the cluster that nodes belong to, twin another of the same owner, and
// abroad one of another owner. All three are genuine.
func home() lifecycle.Mark   { return lifecycle.Mark{Cluster: keys.ClusterID{1}, Owner: owner()} }
func twin() lifecycle.Mark   { return lifecycle.Mark{Cluster: keys.ClusterID{2}, Owner: owner()} }
func abroad() lifecycle.Mark { return lifecycle.Mark{Cluster: keys.ClusterID{3}, Owner: stranger()} }

func head(size uint64, root byte) merkle.Head {
	return merkle.Head{Size: size, Root: merkle.Hash{root}}
}

func node(role join.Role) lifecycle.Node {
	return lifecycle.Node{Identity: identity("a"), Role: role, Owner: owner(), Serial: 2}
}

func homeSeal(role join.Role) lifecycle.Seal {
	return lifecycle.Seal{Mark: home(), Role: role, Threshold: 2, Serial: 3, Checkpoint: head(8, 8)}
}

func first() lifecycle.InitID { return lifecycle.InitID{1} }

func request(b byte) join.RequestID { return join.RequestID{b} }

// always are the events that can come at any time, from anybody.
func always() []variant {
	return append(append(fromOwners(), fromJoinServices()...), fromMembers()...)
}

func fromOwners() []variant {
	return []variant{
		{"the owner's", lifecycle.InitRequested{ID: first(), Signer: owner()}},
		{"the owner's, another one", lifecycle.InitRequested{ID: lifecycle.InitID{2}, Signer: owner()}},
		{"a stranger's", lifecycle.InitRequested{ID: first(), Signer: stranger()}},
		{"unsigned", lifecycle.InitRequested{ID: first()}},
		{"without an ID", lifecycle.InitRequested{Signer: owner()}},
		{"", lifecycle.InitStreamBroken{}},
		{"the owner's", lifecycle.WipeRequested{Signer: owner(), Node: identity("a"), Disk: diskUUID}},
		{"the owner's, no disk named", lifecycle.WipeRequested{Signer: owner(), Node: identity("a")}},
		{"the owner's, for another node", lifecycle.WipeRequested{Signer: owner(), Node: identity("b"), Disk: diskUUID}},
		{"a stranger's", lifecycle.WipeRequested{Signer: stranger(), Node: identity("a"), Disk: diskUUID}},
		{"unsigned", lifecycle.WipeRequested{Node: identity("a"), Disk: diskUUID}},
		{"", lifecycle.RevokedByOwner{}},
		{"", lifecycle.StopRequested{}},
	}
}

func fromJoinServices() []variant {
	return []variant{
		{"of its cluster", lifecycle.JoinServiceFound{Mark: home(), Serial: 4, Request: request(1)}},
		{"of its cluster, old statement", lifecycle.JoinServiceFound{Mark: home(), Serial: 1, Request: request(1)}},
		{"of the owner's other cluster", lifecycle.JoinServiceFound{Mark: twin(), Serial: 4, Request: request(2)}},
		{"of another owner", lifecycle.JoinServiceFound{Mark: abroad(), Serial: 4, Request: request(1)}},
		{"", lifecycle.JoinServiceLost{}},
		{"of its cluster", lifecycle.TicketReceived{Request: request(1), Derived: home(), Fits: true}},
		{"key does not fit", lifecycle.TicketReceived{Request: request(1), Derived: home()}},
		{"of another cluster", lifecycle.TicketReceived{Request: request(1), Derived: twin(), Fits: true}},
		{"another request's", lifecycle.TicketReceived{Request: request(2), Derived: twin(), Fits: true}},
		{"for a while", lifecycle.TicketRefused{Request: request(1), Why: lifecycle.TryLater, After: time.Second}},
		{"until approved", lifecycle.TicketRefused{Request: request(1), Why: lifecycle.ForConsent, After: time.Hour}},
		{"by policy", lifecycle.TicketRefused{Request: request(1), Why: lifecycle.ByPolicy}},
		{"to this boot", lifecycle.TicketRefused{Request: request(1), Why: lifecycle.ThisBoot}},
		{"revoked", lifecycle.TicketRefused{Request: request(1), Why: lifecycle.ByDenial}},
		{"another request's", lifecycle.TicketRefused{Request: request(2), Why: lifecycle.ByDenial}},
	}
}

func fromMembers() []variant {
	return []variant{
		{"first, fits", lifecycle.ShareOffered{Index: 1, Fits: true, Newest: head(9, 9)}},
		{"second, fits", lifecycle.ShareOffered{Index: 2, Fits: true}},
		{"bad", lifecycle.ShareOffered{Index: 3}},
		{"from a fork", lifecycle.ShareOffered{Index: 2, Fits: true, Newest: head(8, 7)}},
		{"master secret, fits", lifecycle.SecretOffered{Means: lifecycle.ByMasterSecret, Signer: owner(), Fits: true, Derived: home()}},
		{"master secret, wrong", lifecycle.SecretOffered{Means: lifecycle.ByMasterSecret, Signer: owner(), Derived: home()}},
		{"master secret, of another cluster", lifecycle.SecretOffered{Means: lifecycle.ByMasterSecret, Signer: owner(), Fits: true, Derived: twin()}},
		{"master secret, unsigned", lifecycle.SecretOffered{Means: lifecycle.ByMasterSecret, Fits: true, Derived: home()}},
		{"key service, fits", lifecycle.SecretOffered{Means: lifecycle.ByKMS, Fits: true, Derived: home()}},
		{"key service, wrong", lifecycle.SecretOffered{Means: lifecycle.ByKMS, Derived: home()}},
		{"approval", lifecycle.SecretOffered{Means: lifecycle.ByApproval, Signer: owner(), Node: identity("a"), Fits: true, Derived: home()}},
		{"approval for another node", lifecycle.SecretOffered{Means: lifecycle.ByApproval, Signer: owner(), Node: identity("b"), Fits: true, Derived: home()}},
		{"", lifecycle.QuorumAnswered{}},
		{"passed", lifecycle.Reattested{Passed: true}},
		{"failed", lifecycle.Reattested{}},
		{"newer", lifecycle.StatementSeen{Serial: 5, Checkpoint: head(10, 10)}},
		{"known already", lifecycle.StatementSeen{Serial: 3, Checkpoint: head(8, 8)}},
		{"older", lifecycle.StatementSeen{Serial: 1, Checkpoint: head(1, 1)}},
		{"from a fork", lifecycle.StatementSeen{Serial: 5, Checkpoint: head(10, 11)}},
	}
}

// reports are the true answers to the effect that a world waits for.
func (w world) reports() []variant {
	failed := variant{"", lifecycle.Failed{What: "input/output error"}}
	if w.stuck {
		return append(w.tooLate(), failed)
	}
	switch w.awaits {
	case "disk examined":
		return []variant{failed, {w.disk.header.note(), w.examined()}}
	case "disk formatted":
		return []variant{failed, {"", lifecycle.DiskFormatted{UUID: diskUUID}}}
	case "secret made":
		return []variant{failed, {"", lifecycle.SecretMade{Cluster: home().Cluster}}}
	case "marked":
		return []variant{failed, {"", lifecycle.Marked{Mark: w.mark}}}
	case "cluster founded":
		return []variant{failed, {"", lifecycle.ClusterFounded{}}}
	case "statement signed":
		return append([]variant{failed}, statements()...)
	case "disk sealed":
		return []variant{failed, {"", lifecycle.DiskSealed{}}}
	case "disk opened":
		return []variant{failed, {"new enough", lifecycle.DiskOpened{Contains: true}}, {"too old", lifecycle.DiskOpened{}}}
	case "store started":
		return append([]variant{failed, {"", lifecycle.StoreStarted{Start: w.start}}}, w.tooLate()...)
	case "recovery recorded":
		return append([]variant{failed, {"", lifecycle.RecoveryRecorded{Start: w.start}}}, w.tooLate()...)
	case "services started":
		return append([]variant{failed, {"", lifecycle.ServicesStarted{Start: w.start}}}, w.tooLate()...)
	case "secret offered":
		return []variant{
			failed,
			{"from shares, fits", lifecycle.SecretOffered{Means: lifecycle.ByShares, Fits: true, Derived: home()}},
			{"from shares, wrong", lifecycle.SecretOffered{Means: lifecycle.ByShares, Derived: home()}},
		}
	default:
		return []variant{failed}
	}
}

// tooLate are the answers of a start that was cut short. They may come whenever
// the next one is under way.
func (w world) tooLate() []variant {
	if w.start == 0 {
		return nil
	}
	return []variant{
		{"of the start before", lifecycle.StoreStarted{}},
		{"of the start before", lifecycle.RecoveryRecorded{}},
		{"of the start before", lifecycle.ServicesStarted{}},
	}
}

func statements() []variant {
	return []variant{
		{"the owner's", lifecycle.StatementSigned{Signer: owner(), Mark: home(), Serial: 2}},
		{"of another cluster", lifecycle.StatementSigned{Signer: owner(), Mark: twin(), Serial: 2}},
		{"too old", lifecycle.StatementSigned{Signer: owner(), Mark: home(), Serial: 1}},
		{"unsigned", lifecycle.StatementSigned{Mark: home(), Serial: 2}},
	}
}

func (h header) note() string {
	switch h {
	case throwAway, keyed:
		return "header, no seal"
	default:
		return string(h)
	}
}
