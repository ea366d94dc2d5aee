package attestedtls_test

import (
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// The public verification endpoint of a genuine machine as an oracle: the attacker
// gets evidence for any nonce and statement from it, and chooses those so that
// their bytes are the very ones that a session is bound to.
func TestThreat04PublicStatementsAreNoSessionEvidence(t *testing.T) {
	c := with(t)
	for _, purpose := range []evidence.Purpose{evidence.Join, evidence.Rejoin, evidence.Attest} {
		t.Run(string(purpose), func(t *testing.T) {
			ends := c.ours.ends(purpose)
			endpoint := ends.clientMachine.Statements()
			ends.client.Attester = &forged{
				Attester: ends.clientMachine.Attester(),
				attest: func(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
					nonce, statement := disguised(s)
					return endpoint.AttestStatement(ctx, nonce, statement)
				},
			}
			client, server := ends.meet(t)
			wantRefused(t, &client, &server, policy.CodeBindingMismatch)
		})
	}
}

// disguised splits what a session's binding hashes after its label into a nonce and
// a statement, each within its bounds.
func disguised(s *evidence.Session) (nonce, statement []byte) {
	lp := func(fields ...[]byte) []byte {
		var out []byte
		for _, f := range fields {
			out = append(binary.BigEndian.AppendUint32(out, uint32(len(f))), f...)
		}
		return out
	}
	nonce = lp([]byte(s.Purpose), []byte(s.AttesterRole))
	statement = lp(s.Exporter[:], s.AttesterSPKI[:], s.VerifierSPKI[:], s.AttesterHello, s.VerifierHello)
	return slices.Clip(nonce), statement
}
