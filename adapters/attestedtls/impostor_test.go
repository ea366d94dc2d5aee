package attestedtls_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// impostor is a JoinService that is not the one that the joiner wants. It lies as
// its case has it, and the joiner has to find why not.
type impostor struct {
	name string
	lie  func(t *testing.T, w, foreign *softtest.World, s *attestedtls.Service)
	want []policy.Code
}

func impostors() []impostor {
	return []impostor{
		{
			name: "a genuine one of a foreign cluster",
			lie: func(t *testing.T, _, foreign *softtest.World, s *attestedtls.Service) {
				t.Helper()
				*s = *foreign.Service(t, evidence.Join)
			},
			want: []policy.Code{policy.CodeStatementNotTrusted},
		},
		{
			name: "a foreign one that shows our statement",
			lie: func(t *testing.T, _, foreign *softtest.World, s *attestedtls.Service) {
				t.Helper()
				ours := s.Statement
				*s = *foreign.Service(t, evidence.Join)
				s.Statement = ours
			},
			want: []policy.Code{policy.CodePeerMismatch, policy.CodePeerMismatch},
		},
		{
			name: "a foreign one that shows our statement and claims to be ours",
			lie: func(t *testing.T, _, foreign *softtest.World, s *attestedtls.Service) {
				t.Helper()
				s.Attester = uncertified(t, foreign)
			},
			want: []policy.Code{policy.CodeMarkMismatch, policy.CodeAKNotProven, policy.CodeEKNotTrusted},
		},
		{
			name: "a machine that nobody marked",
			lie: func(t *testing.T, w, _ *softtest.World, s *attestedtls.Service) {
				t.Helper()
				m := w.Machine(t)
				w.Certify(m)
				s.Attester = m
			},
			want: []policy.Code{policy.CodeMarkMismatch},
		},
		{
			name: "a marked machine that the engine's CA does not know",
			lie: func(t *testing.T, w, _ *softtest.World, s *attestedtls.Service) {
				t.Helper()
				s.Attester = uncertified(t, w)
			},
			want: []policy.Code{policy.CodeAKNotProven, policy.CodeEKNotTrusted},
		},
		{
			name: "a machine with the certificate of a foreign CA",
			lie: func(t *testing.T, w, foreign *softtest.World, s *attestedtls.Service) {
				t.Helper()
				m := uncertified(t, w)
				foreign.Certify(m)
				s.Attester = m
			},
			want: []policy.Code{policy.CodeCertificateInvalid},
		},
		{
			name: "one that runs what the statement does not list",
			lie: func(t *testing.T, w, _ *softtest.World, s *attestedtls.Service) {
				t.Helper()
				m := w.MachineOf(t, evidence.AzureTrustedLaunch, "v6.6.6")
				m.Mark(w.Cluster, w.Owner)
				w.Certify(m)
				s.Attester = m
			},
			want: []policy.Code{
				policy.CodePCRMismatch, policy.CodePCRMismatch, policy.CodePCRMismatch, policy.CodePCRMismatch,
				policy.CodePCRMismatch, policy.CodePCRMismatch, policy.CodePCRMismatch,
			},
		},
	}
}

// uncertified returns a member without an AK certificate.
func uncertified(t *testing.T, w *softtest.World) *softtest.Machine {
	t.Helper()
	m := w.Member(t)
	m.AKCertificate = nil
	return m
}

func TestThreat26Impostors(t *testing.T) {
	for _, i := range impostors() {
		t.Run(i.name, func(t *testing.T) {
			w := softtest.New(t)
			config := w.Server(t, evidence.Join)
			i.lie(t, w, w.Foreign(t), config.Services[evidence.Join])
			client := w.Client(t, evidence.Join, evidence.Joiner)
			atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, config))
			requireRefused(t, atClient.Err, atServer.Err, i.want...)
			if quotes := client.Attester.(*softtest.Machine).Quotes(); quotes != 0 {
				t.Errorf("the joiner proved itself %d times to an impostor", quotes)
			}
		})
	}
}

// TestThreat26NoEvidence has a JoinService without a machine: it sends what it
// once got from a genuine one, or nothing that holds.
func TestThreat26NoEvidence(t *testing.T) {
	w := softtest.New(t)
	recorded := record(t, w)
	cases := map[string]struct {
		sent []byte
		want policy.Code
	}{
		"evidence of an earlier session": {recorded, policy.CodeBindingMismatch},
		"no evidence in the frame":       {encoded(t, &frame.Evidence{Evidence: []byte("none"), Path: []byte("none")}), policy.CodeEvidenceMalformed},
		"an admission in its place":      {admission(), policy.CodeSessionRefused},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRogue(t, w, session{evidence.Join, evidence.Joiner}, attestedtls.ServerSide)
			r.alter = func(step attestedtls.Step, sent []byte) []byte {
				if step.Row == "4" {
					return c.sent
				}
				return sent
			}
			told, _, honest := r.against(t)
			requireCodes(t, honest, false, c.want)
			if told == nil || told.Admitted || told.Findings[0].Code != c.want {
				t.Errorf("the impostor was told %+v", told)
			}
		})
	}
}

