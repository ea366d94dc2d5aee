package lifecycle_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
)

// The whole recovery from shares, alone and beside a store that turns out to live.
func TestRecoverFromShares(t *testing.T) {
	t.Parallel()
	s, effects := drive(t, lockedNode(t, join.ControlPlane), lifecycle.ShareOffered{Index: 1, Fits: true},
		lifecycle.ShareOffered{Index: 2, Fits: true}, lifecycle.SecretOffered{Means: lifecycle.ByShares, Fits: true, Derived: home()})
	same(t, "shares", effects, lifecycle.CombineShares{}, lifecycle.StopLooking{},
		lifecycle.CloseRecovery{Code: lifecycle.RecoveryUnderWay}, lifecycle.SetMark{Mark: home()})
	if s.Shares != (lifecycle.Indices{}) {
		t.Error("shares are still counted")
	}
	marked, _ := drive(t, s, lifecycle.Marked{Mark: home()})
	starting, effects := drive(t, marked, lifecycle.DiskOpened{Contains: true})
	same(t, "opened", effects, lifecycle.StartStore{Store: lifecycle.StoreOwn})
	alone, effects := drive(t, starting, lifecycle.StoreStarted{}, lifecycle.RecoveryRecorded{}, lifecycle.ServicesStarted{})
	same(t, "started", effects, lifecycle.RecordRecovery{Means: lifecycle.ByShares},
		lifecycle.StartServices{Role: join.ControlPlane, Store: lifecycle.StoreOwn})
	if alone.Means != "" || alone.Target != home() || alone.Serial != 3 {
		t.Errorf("ends as %+v", alone)
	}
	_, effects = drive(t, starting, lifecycle.QuorumAnswered{}, lifecycle.DiskOpened{Contains: true})
	same(t, "late quorum", effects, lifecycle.StopServices{}, lifecycle.OpenDisk{Disk: diskUUID},
		lifecycle.StartStore{Start: 1, Store: lifecycle.StoreResync})
	early, effects := drive(t, marked, lifecycle.QuorumAnswered{}, lifecycle.DiskOpened{Contains: true})
	same(t, "early quorum", effects, lifecycle.StartStore{Store: lifecycle.StoreResync})
	refuses(t, early, lifecycle.QuorumAnswered{}, lifecycle.RecoveryUnderWay)
	member, _ := drive(t, early, lifecycle.StoreStarted{}, lifecycle.RecoveryRecorded{}, lifecycle.ServicesStarted{})
	if member.Resync {
		t.Error("a member still means to re-sync")
	}
	noShares := lockedNode(t, join.ControlPlane)
	noShares.Disk.Seal.Threshold = 0
	refuses(t, noShares, lifecycle.ShareOffered{Index: 1, Fits: true}, lifecycle.NoShares)
}

// The others of the store answer while this node starts its own: what the first
// start still reports counts for nothing in the second.
func TestLateAnswersOfAStart(t *testing.T) {
	t.Parallel()
	s, _ := drive(t, lockedNode(t, join.ControlPlane), lifecycle.SecretOffered{Means: lifecycle.ByKMS, Fits: true, Derived: home()},
		lifecycle.Marked{Mark: home()}, lifecycle.DiskOpened{Contains: true})
	answers := func(start uint8) []lifecycle.Event {
		return []lifecycle.Event{lifecycle.StoreStarted{Start: start}, lifecycle.RecoveryRecorded{Start: start}, lifecycle.ServicesStarted{Start: start}}
	}
	for done := range 3 {
		again, _ := drive(t, must(drive(t, s, answers(0)[:done]...)), lifecycle.QuorumAnswered{}, lifecycle.DiskOpened{Contains: true})
		for i, answer := range answers(1) {
			refuses(t, again, answers(0)[i], lifecycle.StaleStart)
			again, _ = drive(t, again, answer)
		}
		if again.Phase != lifecycle.Member || again.Start != 0 {
			t.Errorf("ends as %+v", again)
		}
	}
}

// A JoinService that is found and gives no answer keeps nobody from recovering the
// node.
func TestRecoverWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	for _, silence := range []lifecycle.Event{lifecycle.Failed{What: "timeout"}, lifecycle.JoinServiceLost{}} {
		s, _ := drive(t, lockedNode(t, join.ControlPlane), services(), silence)
		if s.Phase != lifecycle.Sealed || s.Answering {
			t.Errorf("%s: %+v", lifecycle.EventName(silence), s)
		}
		drive(t, s, lifecycle.ShareOffered{Index: 1, Fits: true})
	}
}

// Ledger heads of one size that differ are a fork; no head is none.
func TestForks(t *testing.T) {
	t.Parallel()
	s := lockedNode(t, join.ControlPlane)
	s.Disk.Seal.Checkpoint = head(0, 1)
	drive(t, s, lifecycle.ShareOffered{Index: 1, Fits: true})
	s.Disk.Seal.Checkpoint = head(1, 1)
	refuses(t, s, lifecycle.ShareOffered{Index: 1, Fits: true, Newest: head(1, 2)}, lifecycle.LedgerForked)
}
