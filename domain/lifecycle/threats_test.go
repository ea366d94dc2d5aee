package lifecycle_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
)

// drive feeds events and returns the state and all effects. Each must be taken.
func drive(t *testing.T, s lifecycle.State, events ...lifecycle.Event) (lifecycle.State, []lifecycle.Effect) {
	t.Helper()
	var all []lifecycle.Effect
	for _, e := range events {
		next, effects, err := lifecycle.Step(s, e)
		if err != nil {
			t.Fatalf("%s: %v", lifecycle.EventName(e), err)
		}
		s, all = next, append(all, effects...)
	}
	return s, all
}

// refuses feeds an event that must be refused with the code, and change nothing.
func refuses(t *testing.T, s lifecycle.State, e lifecycle.Event, code lifecycle.Code) {
	t.Helper()
	next, effects, err := lifecycle.Step(s, e)
	refusal, ok := err.(*lifecycle.Refusal) //nolint:errorlint // Step's doc promises this type, unwrapped
	if !ok || refusal.Code != code {
		t.Errorf("%s in %s: %v, want %s", lifecycle.EventName(e), s.Phase, err, code)
	}
	if next != s || effects != nil {
		t.Errorf("%s in %s is refused and changes something", lifecycle.EventName(e), s.Phase)
	}
}

func freshNode(t *testing.T, role join.Role) lifecycle.State {
	t.Helper()
	s, _ := drive(t, lifecycle.New(node(role)), lifecycle.Booted{},
		lifecycle.DiskExamined{Content: lifecycle.Blank}, lifecycle.DiskFormatted{UUID: diskUUID})
	return s
}

func lockedNode(t *testing.T, role join.Role) lifecycle.State {
	t.Helper()
	s, _ := drive(t, lifecycle.New(node(role)), lifecycle.Booted{},
		lifecycle.DiskExamined{Content: lifecycle.WithSeal, UUID: diskUUID, Seal: homeSeal(role)})
	return s
}

func services() lifecycle.JoinServiceFound {
	return lifecycle.JoinServiceFound{Mark: home(), Serial: 4, Request: request(1)}
}

func ticket() lifecycle.TicketReceived {
	return lifecycle.TicketReceived{Request: request(1), Derived: home(), Fits: true}
}

// unharmed says that no effect touches the disk or the register.
func unharmed(t *testing.T, effects []lifecycle.Effect) {
	t.Helper()
	for _, f := range effects {
		switch f.(type) {
		case lifecycle.SetMark, lifecycle.FormatDisk, lifecycle.ReplaceKeyslot, lifecycle.WriteSeal, lifecycle.UpdateSeal,
			lifecycle.OpenDisk, lifecycle.WipeDisk, lifecycle.Reboot, lifecycle.StartStore, lifecycle.StartServices:
			t.Errorf("effect %q", lifecycle.EffectName(f))
		}
	}
}

// stillRejoins says that a locked node comes back to its cluster from here.
func stillRejoins(t *testing.T, s lifecycle.State) {
	t.Helper()
	found, answer := services(), ticket()
	found.Request, answer.Request = request(7), request(7)
	s, _ = drive(t, s, found, answer, lifecycle.Marked{Mark: home()}, lifecycle.DiskOpened{}, lifecycle.ServicesStarted{})
	if s.Phase != lifecycle.Member {
		t.Errorf("ends in %s", s.Phase)
	}
}

// A locked node is led to a genuine cluster that is not its own.
func TestThreat02DivertedLockedNode(t *testing.T) {
	t.Parallel()
	s := lockedNode(t, join.Worker)
	for _, other := range []lifecycle.Mark{twin(), abroad()} {
		refuses(t, s, lifecycle.JoinServiceFound{Mark: other, Serial: 9, Request: request(1)}, lifecycle.OtherCluster)
	}
	stillRejoins(t, s)
}

