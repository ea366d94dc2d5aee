package eventlog_test

import (
	"bytes"
	"testing"

	"github.com/google/go-eventlog/cel"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/eventlog"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// FuzzEventLog: what is taken is bounded, and go-eventlog reads the same events.
func FuzzEventLog(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		log, err := eventlog.Parse(data, nil, &measurement.Registers{})
		if err != nil {
			return
		}
		for _, e := range log.Events {
			if len(e.Description) > 256 {
				t.Errorf("a description of %d bytes", len(e.Description))
			}
		}
		agrees(t, data)
	})
}

// FuzzCEL: what is taken go-eventlog reads too, and writes the same.
func FuzzCEL(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		log, err := eventlog.Parse(nil, data, &measurement.Registers{})
		if err != nil || len(log.Events) == 0 {
			return
		}
		theirs, err := cel.DecodeToCEL(bytes.NewBuffer(bytes.Clone(data)))
		if err != nil {
			t.Fatalf("go-eventlog refuses what was taken: %v", err)
		}
		if len(theirs.Records()) != len(log.Events) {
			t.Fatalf("%d events, go-eventlog has %d", len(log.Events), len(theirs.Records()))
		}
		var again bytes.Buffer
		if err := theirs.EncodeCEL(&again); err != nil || !bytes.Equal(again.Bytes(), data) {
			t.Errorf("what was taken has another encoding (%v)", err)
		}
	})
}
