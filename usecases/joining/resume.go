package joining

import (
	"context"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// resume goes on with a request that was admitted before: by this or another
// service, whatever broke off. It is the same request only if the same machine
// sends the same content in the same boot; whoever else names its ID is refused
// and learns nothing of it.
func (t *Tickets) resume(ctx context.Context, a *Application, w *word, recorded *request) (*passage, error) {
	c := a.Candidate
	same, err := recorded.is(c)
	if err != nil {
		return nil, err
	}
	if !same {
		return nil, t.refuse(ctx, a, join.Replayed(c.Request.ID))
	}
	record, revision, err := t.book.record(ctx, c.Identity)
	if err != nil {
		return nil, err
	}
	if record == nil || record.Request != c.Request.ID || record.Boot != recorded.Boot { // removed, or something later took its place
		return nil, t.refuse(ctx, a, join.Replayed(c.Request.ID))
	}
	_, denied := w.standing.Denied(c.Identity)
	if denied || record.State != join.Intended && record.State != join.Member {
		return nil, t.bar(ctx, a, w, record)
	}
	p := &passage{record: record, recordAt: revision, request: recorded, word: w}
	if err := t.reconsider(ctx, a, p); err != nil {
		return nil, err
	}
	return p, t.renewLease(ctx, p)
}

// reconsider decides anew on an intent that has no ticket yet, where it is older
// than the owner's word: a freeze, or another policy of either kind, counts. So it
// does where another boot has got a ticket: its machine was silent then, and may
// answer now.
func (t *Tickets) reconsider(ctx context.Context, a *Application, p *passage) error {
	r := p.record
	displaces := r.State == join.Intended && r.Held() != join.Boot{}
	if p.request.Stage == done || r.Directive >= p.word.standing.Serial && !displaces {
		return nil
	}
	k, err := t.facts(ctx, a.Candidate, p.word)
	if err != nil {
		return err
	}
	if k.own != p.recordAt { // another service has gone on with it
		return changed(recordKey(r.Identity))
	}
	_, err = t.admission(ctx, a, k)
	return err
}

// is says whether the candidate asks for what was recorded, in the same boot.
func (r *request) is(c *join.Candidate) (bool, error) {
	hash, err := c.Request.Hash()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrApplication, err)
	}
	return r.Identity == c.Identity && r.Hash == hash && r.Kind == c.Request.Kind && sameBoot(r.Boot, c), nil
}

// sameBoot says whether a candidate has shown itself in that boot.
func sameBoot(b join.Boot, c *join.Candidate) bool {
	if !b.Session.IsZero() {
		return c.Session == b.Session
	}
	tpm := c.Claims.TPM
	return tpm != nil && b == join.Boot{ResetCount: tpm.ResetCount, RestartCount: tpm.RestartCount, AK: c.AK}
}

// bar refuses a node that was admitted and has lost that since.
func (t *Tickets) bar(ctx context.Context, a *Application, w *word, r *join.Record) error {
	d := join.Decide(a.Candidate, &join.Facts{Standing: w.standing, Own: r}, t.config.Now())
	if d.Outcome != join.Refused || d.Ask {
		return fmt.Errorf("%w: node %v is %s, and nothing says why it gets no ticket", ErrInconsistent, r.Identity, r.State)
	}
	return t.refuse(ctx, a, d)
}

// renewLease takes the control-plane lease again where it ended meanwhile.
func (t *Tickets) renewLease(ctx context.Context, p *passage) error {
	if !needsLease(p.record) {
		return nil
	}
	condition, write, err := t.lease(ctx, p.record.Identity)
	if err != nil {
		return err
	}
	if p.lease = condition.Revision; p.lease != 0 {
		return nil
	}
	p.lease, err = t.config.Store.Commit(ctx, &ports.Transaction{
		If:   []ports.Condition{condition, {Key: recordKey(p.record.Identity), Revision: p.recordAt}},
		Then: []ports.Write{write},
	})
	if err != nil {
		return fmt.Errorf("taking the control-plane lease again: %w", err)
	}
	return nil
}