// record returns the evidence frame of a genuine JoinService.
func record(t *testing.T, w *softtest.World) []byte {
	t.Helper()
	var recorded []byte
	r := newRogue(t, w, session{evidence.Join, evidence.Joiner}, attestedtls.ServerSide)
	r.alter = func(step attestedtls.Step, sent []byte) []byte {
		if step.Row == "4" {
			recorded = append([]byte(nil), sent...)
		}
		if step.Row == "9" {
			return nil
		}
		return sent
	}
	_, _, _ = r.against(t)
	if recorded == nil {
		t.Fatal("nothing was recorded")
	}
	return recorded
}

func encoded(t *testing.T, m frame.Message) []byte {
	t.Helper()
	data, err := frame.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestThreat26StatementIsBound has the server announce one statement and show
// another, both genuine.
func TestThreat26StatementIsBound(t *testing.T) {
	w := softtest.New(t)
	r := newRogue(t, w, session{evidence.Join, evidence.Joiner}, attestedtls.ServerSide)
	other := encoded(t, &frame.Statement{Encoded: w.Statement(t, func(s *owner.Statement) { s.Serial++ })})
	r.alter = func(step attestedtls.Step, sent []byte) []byte {
		if step.Kind == frame.KindStatement {
			return other
		}
		return sent
	}
	_, _, honest := r.against(t)
	requireCodes(t, honest, false, policy.CodeSessionRefused)
}

// TestThreat02DialledNode wants the node that was meant, and no other of the
// cluster, wherever the dialling end knows a name.
func TestThreat02DialledNode(t *testing.T) {
	for _, s := range []session{{evidence.Attest, evidence.JoinService}, {evidence.Admin, evidence.Owner}} {
		t.Run(s.String(), func(t *testing.T) {
			w := softtest.New(t)
			client := w.Client(t, s.purpose, s.role)
			client.NodeName = "node-2"
			atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, s.purpose)))
			requireRefused(t, atClient.Err, atServer.Err, policy.CodePeerMismatch)
		})
	}
}

// TestThreat02LockedNodeOfAnotherCluster has a locked node find a JoinService of
// another cluster of its owner: neither takes the other.
func TestThreat02LockedNodeOfAnotherCluster(t *testing.T) {
	w := softtest.New(t)
	client := w.Client(t, evidence.Rejoin, evidence.Locked)
	client.Claimed = func() frame.Claimed {
		claimed := w.Claimed(evidence.Locked)
		claimed.Cluster[0] ^= 1
		return claimed
	}
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Rejoin)))
	requireRefused(t, atServer.Err, atClient.Err, policy.CodePeerMismatch)

	client = w.Client(t, evidence.Rejoin, evidence.Locked)
	client.Statement.Anchor = func() owner.Anchor {
		anchor := w.Anchor()
		anchor.Cluster[0] = ^w.Cluster[0]
		return anchor
	}
	atClient, atServer = softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Rejoin)))
	requireRefused(t, atClient.Err, atServer.Err, policy.CodeStatementNotTrusted)
}

// TestThreat05MarkedNodeJoins has a node that belongs to a cluster say that it
// does not.
func TestThreat05MarkedNodeJoins(t *testing.T) {
	w := softtest.New(t)
	for name, m := range map[string]*softtest.Machine{"its own cluster": w.Member(t), "another cluster": w.Foreign(t).Member(t)} {
		t.Run(name, func(t *testing.T) {
			m.AKCertificate = nil
			client := w.Client(t, evidence.Join, evidence.Joiner)
			client.Attester = m
			atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
			requireRefused(t, atServer.Err, atClient.Err, policy.CodeMarkMismatch)
		})
	}
	client := w.Client(t, evidence.Join, evidence.Joiner)
	client.Claimed = func() frame.Claimed { return frame.Claimed{Mark: frame.Marked} }
	atClient, _ := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
	if !errors.Is(atClient.Err, attestedtls.ErrConfig) {
		t.Errorf("a node that knows that it is marked: %v", atClient.Err)
	}
}