// What answers in the cluster's name hands out another cluster's secrets, or a key
// that is not this disk's.
func TestThreat02DivertedTicket(t *testing.T) {
	t.Parallel()
	for code, e := range map[lifecycle.Code]lifecycle.TicketReceived{
		lifecycle.OtherCluster: {Request: request(1), Derived: twin(), Fits: true},
		lifecycle.WrongKey:     {Request: request(1), Derived: home()},
	} {
		asked, _ := drive(t, lockedNode(t, join.ControlPlane), services())
		s, effects := drive(t, asked, e)
		unharmed(t, effects)
		if s.Phase != lifecycle.Sealed || s.Mark != (lifecycle.Mark{}) || s.Disk != asked.Disk {
			t.Errorf("%s: %+v", code, s)
		}
		same(t, string(code), effects, lifecycle.Forget{}, lifecycle.Tell{Code: code},
			lifecycle.LookForJoinService{After: lifecycle.MinPause}, lifecycle.OpenRecovery{Unlock: true})
		if !t.Failed() {
			stillRejoins(t, s)
		}
	}
}

// A fresh node's ticket leads to another cluster than the JoinService's mark.
func TestThreat02DivertedJoiner(t *testing.T) {
	t.Parallel()
	s, effects := drive(t, freshNode(t, join.Worker), services(),
		lifecycle.TicketReceived{Request: request(1), Derived: twin(), Fits: true})
	unharmed(t, effects)
	if s.Phase != lifecycle.Fresh {
		t.Errorf("ends in %s", s.Phase)
	}
	refuses(t, freshNode(t, join.Worker), lifecycle.JoinServiceFound{Mark: abroad(), Serial: 9, Request: request(1)}, lifecycle.OtherOwner)
}

// A marked node tries to join: a member cannot be brought to ask anybody.
func TestThreat05MarkedNodeJoinsNothing(t *testing.T) {
	t.Parallel()
	s, _ := drive(t, freshNode(t, join.Worker), services(), ticket(), lifecycle.Marked{Mark: home()}, lifecycle.DiskSealed{})
	for _, s := range []lifecycle.State{s, must(drive(t, s, lifecycle.ServicesStarted{}))} {
		found := services()
		for _, found.Mark = range []lifecycle.Mark{home(), twin()} {
			if next, _, err := lifecycle.Step(s, found); err == nil || next != s {
				t.Errorf("%s %s asks again", s.Phase, s.Stage)
			}
		}
	}
	restarted, effects := drive(t, s, lifecycle.Booted{Marked: true})
	if restarted.Phase != lifecycle.Ended || len(effects) != 1 || lifecycle.EffectName(effects[0]) != "reboot" {
		t.Errorf("a program that starts anew in a marked boot: %s, %v", restarted.Phase, effects)
	}
}

func must(s lifecycle.State, _ []lifecycle.Effect) lifecycle.State { return s }

// A node crashes between ticket and mark: nothing of the ticket was used or kept,
// and it may ask again.
func TestThreat05CrashBetweenTicketAndMark(t *testing.T) {
	t.Parallel()
	w := world{state: freshNode(t, join.Worker), disk: disk{header: throwAway}}
	for _, e := range []lifecycle.Event{services(), ticket()} {
		ways, violations := w.step(e)
		if len(violations) > 0 {
			t.Fatal(violations)
		}
		for _, way := range ways {
			if way.world.disk != w.disk {
				t.Errorf("%s: the disk is %s", way.what, way.world.disk.header)
			}
			if way.world.state.Phase == lifecycle.Measured && way.world.mark != (lifecycle.Mark{}) {
				t.Errorf("%s: a marked node starts", way.what)
			}
		}
		w = ways[len(ways)-1].world
	}
	w = w.power()
	if end := clusterLives.carry(w); end.state.Phase != lifecycle.Member {
		t.Errorf("ends in %v", end)
	}
}

// No secret is used or stored before the mark is reported: in no state that waits
// for it does anything else happen than the mark.
func TestThreat05SecretBeforeMark(t *testing.T) {
	t.Parallel()
	seen := map[lifecycle.Phase]bool{}
	explore(t, func(w world, v variant) {
		if w.state.Stage != lifecycle.Marking {
			return
		}
		seen[w.state.Phase] = true
		_, effects, _ := lifecycle.Step(w.state, v.event)
		for _, f := range effects {
			if _, marked := v.event.(lifecycle.Marked); w.usesSecrets(f) && !marked {
				t.Errorf("%s marking: %s brings %q", w.state.Phase, lifecycle.EventName(v.event), lifecycle.EffectName(f))
			}
		}
	})
	if len(seen) != 4 {
		t.Errorf("only %v wait for a mark", seen)
	}
	for _, s := range []lifecycle.State{
		must(drive(t, freshNode(t, join.Worker), services(), ticket())),
		must(drive(t, lockedNode(t, join.Worker), services(), ticket())),
	} {
		refuses(t, s, lifecycle.Marked{Mark: twin()}, lifecycle.OtherCluster)
		refuses(t, s, lifecycle.Marked{}, lifecycle.OtherCluster)
	}
}

