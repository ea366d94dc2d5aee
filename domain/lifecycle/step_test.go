package lifecycle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
)

// same compares effects with all that they hold.
func same(t *testing.T, what string, got []lifecycle.Effect, want ...lifecycle.Effect) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// The whole first join, with what each effect says.
func TestJoin(t *testing.T) {
	t.Parallel()
	s, effects := drive(t, freshNode(t, join.ControlPlane), services())
	same(t, "found", effects, lifecycle.StopLooking{},
		lifecycle.RequestTicket{Kind: join.FirstJoin, Request: request(1), Disk: diskUUID, From: home()})
	s, effects = drive(t, s, ticket())
	same(t, "ticket", effects, lifecycle.SetMark{Mark: home()})
	if !s.Unlocked() || s.Request != (join.RequestID{}) {
		t.Errorf("past the point of no return: %+v", s)
	}
	seal := lifecycle.Seal{Mark: home(), Role: join.ControlPlane, Serial: 4}
	s, effects = drive(t, s, lifecycle.Marked{Mark: home()})
	same(t, "marked", effects, lifecycle.ReplaceKeyslot{Disk: diskUUID}, lifecycle.WriteSeal{Disk: diskUUID, Seal: seal})
	s, effects = drive(t, s, lifecycle.DiskSealed{})
	same(t, "sealed", effects, lifecycle.StartServices{Role: join.ControlPlane, Store: lifecycle.StoreJoins})
	s, effects = drive(t, s, lifecycle.ServicesStarted{})
	same(t, "started", effects)
	want := lifecycle.State{
		Node: node(join.ControlPlane), Phase: lifecycle.Member, Disk: lifecycle.Disk{UUID: diskUUID, Seal: seal},
		Target: home(), Serial: 4, Mark: home(),
	}
	if s != want {
		t.Errorf("ends as %+v, want %+v", s, want)
	}
}

// The whole founding of a cluster.
func TestInit(t *testing.T) {
	t.Parallel()
	s, effects := drive(t, freshNode(t, join.ControlPlane), lifecycle.InitRequested{ID: first(), Signer: owner()})
	same(t, "requested", effects, lifecycle.StopLooking{}, lifecycle.MakeSecret{Init: first()})
	refuses(t, s, lifecycle.SecretMade{}, lifecycle.Malformed)
	s, effects = drive(t, s, lifecycle.SecretMade{Cluster: home().Cluster})
	same(t, "secret", effects, lifecycle.SetMark{Mark: home()})
	s, effects = drive(t, s, lifecycle.Marked{Mark: home()})
	same(t, "marked", effects, lifecycle.FoundCluster{Mark: home()})
	s, effects = drive(t, s, lifecycle.ClusterFounded{})
	same(t, "founded", effects, lifecycle.SendDraft{Mark: home()})
	s, effects = drive(t, s, lifecycle.StatementSigned{Signer: owner(), Mark: home(), Serial: 2})
	seal := lifecycle.Seal{Mark: home(), Role: join.ControlPlane, Serial: 2}
	same(t, "signed", effects, lifecycle.ReplaceKeyslot{Disk: diskUUID}, lifecycle.WriteSeal{Disk: diskUUID, Seal: seal})
	refuses(t, s, lifecycle.InitStreamBroken{}, lifecycle.InitUnderWay)
	s, effects = drive(t, s, lifecycle.DiskSealed{})
	same(t, "sealed", effects, lifecycle.StartServices{Role: join.ControlPlane, Store: lifecycle.StoreOwn})
	refuses(t, s, lifecycle.InitStreamBroken{}, lifecycle.InitUnderWay)
	s, effects = drive(t, s, lifecycle.ServicesStarted{})
	same(t, "started", effects, lifecycle.SendResult{})
	if s.Phase != lifecycle.Member || s.Disk.Seal != seal {
		t.Errorf("ends as %+v", s)
	}
}

// A statement without a serial founds nothing, also where none was provisioned.
func TestStatementNeedsASerial(t *testing.T) {
	t.Parallel()
	n := node(join.ControlPlane)
	n.Serial = 0
	s, _ := drive(t, lifecycle.New(n), lifecycle.Booted{}, lifecycle.DiskExamined{Content: lifecycle.Unsealed},
		lifecycle.DiskFormatted{UUID: diskUUID}, lifecycle.InitRequested{ID: first(), Signer: owner()},
		lifecycle.SecretMade{Cluster: home().Cluster}, lifecycle.Marked{Mark: home()}, lifecycle.ClusterFounded{})
	refuses(t, s, lifecycle.StatementSigned{Signer: owner(), Mark: home()}, lifecycle.OldStatement)
	drive(t, s, lifecycle.StatementSigned{Signer: owner(), Mark: home(), Serial: 1})
}

