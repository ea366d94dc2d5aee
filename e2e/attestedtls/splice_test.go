package attestedtls_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// splice is a man in the middle: it is the server of an honest client, and the
// client of the honest server that was meant.
type splice struct {
	t       testing.TB
	purpose evidence.Purpose
	ends    *ends
	earlier map[string]raw
	other   map[string]raw
	leak    bool           // it has the TLS keys of both ends
	forge   bool           // refusals do not get through: admissions do
	met     func(*spliced) // is called when it has both sessions; may be nil
}

// spliced is how it went.
type spliced struct {
	client, server     result
	toldByClient       *frame.Verdict // the refusal that the client sent, nil if none
	toldByServer       *frame.Verdict
	atClient, atServer *puppet
}

// run relays a session, and puts what alter returns in place of each frame. Where
// one end has stopped, its part is played from the recording of an earlier session.
func (s *splice) run(alter func(m *material, step attestedtls.Step, honest raw) []raw) *spliced {
	s.t.Helper()
	dialled, entrance := pair(s.t)
	exit, accepted := pair(s.t)
	atServer := serve(s.t, s.ends.server, accepted)
	atClient := dial(s.t, s.ends.client, dialled)
	out := &spliced{
		atClient: newPuppet(s.t, entrance, attestedtls.ServerSide, s.certificate(s.ends.server.Keys)),
		atServer: newPuppet(s.t, exit, attestedtls.ClientSide, s.certificate(s.ends.client.Keys)),
	}
	if out.atClient == nil || out.atServer == nil {
		s.t.FailNow()
	}
	if s.met != nil {
		s.met(out)
	}
	s.relay(out, alter)
	out.atClient.hangUp()
	out.atServer.hangUp()
	out.client, out.server = outcome(s.t, atClient), outcome(s.t, atServer)
	if last := out.atClient.drain(); last != nil {
		out.toldByClient = last
	}
	if last := out.atServer.drain(); last != nil {
		out.toldByServer = last
	}
	return out
}

func (s *splice) certificate(victim *attestedtls.Keys) *tls.Certificate {
	if s.leak {
		return leaked(victim)
	}
	return newCertificate(s.t)
}

func (s *splice) relay(out *spliced, alter func(*material, attestedtls.Step, raw) []raw) {
	table := attestedtls.Table(s.purpose)
	gone := map[attestedtls.Side]bool{}
	seen := map[attestedtls.Side][]raw{} // by who sent it
	for i, step := range table {
		from, to, told := out.atClient, out.atServer, &out.toldByClient
		if step.Sender == attestedtls.ServerSide {
			from, to, told = out.atServer, out.atClient, &out.toldByServer
		}
		f := s.earlier[step.Row]
		if !gone[step.Sender] {
			received, err := from.receive()
			switch {
			case err != nil && !errors.Is(err, errSilent):
				s.t.Errorf("row %s of %s: %v", step.Row, s.purpose, err)
				return
			case err != nil:
				gone[step.Sender] = true
			case received.refusal() != nil:
				gone[step.Sender], *told = true, received.refusal()
				if !s.forge {
					to.send(received)
					return
				}
			default:
				f = received
				seen[step.Sender] = append(seen[step.Sender], f)
			}
		}
		victim := attestedtls.ServerSide - step.Sender
		frames := alter(&material{s.earlier, s.other, seen[victim], nextRow(table, i)}, step, f)
		to.send(frames...)
		if len(frames) == 0 && (i+1 == len(table) || table[i+1].Sender == victim) {
			return // the victim waits, and so would everybody
		}
	}
}

// check says whether anybody was deceived.
func (s *splice) check(out *spliced) error {
	if out.client.err == nil {
		return errors.New("the client admits the server through a man in the middle")
	}
	if s.purpose.ClientAttests() {
		if out.server.err == nil {
			return errors.New("the server admits the client through a man in the middle")
		}
	} else if err := s.checkNobody(out); err != nil {
		return err
	}
	if err := delivered(&out.client, out.toldByClient); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if err := delivered(&out.server, out.toldByServer); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}

// checkNobody looks at a session that a server holds with anybody who asks: it is
// the attacker's own, with nobody behind it, and another one than the client's.
func (s *splice) checkNobody(out *spliced) error {
	if out.server.conn == nil {
		return nil
	}
	peer := out.server.conn.Peer()
	switch {
	case peer.Attested():
		return errors.New("the server believes in a client that cannot attest")
	case peer.Exporter.Reveal() != out.atServer.exporter || peer.Exporter.Reveal() == out.atClient.exporter:
		return errors.New("the server's session is not the attacker's own")
	default:
		return nil
	}
}