// A wrong secret or share costs nothing: the node waits on with what it had, and
// the right one works afterwards.
func TestThreat15WrongSecret(t *testing.T) {
	t.Parallel()
	locked := lockedNode(t, join.ControlPlane)
	gathering, effects := drive(t, locked, lifecycle.ShareOffered{Index: 1, Fits: true})
	unharmed(t, effects)
	right := lifecycle.SecretOffered{Means: lifecycle.ByMasterSecret, Signer: owner(), Fits: true, Derived: home()}
	busy := map[lifecycle.Phase]lifecycle.Code{lifecycle.Sealed: lifecycle.NodeSealed, lifecycle.Recovering: lifecycle.RecoveryUnderWay}
	for _, s := range []lifecycle.State{locked, gathering} {
		wrong, foreign, forked, unsigned := right, right, right, right
		wrong.Fits, foreign.Derived, forked.Newest, unsigned.Signer = false, twin(), head(8, 1), stranger()
		refuses(t, s, wrong, lifecycle.WrongKey)
		refuses(t, s, foreign, lifecycle.OtherCluster)
		refuses(t, s, forked, lifecycle.LedgerForked)
		refuses(t, s, unsigned, lifecycle.NotTheOwner)
		refuses(t, s, lifecycle.SecretOffered{Means: lifecycle.ByKMS, Derived: home()}, lifecycle.WrongKey)
		refuses(t, s, lifecycle.SecretOffered{Means: lifecycle.ByShares, Fits: true, Derived: home()}, busy[s.Phase])
		refuses(t, s, lifecycle.ShareOffered{Index: 9}, lifecycle.BadShare)
		recovered, _ := drive(t, s, right, lifecycle.Marked{Mark: home()}, lifecycle.DiskOpened{Contains: true},
			lifecycle.StoreStarted{}, lifecycle.RecoveryRecorded{}, lifecycle.ServicesStarted{})
		if recovered.Phase != lifecycle.Member {
			t.Errorf("ends in %s", recovered.Phase)
		}
	}
}

// A bad share is named and dropped; the good ones count, each once.
func TestThreat15BadShare(t *testing.T) {
	t.Parallel()
	s, _ := drive(t, lockedNode(t, join.ControlPlane), lifecycle.ShareOffered{Index: 200, Fits: true})
	refuses(t, s, lifecycle.ShareOffered{Index: 201}, lifecycle.BadShare)
	refuses(t, s, lifecycle.ShareOffered{Index: 200, Fits: true}, lifecycle.ShareKnown)
	s, effects := drive(t, s, lifecycle.ShareOffered{Index: 3, Fits: true})
	if len(effects) != 1 || effects[0] != (lifecycle.CombineShares{}) {
		t.Errorf("with enough shares: %v", effects)
	}
	for code, e := range map[lifecycle.Code]lifecycle.SecretOffered{
		lifecycle.WrongKey:     {Means: lifecycle.ByShares, Derived: home()},
		lifecycle.OtherCluster: {Means: lifecycle.ByShares, Fits: true, Derived: twin()},
	} {
		back, effects := drive(t, s, e)
		unharmed(t, effects)
		if back.Phase != lifecycle.Sealed || back.Shares.Len() != 0 || back.Disk != s.Disk {
			t.Errorf("%s: %+v", code, back)
		}
		stillRejoins(t, back)
	}
}

// An old disk is opened by its key, and serves nothing.
func TestThreat15OldDisk(t *testing.T) {
	t.Parallel()
	s, effects := drive(t, lockedNode(t, join.ControlPlane),
		lifecycle.SecretOffered{Means: lifecycle.ByKMS, Fits: true, Derived: home(), Newest: head(9, 9)},
		lifecycle.Marked{Mark: home()}, lifecycle.DiskOpened{})
	for _, f := range effects {
		switch f.(type) {
		case lifecycle.StartStore, lifecycle.StartServices:
			t.Errorf("effect %q", lifecycle.EffectName(f))
		}
	}
	if s.Phase != lifecycle.Ended || effects[len(effects)-1] != (lifecycle.Reboot{After: lifecycle.MinPause, Attempts: 1}) {
		t.Errorf("ends in %s with %v", s.Phase, effects)
	}
}

