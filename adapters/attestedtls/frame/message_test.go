package frame_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

func TestRoundTrip(t *testing.T) {
	for name, m := range samples() {
		t.Run(name, func(t *testing.T) {
			sent, err := frame.Append([]byte("before"), m)
			if err != nil {
				t.Fatal(err)
			}
			r := bytes.NewReader(sent[len("before"):])
			header, err := frame.ReadHeader(r, m.Kind())
			if err != nil {
				t.Fatal(err)
			}
			raw, err := header.Read(r)
			if err != nil || r.Len() != 0 {
				t.Fatalf("%d bytes are left, %v", r.Len(), err)
			}
			got, err := frame.Unmarshal(header.Kind, raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, got); diff != "" {
				t.Error(diff)
			}
			again, err := frame.AppendEncoded([]byte("before"), m.Kind(), raw)
			if err != nil || !bytes.Equal(again, sent) {
				t.Errorf("%x, %v; want %x", again, err, sent)
			}
		})
	}
}

// TestOneEncoding alters the encoding without altering what it says.
func TestOneEncoding(t *testing.T) {
	for name, m := range samples() {
		data := marshalled(t, m)
		for how, other := range map[string][]byte{
			"an unknown field":       protowire.AppendVarint(protowire.AppendTag(bytes.Clone(data), 100, protowire.VarintType), 1),
			"the first field twice":  append(firstField(data), data...),
			"a field of its default": protowire.AppendBytes(protowire.AppendTag(bytes.Clone(data), 14, protowire.BytesType), nil),
			"a long varint":          lengthened(data),
			"fields in another order": func() []byte {
				first := firstField(data)
				return append(bytes.Clone(data[len(first):]), first...)
			}(),
		} {
			if bytes.Equal(other, data) {
				continue // it has one field only
			}
			_, err := frame.Unmarshal(m.Kind(), other)
			requireError(t, name+" with "+how, err, m.Kind())
		}
	}
}

func firstField(data []byte) []byte {
	_, _, n := protowire.ConsumeField(data)
	return bytes.Clone(data[:n])
}

// lengthened writes the tag of the first field in one byte more than it needs.
func lengthened(data []byte) []byte {
	return append([]byte{data[0] | 0x80, 0}, data[1:]...)
}

func requireError(t *testing.T, what string, err error, kind frame.Kind) {
	t.Helper()
	var e *frame.Error
	if !errors.As(err, &e) || !errors.Is(err, frame.ErrFrame) || e.Kind != kind {
		t.Errorf("%s: %v", what, err)
	}
}

// TestRefusedMessages wants neither end to write or read what has no place in a
// message. The error names the field.
func TestRefusedMessages(t *testing.T) {
	id := func(i ports.Identity) frame.Message { return &frame.Identity{Identity: i} }
	for field, list := range map[string][]frame.Message{
		"statement":      {&frame.Statement{}, &frame.Statement{Encoded: make([]byte, owner.MaxSignedStatementSize+1)}},
		"blob":           {&frame.Challenge{}, &frame.Challenge{Blob: make([]byte, ports.MaxChallengeSize+1)}},
		"evidence":       {&frame.Evidence{Path: []byte("p")}, &frame.Evidence{Path: []byte("p"), Evidence: make([]byte, evidence.MaxSize+1)}},
		"path":           {&frame.Evidence{Evidence: []byte("e")}, &frame.Evidence{Evidence: []byte("e"), Path: make([]byte, evidence.MaxPathSize+1)}},
		"platform":       {id(ports.Identity{}), id(ports.Identity{Platform: "toaster"}), id(ports.Identity{Platform: evidence.QEMUSNP, AKPublic: []byte("ak")})},
		"ak_public":      {id(ports.Identity{Platform: evidence.TPM, EKPublic: []byte("ek")})},
		"ek_public":      {id(ports.Identity{Platform: evidence.TPM, AKPublic: []byte("ak")})},
		"retry_after_ms": {refusal(-time.Second), refusal(time.Microsecond), refusal(2 * time.Hour), &frame.Verdict{RetryAfter: time.Second, Verdict: policy.Verdict{Admitted: true}}},
		"verdict":        {&frame.Verdict{}},
	} {
		for _, m := range list {
			_, err := frame.Marshal(m)
			requireField(t, field, err)
		}
	}
}

