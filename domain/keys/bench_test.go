package keys_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/domain/keys"
)

func BenchmarkDataKey(b *testing.B) {
	kek := testKEK(b, 1)
	id, err := keys.NewID(keys.StateDisk, diskUUID)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kek.DataKey(id, 32); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keys.ParseID("state-disk/" + diskUUID); err != nil {
			b.Fatal(err)
		}
	}
}