// The whole rejoin: the newest statement goes into the seal, and the role and the
// threshold stay the disk's.
func TestRejoin(t *testing.T) {
	t.Parallel()
	for role, store := range map[join.Role]lifecycle.Store{join.ControlPlane: lifecycle.StoreResync, join.Worker: lifecycle.NoStore} {
		other := node(role)
		other.Role = map[join.Role]join.Role{join.Worker: join.ControlPlane, join.ControlPlane: join.Worker}[role]
		s, effects := drive(t, lifecycle.New(other), lifecycle.Booted{Attempts: 3},
			lifecycle.DiskExamined{Content: lifecycle.WithSeal, UUID: diskUUID, Seal: homeSeal(role)})
		same(t, "examined", effects, lifecycle.ExamineDisk{}, lifecycle.LookForJoinService{},
			lifecycle.OpenRecovery{Unlock: role == join.ControlPlane})
		s, effects = drive(t, s, services())
		same(t, "found", effects, lifecycle.StopLooking{},
			lifecycle.RequestTicket{Kind: join.Rejoin, Request: request(1), Disk: diskUUID, From: home()})
		s, effects = drive(t, s, ticket())
		same(t, "ticket", effects, lifecycle.CloseRecovery{Code: lifecycle.JoinServiceAnswers}, lifecycle.SetMark{Mark: home()})
		s, effects = drive(t, s, lifecycle.Marked{Mark: home()})
		same(t, "marked", effects, lifecycle.OpenDisk{Disk: diskUUID})
		s, effects = drive(t, s, lifecycle.DiskOpened{})
		same(t, "opened", effects, lifecycle.StartServices{Role: role, Store: store})
		s, effects = drive(t, s, lifecycle.ServicesStarted{})
		seal := homeSeal(role)
		seal.Serial = 4
		same(t, "started", effects, lifecycle.UpdateSeal{Disk: diskUUID, Seal: seal})
		if s.Attempts != 0 || s.Answering || s.Disk.Seal != seal {
			t.Errorf("ends as %+v", s)
		}
	}
}

// A boot that gets no ticket any more ends: what is the node's own is wiped as
// after a failed join, a sealed disk is not touched, and the pauses stay bounded.
func TestSpentBootEnds(t *testing.T) {
	t.Parallel()
	spent := lifecycle.TicketRefused{Request: request(1), Why: lifecycle.ThisBoot, After: time.Hour}
	told := lifecycle.Tell{Code: lifecycle.BootSpent}
	for attempts, pause := range map[uint8]time.Duration{0: lifecycle.MinPause, lifecycle.MaxAttempts: lifecycle.MaxPause} {
		for want, s := range map[lifecycle.Effect]lifecycle.State{
			lifecycle.WipeDisk{Disk: diskUUID}: freshNode(t, join.Worker), nil: lockedNode(t, join.Worker),
		} {
			s.Attempts = attempts
			s, effects := drive(t, must(drive(t, s, services())), spent)
			all := []lifecycle.Effect{told, lifecycle.Forget{}}
			if want != nil {
				all = append(all, want)
			}
			same(t, "spent", effects, append(all, lifecycle.Reboot{After: pause, Attempts: min(attempts+1, lifecycle.MaxAttempts)})...)
			if s.Phase != lifecycle.Ended {
				t.Errorf("ends in %s", s.Phase)
			}
		}
	}
	other := spent
	other.Request = request(9)
	refuses(t, must(drive(t, freshNode(t, join.Worker), services())), other, lifecycle.StaleTicket)
	refuses(t, must(drive(t, lockedNode(t, join.Worker), services())), other, lifecycle.StaleTicket)
}

// Init and join race. Whichever comes first wins, and the other is told.
func TestInitAndJoinRace(t *testing.T) {
	t.Parallel()
	start := lifecycle.InitRequested{ID: first(), Signer: owner()}
	initialising, _ := drive(t, freshNode(t, join.ControlPlane), start)
	refuses(t, initialising, services(), lifecycle.InitUnderWay)
	refuses(t, initialising, start, lifecycle.InitUnderWay)
	joining, _ := drive(t, freshNode(t, join.ControlPlane), services())
	refuses(t, joining, start, lifecycle.JoinUnderWay)
	later, _ := drive(t, joining, lifecycle.JoinServiceLost{}, start)
	if later.Phase != lifecycle.Initialising {
		t.Errorf("after the join failed: %s", later.Phase)
	}
}

