package owner_test

import (
	"crypto/sha256"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func anchor(t testing.TB) owner.Anchor {
	t.Helper()
	return owner.Anchor{Owner: idOf(t, sampleOwner())}
}

func TestOpenStatement(t *testing.T) {
	want := newStatement(t)
	data := encodedStatement(t, signed(t, want, 1, 3))
	hash, err := want.Hash()
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]owner.Anchor{
		"any cluster":           {},
		"this cluster":          {Cluster: clusterID(7)},
		"nothing newer seen":    {MinSerial: 11, Known: owner.Hash{1}},
		"this very one seen":    {MinSerial: 12, Known: hash},
		"its serial alone seen": {MinSerial: 12},
	} {
		a.Owner = anchor(t).Owner
		if got, err := owner.OpenStatement(data, a, now); err != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// After keys were changed the newest document's threshold signs.
func TestOpenStatementAfterRotation(t *testing.T) {
	zero := sampleOwner()
	one := next(t, zero, 2, 3, 4)
	chain := []owner.Link{{Document: encoded(t, zero)}, link(t, one, 1, 2)}
	signed := signedAfter(t, newStatement(t), chain, 3, 4)
	a := anchor(t)
	a.MinDocument = 1
	s, newest, err := signed.Open(a, now)
	if err != nil || s.Serial != 12 || !reflect.DeepEqual(one, newest) {
		t.Errorf("Open = %+v, %+v, %v", s, newest, err)
	}
}

// refusedFor fails unless the statement is refused for the reason.
func refusedFor(t *testing.T, s *owner.SignedStatement, a owner.Anchor, at time.Time, want owner.StatementReason) {
	t.Helper()
	got, newest, err := s.Open(a, at)
	var refused *owner.StatementError
	if !errors.As(err, &refused) || refused.Reason != want || !errors.Is(err, owner.ErrStatement) || got != nil || newest != nil {
		t.Errorf("Open = %v, %v, %v; want a refusal for %s", got, newest, err, want)
	}
}

// Threat rows 2 and 26: whoever hands a machine keys and components shows a
// statement of its owner, or of nobody that counts. Foreign statements are
// genuine ones of other owners.
func TestThreat26StatementOfAnotherOwner(t *testing.T) {
	stranger := first(1, 9)
	foreign := newStatement(t, func(s *owner.Statement) { s.Owner = idOf(t, stranger) })
	chain := []owner.Link{{Document: encoded(t, stranger)}}
	refusedFor(t, signedAfter(t, foreign, chain, 9), anchor(t), now, owner.NotOwner)

	named := newStatement(t) // names the owner, and a stranger signed it
	refusedFor(t, signedAfter(t, named, chain, 9), anchor(t), now, owner.NotOwner)
	refusedFor(t, signed(t, named, 9), anchor(t), now, owner.BadSignature)
	refusedFor(t, signed(t, foreign, 1, 2), anchor(t), now, owner.NotOwner) // signed by mistake
	grafted := append(slices.Clone(chain), owner.Link{Document: encoded(t, sampleOwner())})
	refusedFor(t, signedAfter(t, named, grafted, 1, 2), anchor(t), now, owner.NotOwner)
}

// An infrastructure that swaps the owner ID gains a node that trusts nobody else:
// the true owner's statement is not for it.
func TestThreat26SwappedOwnerID(t *testing.T) {
	genuine := signed(t, newStatement(t), 1, 2)
	refusedFor(t, genuine, owner.Anchor{Owner: idOf(t, first(1, 9))}, now, owner.NotOwner)
	refusedFor(t, genuine, owner.Anchor{}, now, owner.NotOwner)
}

func TestThreat02StatementOfAnotherCluster(t *testing.T) {
	genuine := signed(t, newStatement(t), 1, 2)
	a := anchor(t)
	a.Cluster = clusterID(8)
	refusedFor(t, genuine, a, now, owner.OtherCluster)
}

// Threat row 30: what was replaced does not come back.
func TestThreat30StatementRolledBack(t *testing.T) {
	older := signed(t, newStatement(t), 1, 2)
	a := anchor(t)
	a.MinSerial = 13
	refusedFor(t, older, a, now, owner.Rollback)
	a = anchor(t)
	a.MinDocument = 1 // the chain was cut before the keys were changed
	refusedFor(t, older, a, now, owner.Rollback)
	a = anchor(t)
	twin, err := newStatement(t, func(s *owner.Statement) { s.MinimumPolicySerial = 9 }).Hash()
	if err != nil {
		t.Fatal(err)
	}
	a.MinSerial, a.Known = 12, twin
	refusedFor(t, older, a, now, owner.Forked)
}

func TestOpenStatementRefusesSignatures(t *testing.T) {
	s := newStatement(t)
	other := newStatement(t, func(s *owner.Statement) { s.Serial = 13 })
	tests := map[string]func(*owner.SignedStatement){
		"none":                       func(s *owner.SignedStatement) { s.Signatures = nil },
		"too few":                    func(s *owner.SignedStatement) { s.Signatures = s.Signatures[:1] },
		"one twice":                  func(s *owner.SignedStatement) { s.Signatures[1] = s.Signatures[0] },
		"not sorted":                 func(s *owner.SignedStatement) { slices.Reverse(s.Signatures) },
		"of another statement":       func(s *owner.SignedStatement) { s.Signatures = signed(t, other, 1, 2).Signatures },
		"over another statement":     func(s *owner.SignedStatement) { s.Statement = signed(t, other, 1, 2).Statement },
		"a broken one":               func(s *owner.SignedStatement) { s.Signatures[1].Value[5] ^= 1 },
		"a signed first document":    func(s *owner.SignedStatement) { s.Chain[0].Signatures = s.Signatures },
		"a bit of the statement":     func(s *owner.SignedStatement) { s.Statement[20] ^= 1 },
		"nothing that it could sign": func(s *owner.SignedStatement) { s.Statement = nil },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			genuine := signed(t, s, 1, 2)
			change(genuine)
			refusedFor(t, genuine, anchor(t), now, owner.BadSignature)
		})
	}
	rotated := next(t, sampleOwner(), 1, 4)
	unsigned := []owner.Link{{Document: encoded(t, sampleOwner())}, link(t, rotated, 1)}
	refusedFor(t, signedAfter(t, s, unsigned, 4), anchor(t), now, owner.BadSignature)
	refusedFor(t, signedAfter(t, s, nil, 1, 2), anchor(t), now, owner.NotOwner)
}

