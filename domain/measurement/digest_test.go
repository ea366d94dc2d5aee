package measurement_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

func TestParseDigest(t *testing.T) {
	tests := []struct {
		name, text string
		want       measurement.Algorithm
	}{
		{"SHA-256", strings.Repeat("0a", 32), measurement.SHA256},
		{"SHA-384", strings.Repeat("0a", 48), measurement.SHA384},
		{"empty", "", 0},
		{"SHA-1", strings.Repeat("0a", 20), 0},
		{"SHA-512", strings.Repeat("0a", 64), 0},
		{"one digit short", strings.Repeat("0a", 32)[1:], 0},
		{"upper case", strings.Repeat("0A", 32), 0},
		{"no hexadecimal", strings.Repeat("0g", 32), 0},
		{"blanks", " " + strings.Repeat("0a", 31) + " ", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := measurement.ParseDigest(tt.text)
			if d.Algorithm() != tt.want || (err == nil) != (tt.want != 0) {
				t.Fatalf("ParseDigest = %v, %v; want %v", d.Algorithm(), err, tt.want)
			}
			if err == nil && d.String() != tt.text {
				t.Errorf("String = %s, want %s", d, tt.text)
			}
			if err != nil && (!errors.Is(err, measurement.ErrDigest) || !d.IsZero()) {
				t.Errorf("refusal = %v with %v, want ErrDigest and nothing", err, d)
			}
		})
	}
}

func TestNewDigestWantsTheAlgorithmsLength(t *testing.T) {
	for _, a := range []measurement.Algorithm{measurement.SHA256, measurement.SHA384} {
		sum := make([]byte, a.Size())
		d, err := measurement.NewDigest(a, sum)
		if err != nil || d.IsZero() || len(d.Bytes()) != a.Size() {
			t.Errorf("NewDigest(%v) = %v, %v", a, d, err)
		}
		for _, n := range []int{0, a.Size() - 1, a.Size() + 1} {
			if _, err := measurement.NewDigest(a, make([]byte, n)); !errors.Is(err, measurement.ErrDigest) {
				t.Errorf("NewDigest(%v, %d bytes) = %v, want ErrDigest", a, n, err)
			}
		}
	}
	if _, err := measurement.NewDigest(0, nil); !errors.Is(err, measurement.ErrDigest) {
		t.Errorf("NewDigest of no algorithm = %v, want ErrDigest", err)
	}
}

func TestSumIsTheStandardHash(t *testing.T) {
	data := []byte("measured boot")
	want256, want384 := sha256.Sum256(data), sha512.Sum384(data)
	if got := measurement.Sum(measurement.SHA256, data); got.String() != hex.EncodeToString(want256[:]) {
		t.Errorf("SHA-256 = %v", got)
	}
	if got := measurement.Sum(measurement.SHA384, data); got.String() != hex.EncodeToString(want384[:]) {
		t.Errorf("SHA-384 = %v", got)
	}
	if got := measurement.Sum(9, data); !got.IsZero() {
		t.Errorf("unknown algorithm = %v, want no value", got)
	}
}

func TestExtendHashesBothInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom([]measurement.Algorithm{measurement.SHA256, measurement.SHA384}).Draw(t, "algorithm")
		bytes := rapid.SliceOfN(rapid.Byte(), a.Size(), a.Size())
		old, event := bytes.Draw(t, "old"), bytes.Draw(t, "event")
		d, _ := measurement.NewDigest(a, old)
		e, _ := measurement.NewDigest(a, event)
		if got, want := d.Extend(e), measurement.Sum(a, append(old, event...)); got != want {
			t.Fatalf("Extend = %v, want %v", got, want)
		}
	})
}

func TestExtendAcrossAlgorithmsHasNoValue(t *testing.T) {
	a, b := measurement.Sum(measurement.SHA256, nil), measurement.Sum(measurement.SHA384, nil)
	if got := a.Extend(b); !got.IsZero() {
		t.Errorf("Extend = %v, want no value", got)
	}
}

func TestDigestJSON(t *testing.T) {
	want := measurement.Sum(measurement.SHA384, []byte("x"))
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got measurement.Digest
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("round trip of %s = %v, %v", data, got, err)
	}
	if err := json.Unmarshal([]byte(`"ab"`), &got); !errors.Is(err, measurement.ErrDigest) || got != want {
		t.Errorf("refused text = %v and left %v", err, got)
	}
}

func TestAlgorithmNames(t *testing.T) {
	for a, want := range map[measurement.Algorithm]string{
		measurement.SHA256: "sha256", measurement.SHA384: "sha384", 7: "algorithm(7)",
	} {
		if a.String() != want {
			t.Errorf("String = %s, want %s", a, want)
		}
	}
	if n := measurement.Algorithm(7).Size(); n != 0 {
		t.Errorf("Size of an unknown algorithm = %d", n)
	}
}