// While a JoinService of the cluster answers there is nothing to recover, before
// and after it has refused.
func TestThreat15NoRecoveryBesideALivingCluster(t *testing.T) {
	t.Parallel()
	asked, _ := drive(t, lockedNode(t, join.ControlPlane), services())
	denied, _ := drive(t, asked, lifecycle.TicketRefused{Request: request(1), Why: lifecycle.ByPolicy})
	secret := lifecycle.SecretOffered{Means: lifecycle.ByKMS, Fits: true, Derived: home()}
	for _, s := range []lifecycle.State{asked, denied} {
		refuses(t, s, secret, lifecycle.JoinServiceAnswers)
		refuses(t, s, lifecycle.ShareOffered{Index: 1, Fits: true}, lifecycle.JoinServiceAnswers)
	}
	s, _ := drive(t, denied, lifecycle.JoinServiceLost{}, secret)
	if s.Phase != lifecycle.Recovering {
		t.Errorf("ends in %s", s.Phase)
	}
}

// A recovered node's own store is yesterday's, or was put there: whoever reads the
// ledger hears of it before anything that the node does in it. Nothing that may
// write to the store starts before the recovery is committed.
func TestThreat12RecoveryIsTheFirstEntry(t *testing.T) {
	t.Parallel()
	recorded := 0
	explore(t, func(w world, v variant) {
		if w.state.Phase != lifecycle.Recovering {
			return
		}
		next, effects, err := lifecycle.Step(w.state, v.event)
		_, told := v.event.(lifecycle.RecoveryRecorded)
		if told && err == nil {
			recorded++
			return
		}
		for _, f := range effects {
			if _, serves := f.(lifecycle.StartServices); serves {
				t.Errorf("%s, %s: %s brings %q", w.state.Phase, w.state.Stage, lifecycle.EventName(v.event), lifecycle.EffectName(f))
			}
		}
		if next.Phase == lifecycle.Member && w.state.Stage != lifecycle.Starting {
			t.Errorf("a member from %s", w.state.Stage)
		}
	})
	if recorded == 0 {
		t.Error("no recovery was recorded")
	}
}

// A node that is denied on its way in, between its mark and its membership, gives
// up at once: whatever was on its way to it, it serves nobody in this boot, and
// the next one touches no sealed disk without a ticket.
func TestThreat32DeniedOnTheWay(t *testing.T) {
	t.Parallel()
	seen := map[place]bool{}
	for _, w := range explored().order {
		s := w.state
		if !s.Unlocked() || s.Phase == lifecycle.Revoked {
			continue
		}
		next, effects, err := lifecycle.Step(s, lifecycle.RevokedByOwner{})
		if err != nil {
			t.Fatalf("%v: %v", at(s), err)
		}
		seen[at(s)] = true
		if next.Phase != lifecycle.Revoked {
			wantReboot(t, s, next, effects)
		}
		for _, v := range append(w.events(), w.reports()...) {
			if after, _, err := lifecycle.Step(next, v.event); err == nil && (after.Phase == lifecycle.Member || after.Phase == lifecycle.Withheld) {
				t.Errorf("%v, denied: %s makes it a %s", at(s), lifecycle.EventName(v.event), after.Phase)
			}
		}
	}
	if len(seen) != 18 {
		t.Errorf("denied in %d places: %v", len(seen), seen)
	}
}

// wantReboot says that a denied node stops what runs and reboots, and wipes nothing
// but what is its own.
func wantReboot(t *testing.T, before, next lifecycle.State, effects []lifecycle.Effect) {
	t.Helper()
	want := []lifecycle.Effect{lifecycle.Tell{Code: lifecycle.NodeRevoked}, lifecycle.StopServices{}, lifecycle.Forget{}}
	if before.Disk.Own {
		want = append(want, lifecycle.WipeDisk{Disk: before.Disk.UUID})
	}
	same(t, at(before).String(), effects, append(want, lifecycle.Reboot{After: lifecycle.MinPause, Attempts: 1})...)
	if next.Phase != lifecycle.Ended {
		t.Errorf("%v, denied: ends in %s", at(before), next.Phase)
	}
}