// An init that failed before the mark may come again, and no other.
func TestOneInitPerBoot(t *testing.T) {
	t.Parallel()
	start := lifecycle.InitRequested{ID: first(), Signer: owner()}
	s, effects := drive(t, freshNode(t, join.ControlPlane), start, lifecycle.Failed{What: "no entropy"})
	same(t, "failed", effects[2:], lifecycle.Forget{}, lifecycle.Tell{Code: lifecycle.StepFailed, What: "no entropy"},
		lifecycle.Announce{Phase: lifecycle.Fresh}, lifecycle.LookForJoinService{After: lifecycle.MinPause})
	other := start
	other.ID = lifecycle.InitID{2}
	refuses(t, s, other, lifecycle.OneInitPerBoot)
	drive(t, s, start)
	drive(t, s, lifecycle.Booted{}, lifecycle.DiskExamined{Content: lifecycle.Blank}, lifecycle.DiskFormatted{UUID: diskUUID}, other)
}

// A wiped node still knows the init that this boot has accepted.
func TestWipeKeepsTheBootsHistory(t *testing.T) {
	t.Parallel()
	s := lockedNode(t, join.ControlPlane)
	s.Init, s.Attempts = first(), 4
	s, effects := drive(t, s, lifecycle.WipeRequested{Signer: owner(), Node: identity("a"), Disk: diskUUID})
	same(t, "wipe", effects, lifecycle.StopLooking{}, lifecycle.CloseRecovery{Code: lifecycle.DiskWiped}, lifecycle.Forget{},
		lifecycle.WipeDisk{Disk: diskUUID, OnRequest: true}, lifecycle.FormatDisk{})
	if s.Init != first() || s.Attempts != 4 || s.Disk != (lifecycle.Disk{}) {
		t.Errorf("after the wipe: %+v", s)
	}
	member := must(drive(t, freshNode(t, join.Worker), services(), ticket(), lifecycle.Marked{Mark: home()},
		lifecycle.DiskSealed{}, lifecycle.ServicesStarted{}, lifecycle.RevokedByOwner{}))
	_, effects = drive(t, member, lifecycle.WipeRequested{Signer: owner(), Node: identity("a"), Disk: diskUUID})
	same(t, "wipe of a revoked member", effects, lifecycle.WipeDisk{Disk: diskUUID, OnRequest: true},
		lifecycle.Reboot{After: lifecycle.MinPause, Attempts: 1})
}

// The request that was not answered is repeated under its ID, where it was made.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	again, elsewhere := services(), services()
	again.Request, elsewhere.Mark, elsewhere.Request = request(5), twin(), request(6)
	refused := func(w lifecycle.Why) lifecycle.Event { return lifecycle.TicketRefused{Request: request(1), Why: w} }
	wrong := ticket()
	wrong.Derived = twin()
	for name, c := range map[string]struct {
		answer, next lifecycle.Event
		want         join.RequestID
	}{
		"lost":            {lifecycle.JoinServiceLost{}, again, request(1)},
		"failed":          {lifecycle.Failed{What: "timeout"}, again, request(1)},
		"busy":            {refused(lifecycle.TryLater), again, request(1)},
		"waits":           {refused(lifecycle.ForConsent), again, request(1)},
		"refused":         {refused(lifecycle.ByPolicy), again, request(5)},
		"wrong ticket":    {wrong, again, request(5)},
		"another cluster": {lifecycle.JoinServiceLost{}, elsewhere, request(6)},
	} {
		s, _ := drive(t, freshNode(t, join.Worker), services(), c.answer, c.next)
		if s.Request != c.want {
			t.Errorf("%s: asks as %v, want %v", name, s.Request, c.want)
		}
		if c.next == elsewhere {
			continue
		}
		s, _ = drive(t, lockedNode(t, join.Worker), services(), c.answer, c.next)
		if s.Request != c.want {
			t.Errorf("%s: a locked node asks as %v, want %v", name, s.Request, c.want)
		}
	}
	unnamed := services()
	unnamed.Request = join.RequestID{}
	refuses(t, freshNode(t, join.Worker), unnamed, lifecycle.Malformed)
	refuses(t, lockedNode(t, join.Worker), unnamed, lifecycle.Malformed)
	wrongKey, _ := drive(t, lockedNode(t, join.Worker), services(), lifecycle.TicketReceived{Request: request(1), Derived: home()}, again)
	if wrongKey.Request != request(5) {
		t.Errorf("after a ticket with a wrong key: asks as %v", wrongKey.Request)
	}
}