// What an owner signs to change keys, or a request, is no statement.
func TestOpenStatementWantsItsOwnLabel(t *testing.T) {
	rotation, err := owner.RotationPayload(next(t, sampleOwner(), 1, 4))
	if err != nil {
		t.Fatal(err)
	}
	s := signed(t, newStatement(t), 1, 2)
	s.Signatures = sign(rotation, 1, 2)
	refusedFor(t, s, anchor(t), now, owner.BadSignature)
	request := sampleRequest()
	request.body = string(s.Statement)
	s.Signatures = sign(request.payload(t), 1, 2)
	refusedFor(t, s, anchor(t), now, owner.BadSignature)
}

// The owner signed it, and yet it is no statement that this program reads.
func TestOpenStatementRefusesWhatIsMalformed(t *testing.T) {
	genuine := signed(t, newStatement(t), 1, 2)
	data := encodedStatement(t, genuine)
	for name, broken := range map[string][]byte{"nothing": nil, "cut": data[:len(data)-1], "trailing": append(slices.Clone(data), 0)} {
		var refused *owner.StatementError
		s, err := owner.OpenStatement(broken, anchor(t), now)
		if !errors.As(err, &refused) || refused.Reason != owner.Malformed || !errors.Is(err, owner.ErrStatement) || s != nil {
			t.Errorf("%s: %v, %v; want Malformed", name, s, err)
		}
	}
	odd := *genuine
	odd.Statement = append(slices.Clone(genuine.Statement), ' ')
	odd.Signatures = sign(statementPayloadOf(odd.Statement), 1, 2)
	refusedFor(t, &odd, anchor(t), now, owner.Malformed)
}

func TestStatementErrorText(t *testing.T) {
	genuine := signed(t, newStatement(t), 1, 2)
	_, _, err := genuine.Open(anchor(t), now.Add(25*time.Hour))
	want := "not a cluster statement to trust: it expired at 2026-07-02T12:00:00Z, and it is 2026-07-02T13:00:00Z (expired)"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// Threat row 28: neither a clock that the host moved nor the time of day lets a
// statement live longer, or begin before it was issued.
func TestThreat28StatementAndTheClock(t *testing.T) {
	genuine := signed(t, newStatement(t), 1, 2) // issued an hour ago, expires in a day
	floor := policy.Floor{}.Raise(now)
	day, year := 24*time.Hour, 365*24*time.Hour
	for name, tt := range map[string]struct {
		clock time.Time
		want  owner.StatementReason // empty where it holds
	}{
		"the right time":                      {now, ""},
		"the last instant":                    {now.Add(day), ""},
		"a second later":                      {now.Add(day + time.Second), owner.Expired},
		"a year forward":                      {now.Add(year), owner.Expired},
		"a day back, held by the floor":       {floor.Now(now.Add(-day)), ""},
		"a year back, held by the floor":      {floor.Now(now.Add(-year)), ""},
		"a day back, with no floor":           {now.Add(-day), owner.NotYetValid},
		"a year back, with no floor":          {now.Add(-year), owner.NotYetValid},
		"issued in five minutes":              {now.Add(-time.Hour - 5*time.Minute), ""},
		"issued in more than five minutes":    {now.Add(-time.Hour - 5*time.Minute - 1), owner.NotYetValid},
		"no time at all":                      {time.Time{}, owner.NotYetValid},
		"expired, and the clock was set back": {policy.Floor{}.Raise(now.Add(day + time.Second)).Now(now), owner.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.want != "" {
				refusedFor(t, genuine, anchor(t), tt.clock, tt.want)
			} else if _, _, err := genuine.Open(anchor(t), tt.clock); err != nil {
				t.Error(err)
			}
		})
	}
}

// No bit of what travels can be changed.
func TestThreat26AnyFlippedBitOfASignedStatementIsRefused(t *testing.T) {
	one := next(t, sampleOwner(), 2, 3, 4)
	chain := []owner.Link{{Document: encoded(t, sampleOwner())}, link(t, one, 1, 2)}
	data := encodedStatement(t, signedAfter(t, newStatement(t), chain, 3, 4))
	a := anchor(t)
	if _, err := owner.OpenStatement(data, a, now); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		flipped := slices.Clone(data)
		bit := rapid.IntRange(0, 8*len(data)-1).Draw(t, "bit")
		flipped[bit/8] ^= 1 << (bit % 8)
		if s, err := owner.OpenStatement(flipped, a, now); !errors.Is(err, owner.ErrStatement) || s != nil {
			t.Fatalf("bit %d: %v", bit, err)
		}
	})
}

func TestAnchorOfNobody(t *testing.T) {
	later := owner.Link{Document: sampleChain(t)[1].Document}
	s := signedAfter(t, newStatement(t), []owner.Link{later}, 2, 3, 4)
	refusedFor(t, s, owner.Anchor{Owner: keys.OwnerID(sha256.Sum256(later.Document))}, now, owner.NotOwner)
}
