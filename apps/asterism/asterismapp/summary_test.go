package asterismapp

import (
	"os"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// TestBindingOfWhatWasMade makes sure that attest notices a TPM that signed
// something else than it was asked to.
func TestBindingOfWhatWasMade(t *testing.T) {
	data, err := os.ReadFile("../../../docs/examples/node.evidence")
	if err != nil {
		t.Fatal(err)
	}
	record, err := evidence.DecodeRecord(data)
	if err != nil {
		t.Fatal(err)
	}
	x, err := examine(t.Context(), data, record, &ports.Trust{}, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || x.verified == nil {
		t.Fatalf("error %v, refusals %v", err, x.refusals)
	}
	if err := x.checkBinding(); err != nil {
		t.Errorf("of the nonce that was asked for: %v", err)
	}
	record.Nonce = append([]byte{1}, record.Nonce[1:]...)
	if err := x.checkBinding(); err == nil {
		t.Error("another nonce is not noticed")
	}
}
