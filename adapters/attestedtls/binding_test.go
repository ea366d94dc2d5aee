package attestedtls_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// substitutions are sessions that differ from the one that evidence is shown in.
func substitutions() map[string]func(*evidence.Session) {
	return map[string]func(*evidence.Session){
		"another exporter":              func(s *evidence.Session) { s.Exporter[63] ^= 1 },
		"another attester's key":        func(s *evidence.Session) { s.AttesterSPKI[0] ^= 1 },
		"another verifier's key":        func(s *evidence.Session) { s.VerifierSPKI[0] ^= 1 },
		"keys of the other direction":   func(s *evidence.Session) { s.AttesterSPKI, s.VerifierSPKI = s.VerifierSPKI, s.AttesterSPKI },
		"another hello of the attester": func(s *evidence.Session) { s.AttesterHello = altered(s.AttesterHello) },
		"another hello of the verifier": func(s *evidence.Session) { s.VerifierHello = altered(s.VerifierHello) },
		"hellos of the other direction": func(s *evidence.Session) {
			s.AttesterHello, s.VerifierHello = s.VerifierHello, s.AttesterHello
		},
		"another purpose": func(s *evidence.Session) { s.Purpose, s.AttesterRole = evidence.Unseal, evidence.KMS },
		"another role":    func(s *evidence.Session) { s.AttesterRole = otherAttester(s.Purpose, s.AttesterRole) },
	}
}

// otherAttester returns the role at the other end of a session in which both
// attest.
func otherAttester(p evidence.Purpose, r evidence.Role) evidence.Role {
	if server := frame.ServerRole(p); server != r {
		return server
	}
	return softtest.Clients(p)[0]
}

func altered(hello []byte) []byte {
	other := append([]byte(nil), hello...)
	other[len(other)-1] ^= 1
	return other
}

// TestThreat01EvidenceOfAnotherSession shows genuine evidence of a genuine
// machine in a session that differs from the one that it was made for in one part
// only. The exporter does not cover the client's key, so that a session with the
// same exporter and a substituted key is among them.
func TestThreat01EvidenceOfAnotherSession(t *testing.T) {
	w := softtest.New(t)
	for _, p := range softtest.Purposes() {
		s := session{p, softtest.Clients(p)[0]}
		for name, substitute := range substitutions() {
			for _, side := range sides() {
				if side == attestedtls.ClientSide && !p.ClientAttests() {
					continue
				}
				if name == "another purpose" && p == evidence.Unseal && side == attestedtls.ServerSide {
					continue // it is this one
				}
				if name == "another role" && !p.ClientAttests() {
					continue // nobody else attests
				}
				t.Run(s.String()+" "+side.String()+" "+name, func(t *testing.T) { checkSubstituted(t, w, s, side, substitute) })
			}
		}
	}
}

func checkSubstituted(t *testing.T, w *softtest.World, s session, side attestedtls.Side, substitute func(*evidence.Session)) {
	t.Helper()
	config, client := w.Server(t, s.purpose), w.Client(t, s.purpose, s.role)
	attester := config.Services[s.purpose].Attester
	if side == attestedtls.ClientSide {
		attester = client.Attester
	}
	attester.(*softtest.Machine).Session = func(s *evidence.Session) *evidence.Session {
		other := *s
		substitute(&other)
		return &other
	}
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, config))
	if side == attestedtls.ClientSide {
		requireRefused(t, atServer.Err, atClient.Err, policy.CodeBindingMismatch)
		return
	}
	requireRefused(t, atClient.Err, atServer.Err, policy.CodeBindingMismatch)
}

// TestThreat09ProofOfAnotherSession answers the challenge of one session with the
// proof of another: the same machine, keys and secret, another binding.
func TestThreat09ProofOfAnotherSession(t *testing.T) {
	w := softtest.New(t)
	for _, p := range []evidence.Purpose{evidence.Init, evidence.Recover, evidence.Join, evidence.Rejoin, evidence.Unseal} {
		t.Run(string(p), func(t *testing.T) {
			config, client := w.Server(t, p), w.Client(t, p, softtest.Clients(p)[0])
			if p.ClientAttests() {
				client.Attester = relayedActivation{client.Attester.(*softtest.Machine)}
			} else {
				config.Services[p].Attester = relayedActivation{config.Services[p].Attester.(*softtest.Machine)}
			}
			atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, config))
			by, other := atClient.Err, atServer.Err
			if p.ClientAttests() {
				by, other = other, by
			}
			requireRefused(t, by, other, policy.CodeActivationFailed, policy.CodeAKNotProven, policy.CodeEKNotTrusted)
		})
	}
}

