package agent_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/attester"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
)

// node is a machine with a software TPM, the agent in front of it, and a verifier
// that trusts the TPM's maker.
type node struct {
	tpm      *swtpmtest.TPM
	attester *attester.Attester
	verifier *verifier.Verifier
	folder   string
}

func newNode(t *testing.T, options ...swtpmtest.Option) *node {
	t.Helper()
	tpm := swtpmtest.New(t, options...)
	a, err := attester.Open(timeLimit(t), attester.Config{
		Platform: evidence.ProcessVTPM, Address: tpm.Address(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	root := tpm.CA.Certificate()
	v, err := verifier.New(verifier.Config{
		Platform: evidence.ProcessVTPM, Now: time.Now,
		Trust: &ports.Trust{
			EndorsementRoots: []evidence.SPKIHash{sha256.Sum256(root.RawSubjectPublicKeyInfo)},
			Certificates:     [][]byte{root.Raw},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{tpm: tpm, attester: a, verifier: v, folder: shortFolder(t)}
	serve(t, agent.Config{
		Folder: n.folder, Attester: a, Statements: a, Readers: me(),
		Purposes: map[evidence.Purpose]agent.Access{evidence.Join: me(), evidence.Attest: me()},
	})
	return n
}

// isFor verifies an attestation of a machine whose activation was answered, and
// reports whether it is fresh for the leaf.
func (n *node) isFor(t *testing.T, a *ports.Attestation, leaf evidence.Leaf) bool {
	t.Helper()
	id, err := n.attester.Identity(timeLimit(t))
	if err != nil {
		t.Fatal(err)
	}
	verified, err := n.verifier.Verify(timeLimit(t), &ports.Submission{Evidence: a.Evidence, Activated: id})
	if err != nil {
		t.Fatal(err)
	}
	data, err := a.Path.ReportData(leaf, verified.AttestationKey)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(qualifying(data), verified.Claims.ReportData)
}

// qualifying is what a TPM carries of report data.
func qualifying(d evidence.ReportData) []byte {
	q := d.Qualifying()
	return q[:]
}

func TestClientIsAnAttester(t *testing.T) {
	ca := swtpmtest.NewCA(t)
	other, err := newNode(t, swtpmtest.WithCA(ca)).attester.Identity(timeLimit(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []evidence.Purpose{evidence.Join, evidence.Attest} {
		t.Run(string(p), func(t *testing.T) {
			porttest.TestAttester(t, func(t *testing.T) porttest.AttesterFixture {
				t.Helper()
				n := newNode(t, swtpmtest.WithCA(ca))
				return porttest.AttesterFixture{
					Attester: dial(t, n.folder, p), Verifier: n.verifier, ReportData: qualifying,
					Other: other, Serves: []evidence.Purpose{p},
				}
			})
		})
	}
}

func TestStatementClientIsAStatementAttester(t *testing.T) {
	porttest.TestStatementAttester(t, func(t *testing.T) porttest.StatementAttesterFixture {
		t.Helper()
		n := newNode(t)
		return porttest.StatementAttesterFixture{
			Attester: dialStatements(t, n.folder), Verifier: n.verifier, ReportData: qualifying,
		}
	})
}

// TestASessionThroughTheAgent is what a joiner does: it names itself, answers a
// challenge and attests, with a TPM that only the agent can reach.
func TestASessionThroughTheAgent(t *testing.T) {
	n := newNode(t)
	ctx, client, s := timeLimit(t), dial(t, n.folder, evidence.Join), session(evidence.Join)
	id, err := client.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := n.attester.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(direct, id); diff != "" {
		t.Errorf("the identity differs from the attester's (-want +got):\n%s", diff)
	}
	challenge, err := n.verifier.Challenge(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := client.Activate(ctx, s, challenge.Blob)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(proof[:], proofOf(t, challenge.Secret.Reveal(), s)) {
		t.Error("the proof is not of the secret and the session")
	}
	attestation, err := client.Attest(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	if !n.isFor(t, attestation, leafOf(t, s)) {
		t.Error("the evidence is not for the session")
	}
}

func proofOf(t *testing.T, secret []byte, s *evidence.Session) []byte {
	t.Helper()
	binding, err := s.Binding()
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(binding.Bytes())
	return mac.Sum(nil)
}

// Threat row 4: the verification socket in front of a TPM gives evidence that a
// verifier accepts for the caller's nonce and statement, and for no session that
// nonce and statement were made of.
func TestThreat04VerificationEvidenceIsForNoSession(t *testing.T) {
	n := newNode(t)
	client := dialStatements(t, n.folder)
	s := session(evidence.Join)
	binding, err := s.Binding()
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := proto.Marshal(message(s))
	if err != nil {
		t.Fatal(err)
	}
	const label = "asterism/attested-tls/v1"
	for name, c := range map[string]struct{ nonce, statement []byte }{
		"binding as nonce":     {binding.Bytes(), []byte("statement")},
		"binding as statement": {make([]byte, 16), binding.Bytes()},
		"leaf's input":         {make([]byte, 16), append([]byte{0}, binding.Bytes()...)},
		"session as statement": {make([]byte, 32), encoded},
		"label as nonce":       {[]byte(label), preimage(s)},
		"whole input":          {make([]byte, 64), append([]byte(label), preimage(s)...)},
	} {
		t.Run(name, func(t *testing.T) {
			attestation, err := client.AttestStatement(timeLimit(t), c.nonce, c.statement)
			if err != nil {
				t.Fatal(err)
			}
			want, err := evidence.NewVerificationBinding(c.nonce, c.statement)
			if err != nil {
				t.Fatal(err)
			}
			if !n.isFor(t, attestation, want.Leaf()) {
				t.Error("the evidence is not for nonce and statement")
			}
			for _, other := range append(sessionsOf(c.nonce, c.statement), s) {
				if binding, err := other.Binding(); err == nil && n.isFor(t, attestation, binding.Leaf()) {
					t.Errorf("the evidence stands for a session of %q", other.Purpose)
				}
			}
		})
	}
}

// preimage is what a session's binding hashes after its label.
func preimage(s *evidence.Session) []byte {
	var data []byte
	for _, field := range [][]byte{
		[]byte(s.Purpose), []byte(s.AttesterRole), s.Exporter[:], s.AttesterSPKI[:], s.VerifierSPKI[:], s.AttesterHello, s.VerifierHello,
	} {
		data = append(data, 0, 0, 0, byte(len(field)))
		data = append(data, field...)
	}
	return data
}

// Threat row 9: an answer to a challenge that was made for another TPM is not
// given, and the reason crosses the socket.
func TestThreat09AForeignChallengeIsNotAnswered(t *testing.T) {
	n, other := newNode(t), newNode(t)
	id, err := other.attester.Identity(timeLimit(t))
	if err != nil {
		t.Fatal(err)
	}
	challenge, err := other.verifier.Challenge(timeLimit(t), id)
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, n.folder, evidence.Join)
	for name, blob := range map[string][]byte{"another TPM's": challenge.Blob, "garbage": []byte("challenge")} {
		if _, err := client.Activate(timeLimit(t), session(evidence.Join), blob); !errors.Is(err, ports.ErrChallenge) {
			t.Errorf("%s challenge: %v, want ErrChallenge", name, err)
		}
	}
}

// TestALostTPMIsUnavailable turns the TPM off behind the agent, and on again.
func TestALostTPMIsUnavailable(t *testing.T) {
	n := newNode(t)
	client := dial(t, n.folder, evidence.Join)
	n.tpm.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := client.Attest(ctx, session(evidence.Join)); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("without a TPM: %v, want ErrUnavailable", err)
	}
	n.tpm.Start(t)
	attestation, err := client.Attest(timeLimit(t), session(evidence.Join))
	if err != nil {
		t.Fatal(err)
	}
	if !n.isFor(t, attestation, leafOf(t, session(evidence.Join))) {
		t.Error("the evidence is not for the session")
	}
}
