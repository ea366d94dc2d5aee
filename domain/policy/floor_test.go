package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/policy"
)

func TestFloor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Custom(func(t *rapid.T) time.Time { return time.Unix(rapid.Int64Range(-1<<32, 1<<32).Draw(t, "s"), 0) })
		var f policy.Floor
		var newest time.Time
		for _, signed := range rapid.SliceOf(instant).Draw(t, "signed") {
			if f = f.Raise(signed); signed.After(newest) {
				newest = signed
			}
		}
		if !f.Time().Equal(newest) {
			t.Fatalf("floor = %v, newest signed time %v", f.Time(), newest)
		}
		clock := instant.Draw(t, "clock")
		want := clock
		if newest.After(clock) {
			want = newest
		}
		if got := f.Now(clock); !got.Equal(want) {
			t.Fatalf("now = %v with the clock at %v and the floor at %v", got, clock, newest)
		}
	})
}

func TestZeroFloorIsTheClock(t *testing.T) {
	if got := (policy.Floor{}).Now(now); got != now {
		t.Errorf("now = %v, want the clock's %v", got, now)
	}
}

// seen is the floor of a verifier that has seen the claims' endorsements.
func seen(claims *policy.Claims) policy.Floor {
	var f policy.Floor
	for _, e := range claims.Endorsements {
		f = f.Raise(e.Issued)
	}
	return f
}

// genuineOld returns the claims as genuine collateral of a year ago makes them.
func genuineOld(c *policy.Claims) *policy.Claims {
	for i := range c.Endorsements {
		c.Endorsements[i].Issued = c.Endorsements[i].Issued.AddDate(-1, 0, 0)
		c.Endorsements[i].Expires = c.Endorsements[i].Expires.AddDate(-1, 0, 0)
	}
	if c.TDX != nil {
		c.TDX.EvaluationDataNumber = 12
	}
	return c
}

// Threat row 22: genuine collateral of last year is refused though the clock says
// that it is last year, since newer was seen.
func TestThreat22StaleCollateralWithTheClockTurnedBack(t *testing.T) {
	p := newPolicy(t)
	floor, lastYear := seen(tdxClaims()), now.AddDate(-1, 0, 0)
	old := genuineOld(tdxClaims())
	old.TDX.EvaluationDataNumber = 17 // what the issue dates alone must show
	v := policy.Appraise(old, p, floor.Now(lastYear))
	want := []string{
		"refuse ENDORSEMENT_EXPIRED CRL", "refuse ENDORSEMENT_STALE CRL", "refuse ENDORSEMENT_EXPIRED TCB info", "refuse ENDORSEMENT_STALE TCB info",
	}
	if diff := cmp.Diff(want, summary(v)); diff != "" || v.Admitted {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if v := policy.Appraise(old, p, lastYear); !v.Admitted {
		t.Fatalf("without a floor nothing shows it: %v; this test shows nothing", summary(v))
	}
}

// A number that does not decrease needs no clock at all.
func TestThreat22CollateralBelowTheNumberSeen(t *testing.T) {
	old := genuineOld(tdxClaims())
	v := policy.Appraise(old, newPolicy(t), now.AddDate(-1, 0, 0))
	if diff := cmp.Diff([]string{"refuse COLLATERAL_TOO_OLD tcbEvaluationDataNumber"}, summary(v)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// Threat row 28: a clock that is moved back changes nothing below the floor, and
// one that is moved forward admits nothing that was refused.
func TestThreat28ClockMovedByTheHost(t *testing.T) {
	p := newPolicy(t, func(d *policy.Document) { d.Releases[1].NotAfter = now.Add(24 * time.Hour) })
	floor := policy.Floor{}.Raise(now) // what was signed last: a statement, a moment ago
	expired := tpmClaims()
	expired.Endorsements[1].Expires = now.Add(-time.Second)
	day, year := 24*time.Hour, 365*24*time.Hour
	tests := []struct {
		name   string
		claims *policy.Claims
		moved  time.Duration
		want   []string
	}{
		{"right", tpmClaims(), 0, nil},
		{"a day back", tpmClaims(), -day, nil},
		{"a year back", tpmClaims(), -year, nil},
		{"a day forward", tpmClaims(), day, nil},
		{"a year forward", tpmClaims(), year, []string{
			"refuse ENDORSEMENT_EXPIRED CRL", "refuse ENDORSEMENT_STALE CRL",
			"refuse ENDORSEMENT_EXPIRED TCB info", "refuse ENDORSEMENT_STALE TCB info",
		}},
		{"a day back, to before a list expired", expired, -day, []string{"refuse ENDORSEMENT_EXPIRED CRL"}},
		{"a year back, to before a list expired", expired, -year, []string{"refuse ENDORSEMENT_EXPIRED CRL"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := policy.Appraise(tt.claims, p, floor.Now(now.Add(tt.moved)))
			if diff := cmp.Diff(tt.want, summary(v)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
