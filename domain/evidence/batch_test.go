package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

func leafOf(binding []byte) evidence.Leaf { return evidence.LeafForTest([64]byte(binding)) }

// leaves returns n leaves of n different sessions.
func leaves(t testing.TB, n int) []evidence.Leaf {
	t.Helper()
	list := make([]evidence.Leaf, n)
	for i := range list {
		s := session()
		binary.BigEndian.PutUint32(s.Exporter[:], uint32(i))
		list[i] = binding(t, s).Leaf()
	}
	return list
}

func batch(t testing.TB, list []evidence.Leaf, key evidence.AttestationKey) *evidence.Batch {
	t.Helper()
	b, err := evidence.NewBatch(list, key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func path(t testing.TB, b *evidence.Batch, i int) evidence.Path {
	t.Helper()
	p, err := b.Path(i)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The report data of a batch of one, built from the definition and another
// implementation of RFC 6962.
func TestReportDataIsTheDesignedHash(t *testing.T) {
	bound := binding(t, session())
	root := rfc6962.DefaultHasher.HashLeaf(bound.Bytes())
	ak := sha256.Sum256([]byte("public area"))
	for name, tt := range map[string]struct {
		key  evidence.AttestationKey
		last string
	}{
		"with a TPM":    {evidence.HashAttestationKey([]byte("public area")), string(ak[:])},
		"without a TPM": {evidence.AttestationKey{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := sha512.Sum512([]byte("asterism/batch/v1" + prefixed(string(root), "\x00\x00\x00\x01", tt.last)))
			b := batch(t, []evidence.Leaf{bound.Leaf()}, tt.key)
			if got := b.ReportData(); got != want {
				t.Errorf("report data = %x, want %x", got, want)
			}
			if b.ReportData().Qualifying() != sha256.Sum256(want[:]) {
				t.Error("the qualifying data is not SHA-256 of the report data")
			}
			if n := len(path(t, b, 0).Encode()); n != 8 {
				t.Errorf("the path of a batch of one has %d bytes, want 8", n)
			}
		})
	}
}

func TestEveryPeerOfABatchRecomputesItsReportData(t *testing.T) {
	key := evidence.HashAttestationKey([]byte("ak"))
	for _, n := range []int{1, 2, 3, 5, 64, 65, evidence.MaxBatch - 1, evidence.MaxBatch} {
		list := leaves(t, n)
		b := batch(t, list, key)
		for _, i := range []int{0, n / 2, n - 1} {
			encoded := path(t, b, i).Encode()
			p, err := evidence.DecodePath(encoded)
			if err != nil || len(encoded) > evidence.MaxPathSize {
				t.Fatalf("leaf %d of %d: a path of %d bytes: %v", i, n, len(encoded), err)
			}
			if got, err := p.ReportData(list[i], key); err != nil || got != b.ReportData() {
				t.Errorf("leaf %d of %d: %x, %v", i, n, got, err)
			}
		}
	}
}

// A peer that was not in the batch, or another attestation key, never gets the
// report data that was signed.
func TestPathOfAnotherLeafOrKeyGivesOtherReportData(t *testing.T) {
	key := evidence.HashAttestationKey([]byte("ak"))
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "size")
		list := leaves(t, n+1)
		b := batch(t, list[:n], key)
		i := rapid.IntRange(0, n-1).Draw(rt, "index")
		j := rapid.IntRange(0, n).Filter(func(j int) bool { return j != i }).Draw(rt, "other leaf")
		p := path(t, b, i)
		for _, other := range []struct {
			leaf evidence.Leaf
			key  evidence.AttestationKey
		}{
			{list[j], key},
			{list[i], evidence.HashAttestationKey([]byte("another"))},
			{list[i], evidence.AttestationKey{}},
		} {
			if got, err := p.ReportData(other.leaf, other.key); err != nil || got == b.ReportData() {
				rt.Fatalf("report data is the same, or %v", err)
			}
		}
	})
}

