package owner_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/owner"
)

func TestDocumentIsTheDocumentedEncoding(t *testing.T) {
	list := publics(1, 2, 3)
	d := first(2, 1, 2, 3)
	want := wire(0, nil, 2, 3, list...)
	if got := encoded(t, d); !bytes.Equal(got, want) {
		t.Errorf("first document = %x, want %x", got, want)
	}
	if id := idOf(t, d); !bytes.Equal(id[:], hashOf(want)) {
		t.Errorf("owner ID = %v, want SHA-256 of the encoding", id)
	}
	if got, want := encoded(t, next(t, d, 1, 2)), wire(1, hashOf(want), 1, 1, public(2)); !bytes.Equal(got, want) {
		t.Errorf("second document = %x, want %x", got, want)
	}
}

func TestDocumentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seeds := rapid.SliceOfNDistinct(rapid.Byte(), 1, owner.MaxKeys, rapid.ID).Draw(t, "keys")
		want := first(rapid.Uint32Range(1, uint32(len(seeds))).Draw(t, "threshold"), seeds...)
		if want.Number = rapid.Uint32().Draw(t, "number"); want.Number > 0 {
			want.Previous[7] = 1
		}
		data, err := want.Encode()
		if err != nil || len(data) > owner.MaxDocumentSize {
			t.Fatalf("Encode = %d bytes, %v", len(data), err)
		}
		got, err := owner.DecodeDocument(data)
		if err != nil || !cmp.Equal(want, got) {
			t.Fatalf("DecodeDocument = %+v, %v", got, err)
		}
		if d, err := owner.DecodeDocument(data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")]); err == nil {
			t.Fatalf("a cut document was read as %+v", d)
		}
	})
}

func TestDecodeDocumentRefuses(t *testing.T) {
	list, seventeen := publics(1, 2), publics(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
	hash := hashOf(nil)
	for name, data := range map[string][]byte{
		"empty":                      nil,
		"another label":              bytes.Replace(wire(0, nil, 1, 2, list...), []byte("v1"), []byte("v2"), 1),
		"label only":                 []byte("asterism/owner-document/v1"),
		"a hash in the first":        wire(0, hash, 1, 2, list...),
		"zeros for no hash":          wire(0, make([]byte, 32), 1, 2, list...),
		"no hash in a later one":     wire(1, nil, 1, 2, list...),
		"zero hash in a later one":   wire(1, make([]byte, 32), 1, 2, list...),
		"short hash":                 wire(1, hash[1:], 1, 2, list...),
		"threshold of zero":          wire(0, nil, 0, 2, list...),
		"threshold over the keys":    wire(0, nil, 3, 2, list...),
		"no keys":                    wire(0, nil, 1, 0),
		"too many keys":              wire(0, nil, 1, 17, seventeen...),
		"huge number of keys":        wire(0, nil, 1, 1<<32-1, list...),
		"a key too few":              wire(0, nil, 1, 3, list...),
		"a key too many":             wire(0, nil, 1, 1, list...),
		"keys not sorted":            wire(0, nil, 1, 2, list[1], list[0]),
		"a key twice":                wire(0, nil, 1, 2, list[0], list[0]),
		"a key of zeros":             wire(0, nil, 1, 1, owner.PublicKey{}),
		"trailing byte":              append(wire(0, nil, 1, 2, list...), 0),
		"short key":                  wire(0, nil, 1, 1, list[0])[:len(wire(0, nil, 1, 1, list[0]))-1],
		"cut before the threshold":   wire(0, nil, 1, 2, list...)[:34],
		"cut before the keys' count": wire(0, nil, 1, 2, list...)[:38],
	} {
		if d, err := owner.DecodeDocument(data); !errors.Is(err, owner.ErrDocument) || d != nil {
			t.Errorf("%s: %v, %v; want ErrDocument and nothing", name, d, err)
		}
	}
}

func TestUnusableDocumentHasNoEncoding(t *testing.T) {
	d := first(2, 1)
	if data, err := d.Encode(); !errors.Is(err, owner.ErrDocument) || data != nil {
		t.Errorf("Encode = %x, %v", data, err)
	}
	many := first(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
	if data, err := many.Encode(); !errors.Is(err, owner.ErrDocument) || data != nil {
		t.Errorf("Encode of %d keys = %x, %v", len(many.Keys), data, err)
	}
	if _, err := d.Hash(); !errors.Is(err, owner.ErrDocument) {
		t.Errorf("Hash = %v, want ErrDocument", err)
	}
	if _, err := d.ID(); !errors.Is(err, owner.ErrDocument) {
		t.Errorf("ID = %v, want ErrDocument", err)
	}
	if _, err := owner.RotationPayload(d); !errors.Is(err, owner.ErrDocument) {
		t.Errorf("RotationPayload = %v, want ErrDocument", err)
	}
	if id, err := next(t, first(1, 1), 1, 1).ID(); !errors.Is(err, owner.ErrDocument) {
		t.Errorf("a later document has the ID %v, %v", id, err)
	}
}

func FuzzDecodeDocument(f *testing.F) {
	f.Add(wire(0, nil, 1, 1, public(1)))
	f.Add(wire(3, hashOf(nil), 2, 3, publics(1, 2, 3)...))
	f.Add(wire(0, nil, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := owner.DecodeDocument(data)
		if err != nil {
			if !errors.Is(err, owner.ErrDocument) || d != nil {
				t.Fatalf("DecodeDocument = %v, %v", d, err)
			}
			return
		}
		if again, err := d.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x decodes, but encodes to %x, %v", data, again, err)
		}
	})
}