// relayedActivation has its challenges answered in another session.
type relayedActivation struct{ *softtest.Machine }

// Activate is of a session with another exporter.
func (r relayedActivation) Activate(ctx context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
	other := *s
	other.Exporter[0] ^= 1
	return r.Machine.Activate(ctx, &other, challenge)
}

// TestThreat09KeysOfAnotherMachine shows the identity of one machine and the
// evidence of another, with and without the AK certificate that goes with it.
func TestThreat09KeysOfAnotherMachine(t *testing.T) {
	w := softtest.New(t)
	for name, certified := range map[string]bool{"certified": true, "activated": false} {
		t.Run(name, func(t *testing.T) {
			shown, quoting := w.Machine(t), w.Machine(t)
			if certified {
				w.Certify(shown)
				w.Certify(quoting)
			}
			client := w.Client(t, evidence.Join, evidence.Joiner)
			client.Attester = swappedKeys{shown, quoting}
			atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
			requireRefused(t, atServer.Err, atClient.Err, policy.CodeAKMismatch)
		})
	}
}

// swappedKeys shows and activates the keys of one machine, and quotes on another.
type swappedKeys struct {
	*softtest.Machine // shown

	quoting *softtest.Machine
}

// Attest is the other machine's.
func (s swappedKeys) Attest(ctx context.Context, session *evidence.Session) (*ports.Attestation, error) {
	return s.quoting.Attest(ctx, session)
}

// TestThreat03Echo sends each end its own frames back, inside of TLS.
func TestThreat03Echo(t *testing.T) {
	for _, s := range sessions() {
		for _, side := range sides() {
			t.Run(s.String()+" as "+side.String(), func(t *testing.T) {
				r := newRogue(t, softtest.New(t), s, side)
				if side == attestedtls.ClientSide {
					testEchoOfServer(t, r)
					return
				}
				echoed, honest := reflectFrames(t, r)
				requireCodes(t, honest, false, policy.CodeSessionRefused)
				if echoed == 0 {
					t.Error("nothing was reflected")
				}
			})
		}
	}
}

// reflectFrames echoes what the honest client says.
func reflectFrames(t *testing.T, r *rogue) (echoed int64, honest error) {
	t.Helper()
	rogueEnd, honestEnd := softtest.Pair(t)
	ended := make(chan error, 1)
	handshake := r.honest(t)
	go func() { ended <- handshake(honestEnd) }()
	if err := r.secure(softtest.Context(t), rogueEnd, selfSigned(t)); err != nil {
		t.Fatal(err)
	}
	echoed, _ = io.Copy(r.conn, r.conn)
	_ = rogueEnd.Close()
	return echoed, <-ended
}

// testEchoOfServer answers the server, which speaks second, with its own hello
// and evidence: the client's steps carry the frames that the server sent.
func testEchoOfServer(t *testing.T, r *rogue) {
	t.Helper()
	r.alter = func(step attestedtls.Step, sent []byte) []byte {
		if step.Row == "1" {
			return sent
		}
		return framed(step.Kind, r.itsHello)
	}
	_, _, honest := r.against(t)
	requireCodes(t, honest, false, policy.CodeSessionRefused)
}

// TestThreat03LeakedKey reflects with the key of the end that it meets: nothing
// can prove a session whose ends hold one key.
func TestThreat03LeakedKey(t *testing.T) {
	w := softtest.New(t)
	for _, p := range softtest.Purposes() {
		t.Run(string(p), func(t *testing.T) {
			config, client := w.Server(t, p), w.Client(t, p, softtest.Clients(p)[0])
			config.Keys = client.Keys
			atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, config))
			for _, end := range []softtest.Outcome{atClient, atServer} { // each sees it by itself
				requireCodes(t, end.Err, false, policy.CodeSessionRefused)
				var refused *attestedtls.Refused
				if !errors.As(end.Err, &refused) || refused.Findings[0].Subject != "TLS key" || refused.RetryAfter != 0 {
					t.Errorf("refused for %+v", refused)
				}
			}
		})
	}
}

// TestThreat03Loop leads a client's bytes back to itself, under TLS.
func TestThreat03Loop(t *testing.T) {
	w := softtest.New(t)
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(far, far) }()
	defer far.Close() //nolint:errcheck // the end of the test
	_, err := attestedtls.Client(softtest.Context(t), near, w.Client(t, evidence.Join, evidence.Joiner))
	if err == nil {
		t.Error("a client holds a session with itself")
	}
}
