package ledger_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
)

func TestBatchIsTheDocumentedEncoding(t *testing.T) {
	data, err := ledger.EncodeBatch([][]byte{[]byte("ab"), bytes.Repeat([]byte("c"), 258)})
	want := "asterism/ledger-batch/v1\x00\x02ab\x01\x02" + string(bytes.Repeat([]byte("c"), 258))
	if err != nil || string(data) != want {
		t.Errorf("EncodeBatch = %q, %v", data, err)
	}
}

func TestBatchRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 40), 1, 40).Draw(t, "entries")
		data, err := ledger.EncodeBatch(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ledger.DecodeBatch(data)
		if err != nil || !slices.EqualFunc(want, got, bytes.Equal) {
			t.Fatalf("DecodeBatch = %q, %v", got, err)
		}
	})
}

func TestBatchBounds(t *testing.T) {
	one, longest := []byte("x"), make([]byte, ledger.MaxEntrySize)
	for name, tt := range map[string]struct {
		entries [][]byte
		good    bool
	}{
		"none":                {nil, false},
		"one":                 {[][]byte{one}, true},
		"an empty one":        {[][]byte{one, nil}, false},
		"the longest":         {[][]byte{longest}, true},
		"too long":            {[][]byte{make([]byte, ledger.MaxEntrySize+1)}, false},
		"as many as can be":   {slices.Repeat([][]byte{one}, ledger.MaxBatch), true},
		"one more":            {slices.Repeat([][]byte{one}, ledger.MaxBatch+1), false},
		"larger than an item": {slices.Repeat([][]byte{longest}, 16), false},
		"as large as an item": {append(slices.Repeat([][]byte{longest}, 15), longest[:ledger.MaxBatchSize-24-15*(2+ledger.MaxEntrySize)-2]), true},
		"a byte more":         {append(slices.Repeat([][]byte{longest}, 15), longest[:ledger.MaxBatchSize-24-15*(2+ledger.MaxEntrySize)-1]), false},
	} {
		data, err := ledger.EncodeBatch(tt.entries)
		if (err == nil) != tt.good || err != nil && !errors.Is(err, ledger.ErrBatch) {
			t.Errorf("%s: %v", name, err)
		}
		if tt.good {
			if _, err := ledger.DecodeBatch(data); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDecodeBatchRefuses(t *testing.T) {
	const label = "asterism/ledger-batch/v1"
	for name, text := range map[string]string{
		"empty":              "",
		"part of the label":  label[:10],
		"another label":      "asterism/ledger-batch/v2\x00\x01x",
		"no entries":         label,
		"half a length":      label + "\x00",
		"an empty entry":     label + "\x00\x00",
		"cut":                label + "\x00\x02x",
		"cut after an entry": label + "\x00\x01x\x00\x02x",
		"too many":           label + string(bytes.Repeat([]byte("\x00\x01x"), ledger.MaxBatch+1)),
		"too large":          label + string(make([]byte, ledger.MaxBatchSize)),
	} {
		if entries, err := ledger.DecodeBatch([]byte(text)); !errors.Is(err, ledger.ErrBatch) || entries != nil {
			t.Errorf("%s: DecodeBatch = %d entries, %v", name, len(entries), err)
		}
	}
}

func TestBatchName(t *testing.T) {
	if got := ledger.BatchName(70_000); got != "00000000000000070000" {
		t.Errorf("BatchName = %s", got)
	}
	for _, first := range []uint64{0, 1, 70_000, 1<<64 - 1} {
		if got, err := ledger.ParseBatchName(ledger.BatchName(first)); err != nil || got != first {
			t.Errorf("%d = %d, %v", first, got, err)
		}
	}
	for _, name := range []string{"", "1", "+0000000000000000001", "0000000000000000000x", "99999999999999999999", "000000000000000000001", "-0000000000000000001"} {
		if first, err := ledger.ParseBatchName(name); !errors.Is(err, ledger.ErrBatch) {
			t.Errorf("%q = %d, %v", name, first, err)
		}
	}
}
