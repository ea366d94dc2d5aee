package agent_test

import (
	"bytes"
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// TestAnswersShareTheirEvidence: of the answers to one batch, those that wait to be
// sent hold its evidence once.
func TestAnswersShareTheirEvidence(t *testing.T) {
	m := newMachine()
	one, err := m.Attest(t.Context(), session(evidence.Join))
	if err != nil {
		t.Fatal(err)
	}
	one.Evidence.Body = bytes.Repeat([]byte{7}, 100<<10)
	service := agent.SessionService(evidence.Join, batchOf{m, one})
	var first []byte
	for range 3 {
		response, err := service.Attest(t.Context(), &agentpb.AttestRequest{Session: message(session(evidence.Join))})
		if err != nil {
			t.Fatal(err)
		}
		want, err := proto.Marshal(response)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := agent.Marshal(response)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(parts.Materialize(), want) {
			t.Error("the answer is not encoded as protobuf does it")
		}
		largest := parts[1].ReadOnlyData()
		if first == nil {
			first = largest
		}
		if &largest[0] != &first[0] || len(want)-len(largest) > 100 {
			t.Errorf("an answer of %d bytes has its own copy of the evidence", len(want))
		}
	}
}

// batchOf answers everybody with one attestation.
type batchOf struct {
	*machine
	all *ports.Attestation
}

func (b batchOf) Attest(context.Context, *evidence.Session) (*ports.Attestation, error) {
	return b.all, nil
}