// Each refusal says what it was.
func TestTellsWhyNoTicketCame(t *testing.T) {
	t.Parallel()
	for why, want := range map[lifecycle.Why]lifecycle.Tell{
		lifecycle.TryLater:   {Code: lifecycle.TicketLater},
		lifecycle.ForConsent: {Code: lifecycle.TicketWaiting},
		lifecycle.ByPolicy:   {Code: lifecycle.TicketDenied, What: "policy"},
		lifecycle.ByDenial:   {Code: lifecycle.NodeRevoked},
	} {
		_, effects := drive(t, freshNode(t, join.Worker), services(), lifecycle.TicketRefused{Request: request(1), Why: why})
		same(t, string(why), effects[2:], lifecycle.Forget{}, want, lifecycle.Announce{Phase: lifecycle.Fresh},
			lifecycle.LookForJoinService{After: lifecycle.MinPause})
	}
}

// A waiting node remembers the newest statement of the cluster that it asked.
func TestStatementsDoNotGoBack(t *testing.T) {
	t.Parallel()
	older, elsewhere := services(), services()
	older.Serial, elsewhere.Mark, elsewhere.Serial = 3, twin(), 2
	fresh, _ := drive(t, freshNode(t, join.Worker), services(), lifecycle.JoinServiceLost{})
	refuses(t, fresh, older, lifecycle.OldStatement)
	drive(t, fresh, services())
	drive(t, fresh, elsewhere)
	elsewhere.Serial = 1
	refuses(t, fresh, elsewhere, lifecycle.OldStatement)
	locked, _ := drive(t, lockedNode(t, join.Worker), services(), lifecycle.JoinServiceLost{})
	refuses(t, locked, older, lifecycle.OldStatement)
	drive(t, lockedNode(t, join.Worker), older)
	older.Serial = 2
	refuses(t, lockedNode(t, join.Worker), older, lifecycle.OldStatement)
}

// A fresh node needs to be told of a whole mark.
func TestMarksAreWhole(t *testing.T) {
	t.Parallel()
	n := node(join.Worker)
	for _, m := range []lifecycle.Mark{{}, {Owner: owner()}, {Cluster: home().Cluster}} {
		n.Owner = m.Owner
		s, _ := drive(t, lifecycle.New(n), lifecycle.Booted{}, lifecycle.DiskExamined{Content: lifecycle.Blank}, lifecycle.DiskFormatted{UUID: diskUUID})
		refuses(t, s, lifecycle.JoinServiceFound{Mark: m, Serial: 4, Request: request(1)}, lifecycle.Malformed)
	}
}

// What a member knows only grows.
func TestStatementSeen(t *testing.T) {
	t.Parallel()
	s, _ := drive(t, lockedNode(t, join.Worker), services(), ticket(), lifecycle.Marked{Mark: home()}, lifecycle.DiskOpened{}, lifecycle.ServicesStarted{})
	seal := homeSeal(join.Worker)
	seal.Serial = 4
	for _, c := range []lifecycle.StatementSeen{{Serial: 5, Checkpoint: head(8, 8)}, {Serial: 4, Checkpoint: head(9, 9)}} {
		next, effects := drive(t, s, c)
		newer := seal
		newer.Serial, newer.Checkpoint = c.Serial, c.Checkpoint
		same(t, "newer", effects, lifecycle.UpdateSeal{Disk: diskUUID, Seal: newer})
		if next.Disk.Seal != newer || next.Serial != c.Serial {
			t.Errorf("remembers %+v", next)
		}
	}
	if next, effects := drive(t, s, lifecycle.StatementSeen{Serial: 4, Checkpoint: head(8, 8)}); next != s || effects != nil {
		t.Error("what is known changes something")
	}
	refuses(t, s, lifecycle.StatementSeen{Serial: 3, Checkpoint: head(9, 9)}, lifecycle.OldStatement)
	refuses(t, s, lifecycle.StatementSeen{Serial: 5, Checkpoint: head(7, 7)}, lifecycle.OldStatement)
	refuses(t, s, lifecycle.StatementSeen{Serial: 5, Checkpoint: head(8, 1)}, lifecycle.LedgerForked)
}

