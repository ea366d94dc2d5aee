package attestedtls_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// broken joins the two TLS sessions of a splice into one, as far as evidence can
// tell: what one end attests for its own session is made for the other end's. It
// is what a man in the middle would have if TLS itself were broken, and exporter
// and keys were the same on both sides. Nothing but frames is left to attack, and
// each of them meets the check that is there for it.
type broken struct {
	splice

	joined chan struct{} // closed when both sessions are there
	out    *spliced
}

// newBroken puts the join between the attesters and the ends, which no other
// session may use.
func newBroken(t testing.TB, purpose evidence.Purpose, e *ends, earlier, other map[string]raw) *broken {
	t.Helper()
	b := &broken{joined: make(chan struct{})}
	b.splice = splice{t: t, purpose: purpose, ends: e, earlier: earlier, other: other, met: func(out *spliced) {
		b.out = out
		close(b.joined)
	}}
	service := e.server.Services[purpose]
	service.Attester = b.translate(service.Attester, func() *puppet { return b.out.atClient })
	if e.client.Attester != nil {
		e.client.Attester = b.translate(e.client.Attester, func() *puppet { return b.out.atServer })
	}
	return b
}

// translate has the attester sign the session that the end at which the other
// puppet is sees, in place of its own.
func (b *broken) translate(a ports.Attester, other func() *puppet) ports.Attester {
	swap := func(s *evidence.Session) *evidence.Session {
		<-b.joined
		p, there := other(), *s
		there.Exporter, there.AttesterSPKI, there.VerifierSPKI = p.exporter, p.own, p.peer
		return &there
	}
	return &forged{
		Attester: a,
		activate: func(ctx context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
			return a.Activate(ctx, swap(s), challenge)
		},
		attest: func(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
			return a.Attest(ctx, swap(s))
		},
	}
}

// A man in the middle for whom TLS is broken, over every row of the table, in
// every purpose. With nothing altered both ends admit each other: no other check
// than the binding keeps a man in the middle out. With one frame altered each row
// meets a check of its own, at the end that receives the frame or at the one that
// hears the answer, and verdicts says at which and why.
func TestThreat01EachFrameHasItsOwnCheck(t *testing.T) {
	t.Parallel()
	for _, purpose := range purposes() {
		t.Run(string(purpose), func(t *testing.T) {
			t.Parallel()
			c := with(t)
			earlier, other := c.ours.record(t, purpose), c.sister.record(t, purpose)
			for _, step := range attestedtls.Table(purpose) {
				for _, a := range attacks() {
					t.Run(fmt.Sprintf("row %s/%s", step.Row, a.name), func(t *testing.T) {
						b := newBroken(t, purpose, c.ours.ends(purpose), earlier, other)
						out, altered := b.attack(step.Row, a)
						expected(t, purpose, step.Row, a.name).compare(t, out, altered)
					})
				}
			}
		})
	}
}