func TestFlippedPathGivesOtherReportDataOrIsRefused(t *testing.T) {
	list := leaves(t, 5)
	b := batch(t, list, evidence.AttestationKey{})
	genuine := path(t, b, 3).Encode()
	for bit := range 8 * len(genuine) {
		altered := bytes.Clone(genuine)
		altered[bit/8] ^= 1 << (bit % 8)
		p, err := evidence.DecodePath(altered)
		if err != nil {
			continue
		}
		if got, err := p.ReportData(list[3], evidence.AttestationKey{}); err == nil && got == b.ReportData() {
			t.Errorf("bit %d may be flipped", bit)
		}
	}
}

func TestBatchBounds(t *testing.T) {
	for _, n := range []int{0, evidence.MaxBatch + 1} {
		if _, err := evidence.NewBatch(make([]evidence.Leaf, n), evidence.AttestationKey{}); !errors.Is(err, evidence.ErrBatch) {
			t.Errorf("a batch of %d: %v, want ErrBatch", n, err)
		}
	}
	b := batch(t, leaves(t, 3), evidence.AttestationKey{})
	for _, i := range []int{-1, 3} {
		if _, err := b.Path(i); !errors.Is(err, evidence.ErrBatch) {
			t.Errorf("path of leaf %d of 3: %v, want ErrBatch", i, err)
		}
	}
}

func encodedPath(index, size uint32, hashes int) []byte {
	data := binary.BigEndian.AppendUint32(nil, index)
	return append(binary.BigEndian.AppendUint32(data, size), make([]byte, 32*hashes)...)
}

func TestDecodePathRefuses(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty":                nil,
		"cut head":             encodedPath(0, 1, 0)[:7],
		"cut hash":             encodedPath(0, 2, 1)[:39],
		"trailing byte":        append(encodedPath(0, 2, 1), 0),
		"empty batch":          encodedPath(0, 0, 0),
		"batch too large":      encodedPath(0, evidence.MaxBatch+1, 13),
		"huge batch":           encodedPath(0, 1<<31, 12),
		"index out of range":   encodedPath(2, 2, 1),
		"a hash too many":      encodedPath(0, 1, 1),
		"a hash too few":       encodedPath(0, 3, 1),
		"unpaired leaf, extra": encodedPath(2, 3, 2),
	} {
		if p, err := evidence.DecodePath(data); !errors.Is(err, evidence.ErrBatch) || len(p.Encode()) != 8 {
			t.Errorf("%s: %v, %v; want ErrBatch", name, p, err)
		}
	}
	if _, err := evidence.DecodePath(encodedPath(evidence.MaxBatch-1, evidence.MaxBatch, 12)); err != nil {
		t.Errorf("the longest path: %v", err)
	}
}

func TestZeroPathProvesNothing(t *testing.T) {
	if _, err := (evidence.Path{}).ReportData(leaves(t, 1)[0], evidence.AttestationKey{}); !errors.Is(err, evidence.ErrBatch) {
		t.Errorf("ReportData of the zero path = %v, want ErrBatch", err)
	}
}

func FuzzDecodePath(f *testing.F) {
	for _, n := range []int{1, 3, 8} {
		b := batch(f, leaves(f, n), evidence.AttestationKey{})
		f.Add(path(f, b, n-1).Encode())
	}
	leaf := leaves(f, 1)[0]
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := evidence.DecodePath(data)
		if err != nil {
			if !errors.Is(err, evidence.ErrBatch) {
				t.Fatalf("untyped refusal: %v", err)
			}
			return
		}
		if !bytes.Equal(p.Encode(), data) {
			t.Fatalf("%x decodes, but encodes to %x", data, p.Encode())
		}
		if _, err := p.ReportData(leaf, evidence.AttestationKey{}); err != nil {
			t.Fatalf("a decoded path is unusable: %v", err)
		}
	})
}

func BenchmarkPathReportData(b *testing.B) {
	list := leaves(b, evidence.MaxBatch)
	key := evidence.HashAttestationKey([]byte("ak"))
	p := path(b, batch(b, list, key), 1234)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.ReportData(list[1234], key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	for _, n := range []int{1, 64, evidence.MaxBatch} {
		list := leaves(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch(b, list, evidence.AttestationKey{}).ReportData()
			}
		})
	}
}
