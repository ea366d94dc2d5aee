package joining

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/governing"
)

// ErrVerdictStale is wrapped where evidence was judged by a policy that is not in
// force any more: whoever attests again is judged by the newest.
var ErrVerdictStale = errors.New("the evidence was judged by another attestation policy than the one in force")

// word is what the owner has said that bears on one machine, and at which
// revision.
type word struct {
	standing  *join.Standing
	revision  ports.Revision
	owner     keys.OwnerID
	statement uint64 // serial of the cluster statement
}

// ask returns the owner's newest word if it holds now.
func ask(ctx context.Context, from Authority, now time.Time) (*authority.Authority, ports.Revision, error) {
	a, revision, err := from.Load(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("asking for the owner's word: %w", err)
	}
	if err := a.Current(now); err != nil {
		return nil, 0, err
	}
	return a, revision, nil
}

// listen is ask for a candidate, whose verdict must come from the policy in force.
func listen(ctx context.Context, from Authority, c *join.Candidate, now time.Time) (*word, error) {
	a, revision, err := ask(ctx, from, now)
	if err != nil {
		return nil, err
	}
	inForce, err := a.Policy()
	if err != nil {
		return nil, err
	}
	if inForce.Serial() != c.Policy {
		return nil, fmt.Errorf("%w: %d, not %d", ErrVerdictStale, c.Policy, inForce.Serial())
	}
	return newWord(a, c.Identity, revision), nil
}

func newWord(a *authority.Authority, id join.Identity, revision ports.Revision) *word {
	return &word{a.StandingOn(id), revision, a.Owner(), a.Anchor().MinSerial}
}

// condition is that nobody has said anything since.
func (w *word) condition() ports.Condition {
	return ports.Condition{Key: governing.HeadKey(), Revision: w.revision}
}