// TestThreat28Clock moves the joiner's clock. Statements expire and are not taken
// before their time; nothing else in the handshake looks at a clock.
func TestThreat28Clock(t *testing.T) {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		moved time.Duration
		want  []policy.Code
	}{
		"right":             {0, nil},
		"a minute behind":   {-time.Hour - time.Minute, nil},
		"a day ahead":       {day, nil},
		"a day behind":      {-day, []policy.Code{policy.CodeStatementNotTrusted}},
		"a year behind":     {-year, []policy.Code{policy.CodeStatementNotTrusted}},
		"a year ahead":      {year, []policy.Code{policy.CodeStatementNotTrusted}},
		"91 days ahead":     {91 * day, []policy.Code{policy.CodeStatementNotTrusted}},
		"before all clocks": {-60 * year, []policy.Code{policy.CodeStatementNotTrusted}},
	} {
		t.Run(name, func(t *testing.T) {
			w := softtest.New(t)
			client := w.Client(t, evidence.Join, evidence.Joiner)
			client.Now = func() time.Time { return w.Time.Add(c.moved) }
			keys, err := attestedtls.NewKeys(client.Now)
			if err != nil {
				t.Fatal(err)
			}
			client.Keys = keys
			atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
			if c.want == nil {
				requireSession(t, atClient, atServer)
				return
			}
			requireRefused(t, atClient.Err, atServer.Err, c.want...)
		})
	}
}

// TestThreat28FloorRises wants the statement's date to be reported, so that a
// clock that is turned back later does not bring back what has expired.
func TestThreat28FloorRises(t *testing.T) {
	w := softtest.New(t)
	var floor policy.Floor
	client := w.Client(t, evidence.Join, evidence.Joiner)
	client.Signed = func(signed time.Time) { floor = floor.Raise(signed) }
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
	requireSession(t, atClient, atServer)
	back := w.Time.AddDate(-1, 0, 0)
	if got := floor.Now(back); !got.Equal(w.Time.Add(-time.Hour)) {
		t.Errorf("with the clock at %v it is %v", back, got)
	}
}

// TestThreat30StatementRolledBack shows an older statement than was seen.
func TestThreat30StatementRolledBack(t *testing.T) {
	w := softtest.New(t)
	server := softtest.NewServer(t, w.Server(t, evidence.Join))
	anchor := w.Anchor()
	client := w.Client(t, evidence.Join, evidence.Joiner)
	client.Statement.Anchor = func() owner.Anchor { return anchor }
	client.Statement.Seen = func(s *attestedtls.Statement) error {
		anchor.MinSerial, anchor.MinDocument = s.Serial+1, s.Newest.Number
		return nil
	}
	atClient, atServer := softtest.Meet(t, client, server)
	requireSession(t, atClient, atServer)
	if anchor.MinSerial != w.Serial+1 {
		t.Fatalf("the statement that was seen has serial %d", anchor.MinSerial)
	}
	atClient, atServer = softtest.Meet(t, client, server)
	requireRefused(t, atClient.Err, atServer.Err, policy.CodeStatementNotTrusted)
	var reason *owner.StatementError
	if !errors.As(atClient.Err, &reason) || reason.Reason != owner.Rollback {
		t.Errorf("the reason is %v", atClient.Err)
	}
}

// TestStatementNotRemembered ends the handshake where what was seen cannot be
// kept, before the client says anything of itself.
func TestStatementNotRemembered(t *testing.T) {
	w := softtest.New(t)
	full := errors.New("the disk is full")
	client := w.Client(t, evidence.Join, evidence.Joiner)
	client.Statement.Seen = func(*attestedtls.Statement) error { return full }
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
	if !errors.Is(atClient.Err, full) || client.Attester.(*softtest.Machine).Quotes() != 0 {
		t.Errorf("the client: %v", atClient.Err)
	}
	requireCodes(t, atServer.Err, true, policy.CodeSessionRefused)
}

// TestAttesterFails tells the peer that there was a problem, and to come back,
// and only the caller which.
func TestAttesterFails(t *testing.T) {
	w := softtest.New(t)
	gone := errors.New("secret detail of the device")
	for _, side := range sides() {
		t.Run(side.String(), func(t *testing.T) {
			config, client := w.Server(t, evidence.Join), w.Client(t, evidence.Join, evidence.Joiner)
			attester := config.Services[evidence.Join].Attester
			if side == attestedtls.ClientSide {
				attester = client.Attester
			}
			attester.(*softtest.Machine).Before = func(context.Context) error { return gone }
			atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, config))
			by, other := atServer.Err, atClient.Err
			if side == attestedtls.ClientSide {
				by, other = other, by
			}
			var refused *attestedtls.Refused
			if !errors.Is(by, gone) || errors.As(by, &refused) {
				t.Errorf("the end whose attester fails: %v", by)
			}
			requireCodes(t, other, true, policy.CodeSessionRefused)
			if !errors.As(other, &refused) || refused.RetryAfter == 0 || refused.Findings[0].Seen != "" {
				t.Errorf("the other end was told %+v", refused)
			}
		})
	}
}
