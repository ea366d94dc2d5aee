package attestedtls_test

import (
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// joinAt has our joiner join with a clock that is off and a floor, which the
// newest statement that it believes raises. It returns what both ends have.
func joinAt(t *testing.T, off time.Duration, floor *policy.Floor, shown func(*owner.Statement)) (client, server result) {
	t.Helper()
	c := with(t)
	ends := c.ours.ends(evidence.Join)
	clock := &world.Clock{}
	clock.Move(off)
	ends.client.Now = func() time.Time { return floor.Now(clock.Now()) }
	ends.client.Signed = func(signed time.Time) { *floor = floor.Raise(signed) }
	ends.client.Verifiers = world.NewVerifiers(clock)
	if shown != nil {
		ends.server.Services[evidence.Join].Statement = statement(t, c.ours, shown)
	}
	return ends.meet(t)
}

// old is a genuine statement of which the time is over.
func old(s *owner.Statement) {
	s.Issued = s.Issued.Add(-100 * day)
	s.Expires = s.Issued.Add(owner.DefaultStatementLifetime)
}

// The clock of a joiner is the host's to set. Within the life of a statement that
// changes nothing; beyond it the join fails, and never the other way round.
func TestThreat28MovedClocksAdmitNobody(t *testing.T) {
	for name, tt := range map[string]struct {
		off     time.Duration
		shown   func(*owner.Statement)
		refused bool
	}{
		"right":                                  {0, nil, false},
		"a day ahead":                            {day, nil, false},
		"a year ahead, past the statement's end": {year, nil, true},
		"a day back, before the statement was made": {-day, nil, true},
		"a year back":                           {-year, nil, true},
		"right, and the statement is old":       {0, old, true},
		"a day ahead, and the statement is old": {day, old, true},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := joinAt(t, tt.off, &policy.Floor{}, tt.shown)
			if !tt.refused {
				if client.err != nil || server.err != nil {
					t.Fatalf("client: %v; server: %v", client.err, server.err)
				}
				return
			}
			wantRefused(t, &server, &client, policy.CodeStatementNotTrusted)
		})
	}
}

// A machine that has seen the newest statement once is not led back to the time of
// an old one, by whatever clock.
func TestThreat22ClocksTurnedBackDoNotReviveStatements(t *testing.T) {
	for name, off := range map[string]time.Duration{"a day": -day, "fifty days": -50 * day, "a year": -year} {
		t.Run(name, func(t *testing.T) {
			floor := &policy.Floor{}
			if client, server := joinAt(t, 0, floor, nil); client.err != nil || server.err != nil {
				t.Fatalf("client: %v; server: %v", client.err, server.err)
			}
			if floor.Time().IsZero() {
				t.Fatal("the join has not raised the floor")
			}
			client, server := joinAt(t, off, floor, old)
			wantRefused(t, &server, &client, policy.CodeStatementNotTrusted)
			if client, server := joinAt(t, off, floor, nil); client.err != nil || server.err != nil {
				t.Errorf("the newest statement is refused with the clock turned back: client: %v; server: %v", client.err, server.err)
			}
		})
	}
	t.Run("without a floor it would be believed", func(t *testing.T) { // so that the above is the floor's doing
		if client, server := joinAt(t, -50*day, &policy.Floor{}, old); client.err != nil || server.err != nil {
			t.Errorf("client: %v; server: %v", client.err, server.err)
		}
	})
}

// The server's clock is the host's too: certificates that are over stay over.
func TestThreat28CertificatesPastTheirTimeAreRefused(t *testing.T) {
	c := with(t)
	clock := &world.Clock{}
	clock.Move(3 * year) // past the AK certificates, not past the makers' CAs
	sessions := &world.Sessions{Facts: c.ours.Facts, Clock: clock, Verifiers: world.NewVerifiers(clock)}
	client, server := (&ends{
		client: sessions.Visitor(c.ours.service, c.ours.member.Name),
		server: c.ours.Member(c.ours.member),
	}).meet(t)
	wantRefused(t, &server, &client, policy.CodeCertificateInvalid)
}

// A statement's serial is remembered: the callback is told, and may end it all.
func TestStatementsAreRemembered(t *testing.T) {
	c := with(t)
	ends := c.ours.ends(evidence.Join)
	var seen uint64
	ends.client.Statement.Seen = func(s *attestedtls.Statement) error {
		seen = s.Serial
		return nil
	}
	if client, server := ends.meet(t); client.err != nil || server.err != nil {
		t.Fatalf("client: %v; server: %v", client.err, server.err)
	}
	if seen == 0 {
		t.Error("nobody was told of the statement")
	}
}
