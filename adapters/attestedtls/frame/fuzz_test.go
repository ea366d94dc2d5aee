package frame_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
)

// FuzzFrame reads frames as they come off a connection, one after the other. Each
// that is read is within its bound, and is written again as it was.
func FuzzFrame(f *testing.F) {
	for _, m := range samples() {
		sent, err := frame.Append(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sent)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		r := bytes.NewReader(sent)
		for {
			before := len(sent) - r.Len()
			header, err := frame.ReadHeader(r, frame.Kinds()...)
			if err != nil {
				return
			}
			if header.Length > header.Kind.Bound() {
				t.Fatalf("%d bytes of a %v, at most %d", header.Length, header.Kind, header.Kind.Bound())
			}
			raw, err := header.Read(r)
			if err != nil {
				return
			}
			checkMessage(t, header.Kind, raw, sent[before:len(sent)-r.Len()])
		}
	})
}

func checkMessage(t *testing.T, kind frame.Kind, raw, sent []byte) {
	t.Helper()
	m, err := frame.Unmarshal(kind, raw)
	if err != nil {
		if !errors.Is(err, frame.ErrFrame) || m != nil {
			t.Fatalf("%v: %v, %v", kind, m, err)
		}
		return
	}
	again, err := frame.Append(nil, m)
	if err != nil || !bytes.Equal(again, sent) {
		t.Fatalf("%v was read from %x and written as %x, %v", kind, sent, again, err)
	}
}

// FuzzHello reads hellos. One that is read is valid, and one that is valid can be
// bound.
func FuzzHello(f *testing.F) {
	for _, m := range samples() {
		if m.Kind() == frame.KindHello {
			f.Add(marshalled(f, m))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := frame.Unmarshal(frame.KindHello, data)
		if err != nil {
			return
		}
		h, ok := m.(*frame.Hello)
		if !ok || h.Validate() != nil {
			t.Fatalf("%+v is a hello: %v, %v", m, ok, h.Validate())
		}
		if h.Purpose.CheckRoles(h.Role, frame.ServerRole(h.Purpose)) != nil && h.Role != frame.ServerRole(h.Purpose) {
			t.Fatalf("%q holds no session for %q", h.Role, h.Purpose)
		}
		if again := marshalled(t, h); !bytes.Equal(again, data) {
			t.Fatalf("read from %x, written as %x", data, again)
		}
	})
}
