package evidence_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

func TestSPKIHashText(t *testing.T) {
	want := evidence.SPKIHash{0: 0xab, 31: 0x01}
	data, err := json.Marshal(want)
	if err != nil || string(data) != `"ab`+strings.Repeat("0", 60)+`01"` {
		t.Fatalf("Marshal = %s, %v", data, err)
	}
	var got evidence.SPKIHash
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("Unmarshal = %v, %v", got, err)
	}
	for _, text := range []string{"", strings.Repeat("0", 63), strings.Repeat("0", 66), strings.Repeat("A", 64)} {
		if err := got.UnmarshalText([]byte(text)); err == nil || got != want {
			t.Errorf("%q was read as %v, %v", text, got, err)
		}
	}
}