// Damage is what cannot be told apart from a member's disk, and says what it is.
func TestDamage(t *testing.T) {
	t.Parallel()
	seal := homeSeal(join.Worker)
	noCluster, noOwner, noRole := seal, seal, seal
	noCluster.Mark.Cluster, noOwner.Mark.Owner, noRole.Role = twin().Cluster, abroad().Owner, "captain"
	clear(noCluster.Mark.Cluster[:])
	clear(noOwner.Mark.Owner[:])
	booted, _ := drive(t, lifecycle.New(node(join.Worker)), lifecycle.Booted{})
	for what, e := range map[string]lifecycle.Event{
		"does not say whose":           lifecycle.DiskExamined{Content: lifecycle.WithSeal, Seal: seal},
		"does not say whose it is":     lifecycle.DiskExamined{Content: lifecycle.WithSeal, UUID: diskUUID, Seal: noCluster},
		"its seal does not say whose":  lifecycle.DiskExamined{Content: lifecycle.WithSeal, UUID: diskUUID, Seal: noOwner},
		"seal does not say whose it":   lifecycle.DiskExamined{Content: lifecycle.WithSeal, UUID: diskUUID, Seal: noRole},
		"flipped":                      lifecycle.DiskExamined{Content: lifecycle.Broken, Damage: "a flipped bit"},
		"not what this release writes": lifecycle.DiskExamined{Content: "something new"},
		"cannot be examined: timeout":  lifecycle.Failed{What: "timeout"},
	} {
		s, effects := drive(t, booted, e)
		if s.Phase != lifecycle.Damaged || !strings.Contains(s.Disk.Damage, what) {
			t.Errorf("%+v, want damage with %q", s, what)
		}
		same(t, what, effects, lifecycle.Announce{Phase: lifecycle.Damaged, Damage: s.Disk.Damage}, lifecycle.OpenRecovery{})
	}
	formatting, _ := drive(t, booted, lifecycle.DiskExamined{Content: lifecycle.Blank})
	for what, e := range map[string]lifecycle.Event{
		"no UUID":                      lifecycle.DiskFormatted{},
		"cannot be formatted: too bad": lifecycle.Failed{What: "too bad"},
	} {
		if s, _ := drive(t, formatting, e); !strings.Contains(s.Disk.Damage, what) {
			t.Errorf("%q, want %q", s.Disk.Damage, what)
		}
	}
}

// Pauses double up to a bound, also over boots, and a JoinService that asks for
// more is heeded up to the same bound.
func TestPauses(t *testing.T) {
	t.Parallel()
	s := freshNode(t, join.Worker)
	want := []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300}
	for i, seconds := range want {
		var effects []lifecycle.Effect
		s, effects = drive(t, s, services(), lifecycle.JoinServiceLost{})
		same(t, "look", effects[len(effects)-1:], lifecycle.LookForJoinService{After: time.Duration(seconds) * time.Second})
		if int(s.Attempts) != min(i+1, lifecycle.MaxAttempts) {
			t.Errorf("attempt %d counts %d", i, s.Attempts)
		}
	}
	for after, want := range map[time.Duration]time.Duration{
		-time.Hour: time.Second, time.Minute: time.Minute, time.Hour: lifecycle.MaxPause,
	} {
		for _, s := range []lifecycle.State{freshNode(t, join.Worker), lockedNode(t, join.Worker)} {
			_, effects := drive(t, s, services(), lifecycle.TicketRefused{Request: request(1), Why: lifecycle.TryLater, After: after})
			if !holds(effects, lifecycle.LookForJoinService{After: want}) {
				t.Errorf("%s: after %v: %v", s.Phase, after, effects)
			}
		}
	}
	booted, _ := drive(t, s, lifecycle.Booted{Attempts: 255})
	if booted.Attempts != lifecycle.MaxAttempts {
		t.Errorf("%d attempts", booted.Attempts)
	}
	_, effects := drive(t, s, lifecycle.Booted{Attempts: 2, Marked: true})
	same(t, "reboot", effects, lifecycle.Reboot{After: 4 * time.Second, Attempts: 3})
}

func holds(effects []lifecycle.Effect, want lifecycle.Effect) bool {
	for _, f := range effects {
		if f == want {
			return true
		}
	}
	return false
}