// delivered says whether a refusal was typed, and got to who was refused.
func delivered(r *result, told *frame.Verdict) error {
	refused := r.refused()
	switch {
	case r.err == nil || refused != nil && refused.ByPeer:
		return nil
	case refused == nil && told == nil && isEOF(r.err): // the attacker closed
		return nil
	case refused == nil:
		return fmt.Errorf("the error has no type: %w", r.err)
	case told == nil:
		return fmt.Errorf("the peer was not told: %w", r.err)
	case !sameCodes(refused.Findings, told.Findings):
		return fmt.Errorf("the peer was told %v: %w", told.Findings, r.err)
	default:
		return nil
	}
}

func sameCodes(a, b []policy.Finding) bool {
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	for i := range a {
		if a[i].Code != b[i].Code || a[i].Subject != b[i].Subject {
			return false
		}
	}
	return true
}

// A man in the middle, over every row of the table, in every purpose; also with
// the TLS keys of both ends, so that their hashes are the same on both sides and
// only the exporter differs. It shows that nobody is deceived, whatever is done to
// whichever frame: the evidence of row 4 is for another session already, and what
// the attacker sends in the client's name after that, or does to the server's
// frames, is of no use. What rows 5 to 9 are refused for where row 4 does not end
// it all is in TestThreat01EachFrameHasItsOwnCheck.
func TestThreat01SplicedSessionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, purpose := range purposes() {
		t.Run(string(purpose), func(t *testing.T) {
			t.Parallel()
			c := with(t)
			earlier, other := c.ours.record(t, purpose), c.sister.record(t, purpose)
			for _, leak := range []bool{false, true} {
				s := &splice{purpose: purpose, ends: c.ours.ends(purpose), earlier: earlier, other: other, leak: leak, forge: true}
				for _, step := range attestedtls.Table(purpose) {
					for _, a := range attacks() {
						name := fmt.Sprintf("row %s/%s/leaked keys %v", step.Row, a.name, leak)
						t.Run(name, func(t *testing.T) {
							attempt := *s
							attempt.t = t
							out, _ := attempt.attack(step.Row, a)
							if err := attempt.check(out); err != nil {
								t.Error(err)
							}
							if behindEvidence(purpose, step.Row) {
								wantCode(t, &out.client, policy.CodeBindingMismatch)
							}
						})
					}
				}
			}
		})
	}
}

// behindEvidence says whether the row comes after the server's evidence, so that
// the client has refused before, for the binding.
func behindEvidence(p evidence.Purpose, row string) bool {
	table := attestedtls.Table(p)
	at := func(row string) int {
		return slices.IndexFunc(table, func(s attestedtls.Step) bool { return s.Row == row })
	}
	return at(row) > at("4")
}

// attack runs a session in which the frame of one row is attacked, and says
// whether there was anything to alter.
func (s *splice) attack(row string, a attack) (out *spliced, altered bool) {
	s.t.Helper()
	out = s.run(func(m *material, step attestedtls.Step, honest raw) []raw {
		if step.Row != row {
			return []raw{honest}
		}
		frames, possible := a.frames(m, row, honest)
		if !possible {
			return []raw{honest}
		}
		altered = true
		return frames
	})
	return out, altered
}

// A man in the middle who changes nothing: the first to see evidence finds that it
// is for another session, and its refusal gets to the other end.
func TestThreat01RelayedEvidenceIsOfAnotherSession(t *testing.T) {
	for _, purpose := range purposes() {
		for _, leak := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/leaked keys %v", purpose, leak), func(t *testing.T) {
				s := &splice{t: t, purpose: purpose, ends: with(t).ours.ends(purpose), leak: leak}
				out := s.run(func(_ *material, _ attestedtls.Step, honest raw) []raw { return []raw{honest} })
				if err := s.check(out); err != nil {
					t.Fatal(err)
				}
				wantCode(t, &out.client, policy.CodeBindingMismatch)
				if purpose == evidence.Init || purpose == evidence.Recover { // the answer to the challenge got through as well
					wantCode(t, &out.client, policy.CodeActivationFailed)
				}
				if refused := out.server.refused(); refused == nil || !refused.ByPeer {
					t.Errorf("the server hears %v, not the client's refusal", out.server.err)
				}
			})
		}
	}
}

// wantCode wants a refusal of this end's own that names the code.
func wantCode(t testing.TB, r *result, code policy.Code) {
	t.Helper()
	if refused := r.refused(); refused == nil || refused.ByPeer {
		t.Errorf("got %v, want a refusal for %s", r.err, code)
		return
	}
	for _, c := range r.codes() {
		if c == code {
			return
		}
	}
	t.Errorf("refused for %v, want %s", r.codes(), code)
}
