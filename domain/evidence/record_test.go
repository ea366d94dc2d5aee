package evidence_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

func record(t testing.TB) *evidence.Record {
	t.Helper()
	nonce, statement := bytes.Repeat([]byte{7}, 32), []byte(`{"type":"asterism/attest/v1"}`)
	binding, err := evidence.NewVerificationBinding(nonce, statement)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := evidence.NewBatch([]evidence.Leaf{binding.Leaf()}, evidence.HashAttestationKey([]byte("ak")))
	if err != nil {
		t.Fatal(err)
	}
	path, err := batch.Path(0)
	if err != nil {
		t.Fatal(err)
	}
	return &evidence.Record{
		Nonce: nonce, Statement: statement, Path: path,
		Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: []byte("body")},
	}
}

func encodeRecord(t testing.TB, r *evidence.Record) []byte {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRecordRoundTrip(t *testing.T) {
	data := encodeRecord(t, record(t))
	decoded, err := evidence.DecodeRecord(data)
	if err != nil {
		t.Fatal(err)
	}
	if again := encodeRecord(t, decoded); !bytes.Equal(again, data) {
		t.Errorf("decoded and encoded again: %x, want %x", again, data)
	}
}

func TestRecordReportDataDependsOnWhatWasAskedAndSaid(t *testing.T) {
	key := evidence.HashAttestationKey([]byte("ak"))
	want, err := record(t).ReportData(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*evidence.Record){
		"nonce":     func(r *evidence.Record) { r.Nonce = bytes.Repeat([]byte{8}, 32) },
		"statement": func(r *evidence.Record) { r.Statement = []byte("{}") },
	} {
		r := record(t)
		change(r)
		if got, err := r.ReportData(key); err != nil || got == want {
			t.Errorf("another %s gives the same report data (%v)", name, err)
		}
	}
	if got, err := record(t).ReportData(evidence.HashAttestationKey([]byte("other"))); err != nil || got == want {
		t.Errorf("another attestation key gives the same report data (%v)", err)
	}
}

func TestRecordIsNotEncodedWithABadPart(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*evidence.Record)
		want   error
	}{
		"short nonce":     {func(r *evidence.Record) { r.Nonce = r.Nonce[:15] }, evidence.ErrBinding},
		"long nonce":      {func(r *evidence.Record) { r.Nonce = make([]byte, 65) }, evidence.ErrBinding},
		"empty statement": {func(r *evidence.Record) { r.Statement = nil }, evidence.ErrBinding},
		"zero path":       {func(r *evidence.Record) { r.Path = evidence.Path{} }, evidence.ErrBatch},
		"empty body":      {func(r *evidence.Record) { r.Evidence.Body = nil }, evidence.ErrEnvelope},
	} {
		r := record(t)
		tt.change(r)
		if _, err := r.Encode(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestRecordTruncatedOrExtendedIsRefused(t *testing.T) {
	data := encodeRecord(t, record(t))
	for n := range data {
		if _, err := evidence.DecodeRecord(data[:n]); !errors.Is(err, evidence.ErrRecord) {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	for name, bad := range map[string][]byte{
		"one byte more": append(bytes.Clone(data), 0),
		"too large":     make([]byte, evidence.MaxRecordSize+1),
	} {
		if _, err := evidence.DecodeRecord(bad); !errors.Is(err, evidence.ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	data := encodeRecord(f, record(f))
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := evidence.DecodeRecord(data)
		if err != nil {
			if !errors.Is(err, evidence.ErrRecord) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if again := encodeRecord(t, r); !bytes.Equal(again, data) {
			t.Fatalf("two encodings of one record:\n%x\n%x", data, again)
		}
	})
}
