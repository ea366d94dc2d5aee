package frame_test

import (
	"bytes"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// TestEvidenceIsReadOnce reads and decodes the largest evidence: it takes the
// memory of one frame, and not of copies.
func TestEvidenceIsReadOnce(t *testing.T) {
	sent := marshalled(t, &frame.Evidence{Evidence: make([]byte, evidence.MaxSize), Path: make([]byte, evidence.MaxPathSize)})
	header := frame.Header{Kind: frame.KindEvidence, Length: len(sent)}
	got := testing.Benchmark(func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			raw, err := header.Read(bytes.NewReader(sent))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := frame.Unmarshal(frame.KindEvidence, raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	t.Logf("a frame of %d bytes takes %d", len(sent), got.AllocedBytesPerOp())
	if most := int64(len(sent)) + 16<<10; got.AllocedBytesPerOp() > most { // the next size of memory
		t.Errorf("it took %d bytes, want at most %d", got.AllocedBytesPerOp(), most)
	}
}