func refusal(after time.Duration) *frame.Verdict {
	return &frame.Verdict{RetryAfter: after, Verdict: policy.Verdict{Findings: []policy.Finding{{Code: policy.CodeServerBusy, Severity: policy.Refuse}}}}
}

func requireField(t *testing.T, field string, err error) {
	t.Helper()
	var e *frame.Error
	if !errors.As(err, &e) || e.Field != field {
		t.Errorf("%s: %v", field, err)
	}
}

// TestLargest sends messages whose parts are as large as they may be: no frame's
// bound cuts off what is allowed.
func TestLargest(t *testing.T) {
	for _, m := range []frame.Message{
		&frame.Statement{Encoded: make([]byte, owner.MaxSignedStatementSize)},
		&frame.Evidence{Evidence: make([]byte, evidence.MaxSize), Path: make([]byte, evidence.MaxPathSize), Proof: &ports.Proof{}},
		largestVerdict(),
	} {
		sent, err := frame.Append(nil, m)
		if err != nil {
			t.Errorf("%v: %v", m.Kind(), err)
			continue
		}
		if _, err := frame.ReadHeader(bytes.NewReader(sent), m.Kind()); err != nil {
			t.Errorf("%v: %v", m.Kind(), err)
		}
	}
}

func largestVerdict() *frame.Verdict {
	v := refusal(frame.MaxRetryAfter)
	for range 300 {
		v.Findings = append(v.Findings, policy.Finding{Code: policy.CodePCRMismatch, Severity: policy.Refuse, Seen: strings.Repeat("x", 1000)})
	}
	return v
}

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		name string
		sent []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"half a header", []byte{1, 0, 0}, io.ErrUnexpectedEOF},
		{"no kind", []byte{0, 0, 0, 0, 1}, frame.ErrUnexpected},
		{"a kind that is not known", []byte{7, 0, 0, 0, 1}, frame.ErrUnexpected},
		{"a kind that is not due", []byte{2, 0, 0, 0, 1}, frame.ErrUnexpected},
		{"the longest hello", []byte{1, 0, 0, 0x10, 0}, nil},
		{"a longer hello", []byte{1, 0, 0, 0x10, 1}, frame.ErrTooLarge},
		{"the longest length", []byte{1, 0xff, 0xff, 0xff, 0xff}, frame.ErrTooLarge},
	} {
		if _, err := frame.ReadHeader(bytes.NewReader(c.sent), frame.KindHello, frame.KindVerdict); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestReadTakesMemoryAsBytesArrive announces a megabyte and sends nothing.
func TestReadTakesMemoryAsBytesArrive(t *testing.T) {
	header := frame.Header{Kind: frame.KindEvidence, Length: evidence.MaxSize}
	got := testing.Benchmark(func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := header.Read(bytes.NewReader(nil)); !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Fatal(err)
			}
		}
	})
	if got.AllocedBytesPerOp() > 64<<10 {
		t.Errorf("a frame that never came cost %d bytes", got.AllocedBytesPerOp())
	}
}

// TestUnmarshalIsInverse holds any message against its own encoding.
func TestUnmarshalIsInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &frame.Evidence{
			Evidence: rapid.SliceOfN(rapid.Byte(), 1, 2000).Draw(t, "evidence"),
			Path:     rapid.SliceOfN(rapid.Byte(), 1, evidence.MaxPathSize).Draw(t, "path"),
		}
		if rapid.Bool().Draw(t, "proven") {
			m.Proof = (*ports.Proof)(rapid.SliceOfN(rapid.Byte(), ports.ProofSize, ports.ProofSize).Draw(t, "proof"))
		}
		data, err := frame.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := frame.Unmarshal(frame.KindEvidence, data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(frame.Message(m), got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestKinds(t *testing.T) {
	for _, k := range frame.Kinds() {
		if k.Bound() == 0 || strings.HasPrefix(k.String(), "kind") {
			t.Errorf("%v has the bound %d", k, k.Bound())
		}
		if _, err := frame.Unmarshal(k, make([]byte, k.Bound()+1)); !errors.Is(err, frame.ErrTooLarge) {
			t.Errorf("an oversized %v: %v", k, err)
		}
	}
	if _, err := frame.Unmarshal(0, nil); !errors.Is(err, frame.ErrUnexpected) {
		t.Errorf("no kind: %v", err)
	}
}