// What fails after the mark wipes what is the node's own, and nothing else.
func TestFailureAfterTheMark(t *testing.T) {
	t.Parallel()
	s, _ := drive(t, freshNode(t, join.Worker), services(), ticket())
	told := lifecycle.Tell{Code: lifecycle.StepFailed, What: "x"}
	reboot := lifecycle.Reboot{After: lifecycle.MinPause, Attempts: 1}
	ended, effects := drive(t, s, lifecycle.Failed{What: "x"})
	same(t, "marking", effects, told, lifecycle.Forget{}, lifecycle.WipeDisk{Disk: diskUUID}, reboot)
	if want := (lifecycle.State{Node: s.Node, Phase: lifecycle.Ended, Attempts: 1}); ended != want {
		t.Errorf("ends as %+v", ended)
	}
	refuses(t, ended, lifecycle.StopRequested{}, lifecycle.BootOver)
	sealing, _ := drive(t, s, lifecycle.Marked{Mark: home()})
	_, effects = drive(t, sealing, lifecycle.Failed{What: "x"})
	same(t, "sealing", effects, told, lifecycle.Forget{}, reboot)
	stopped, effects := drive(t, sealing, lifecycle.StopRequested{})
	same(t, "stop", effects, lifecycle.StopServices{}, lifecycle.Forget{}, lifecycle.PowerOff{})
	if stopped.Attempts != 0 {
		t.Error("a wish to stop counts as a failure")
	}
}

// Strangers hear the same in every state, and it says nothing of the node.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	answers := map[string]map[string]bool{}
	explore(t, func(w world, v variant) {
		_, _, err := lifecycle.Step(w.state, v.event)
		unsigned := v.note == "unsigned" || v.note == "a stranger's" || v.note == "master secret, unsigned"
		if w.disk.seal.Mark == abroad() || !unsigned {
			return
		}
		name := lifecycle.EventName(v.event)
		if answers[name] == nil {
			answers[name] = map[string]bool{}
		}
		if err == nil {
			t.Errorf("%s (%s) is taken in %s", name, v.note, w.state.Phase)
			return
		}
		answers[name][err.Error()] = true
	})
	if len(answers) != 4 {
		t.Errorf("asked for %v", answers)
	}
	for name, heard := range answers {
		if len(heard) != 1 || !heard[name+": no valid signature of the owner"] {
			t.Errorf("%s: %v", name, heard)
		}
	}
	nobody := lifecycle.New(lifecycle.Node{Role: join.ControlPlane})
	refuses(t, nobody, lifecycle.InitRequested{ID: first()}, lifecycle.NotTheOwner)
	refuses(t, lockedNode(t, join.ControlPlane), lifecycle.SecretOffered{Means: lifecycle.ByApproval, Node: identity("a"), Fits: true, Derived: home()}, lifecycle.NotTheOwner)
}

// A disk's owner commands, not the one that the machine was provisioned for since.
func TestOwnerOfTheDisk(t *testing.T) {
	t.Parallel()
	n := node(join.Worker)
	n.Owner = stranger()
	s, _ := drive(t, lifecycle.New(n), lifecycle.Booted{},
		lifecycle.DiskExamined{Content: lifecycle.WithSeal, UUID: diskUUID, Seal: homeSeal(join.Worker)})
	wipe := lifecycle.WipeRequested{Signer: stranger(), Node: identity("a"), Disk: diskUUID}
	refuses(t, s, wipe, lifecycle.NotTheOwner)
	wipe.Signer = owner()
	s, _ = drive(t, s, wipe)
	refuses(t, s, lifecycle.InitRequested{ID: first(), Signer: owner()}, lifecycle.NotTheOwner)
}

func TestRefusalsAreReadable(t *testing.T) {
	t.Parallel()
	_, _, err := lifecycle.Step(lockedNode(t, join.Worker), lifecycle.JoinServiceFound{})
	if want := "JoinService found in Sealed: it is of another cluster"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, _, err = lifecycle.Step(freshNode(t, join.Worker), nil)
	if want := "nothing in Fresh: the node waits for an owner or a JoinService, and for nothing else"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if got := lifecycle.Code("NEW").Reason(); got != "NEW" {
		t.Errorf("an unknown code reads %q", got)
	}
	if lifecycle.EffectName(nil) != "nothing" {
		t.Error("no effect has a name")
	}
}

func TestIndices(t *testing.T) {
	t.Parallel()
	var x lifecycle.Indices
	for i := range 256 {
		if x.Has(uint8(i)) || x.Len() != i {
			t.Fatalf("%d is in %v, which has %d", i, x, x.Len())
		}
		x = x.With(uint8(i))
		if !x.Has(uint8(i)) || x.With(uint8(i)) != x {
			t.Fatalf("%d is not in %v", i, x)
		}
	}
}
