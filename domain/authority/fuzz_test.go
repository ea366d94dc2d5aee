package authority_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
)

// What is read is written back byte for byte.
func FuzzDecodeDirective(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := authority.DecodeDirective(data)
		if err != nil {
			if !errors.Is(err, authority.ErrDirective) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		again, err := d.Encode()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q was read, and %q written, %v", data, again, err)
		}
		if _, err := authority.NewDirective(*d); err != nil {
			t.Fatalf("read, and not to be made: %v", err)
		}
	})
}

// What is read is written back byte for byte.
func FuzzDecodeSigned(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := authority.DecodeSigned(data)
		if err != nil {
			if !errors.Is(err, authority.ErrDirective) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if again, err := s.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q was read, and %q written, %v", data, again, err)
		}
	})
}

// What is read is written back byte for byte.
func FuzzDecodeHead(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := authority.DecodeHead(data)
		if err != nil {
			if !errors.Is(err, authority.ErrHead) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if again, err := h.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q was read, and %q written, %v", data, again, err)
		}
	})
}

// Nothing becomes part of what was said but what was signed, whatever it comes in.
func FuzzApply(f *testing.F) {
	author := authoritytest.New(f, authoritytest.Config{Seed: "vectors"})
	author.Statement(process)
	author.By("platform").Policy(processPolicy)
	author.By("platform").Freeze()
	said := map[authority.Head]bool{}
	steps := []*authority.Authority{author.Begin()}
	for _, data := range author.All() {
		a := apply(f, steps[len(steps)-1], data)
		steps = append(steps, a)
		said[a.Head()] = true
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, a := range steps {
			next, err := a.Apply(data)
			var refused *authority.DirectiveError
			switch {
			case err != nil && (!errors.As(err, &refused) || !errors.Is(err, authority.ErrDirective) || next != nil):
				t.Fatalf("another error: %v", err)
			case err == nil && !said[next.Head()]:
				t.Fatalf("nobody said %v", next.Head())
			}
		}
	})
}
