package lp_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

func TestAppendWritesLengthThenBytes(t *testing.T) {
	got := lp.Append([]byte("label"), "ab", "")
	want := []byte("label\x00\x00\x00\x02ab\x00\x00\x00\x00")
	if !bytes.Equal(got, want) {
		t.Errorf("Append = %x, want %x", got, want)
	}
	if n := lp.Size("ab", ""); n != len(want)-len("label") {
		t.Errorf("Size = %d, want %d", n, len(want)-len("label"))
	}
	if got := lp.AppendUint32(nil, 258); !bytes.Equal(got, []byte{0, 0, 0, 4, 0, 0, 1, 2}) {
		t.Errorf("AppendUint32 = %x", got)
	}
}

func TestReaderReturnsWhatAppendWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 6).Draw(t, "fields")
		data := lp.Append([]byte("label"), fields...)
		r := lp.NewReader(data)
		if err := r.Literal("label"); err != nil {
			t.Fatalf("reading the label: %v", err)
		}
		for i, want := range fields {
			got, err := r.Field(len(want))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("field %d = %x, %v; want %x", i, got, err, want)
			}
		}
		if err := r.End(); err != nil || r.Offset() != len(data) {
			t.Fatalf("End = %v at %d of %d", err, r.Offset(), len(data))
		}
	})
}

// Different lists of fields never encode to the same bytes: this is what makes
// a hash over them mean one thing only.
func TestAppendIsInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.SliceOfN(rapid.ByteRange(0, 2), 0, 3), 0, 4)
		a, b := list.Draw(t, "a"), list.Draw(t, "b")
		same := len(a) == len(b)
		for i := 0; same && i < len(a); i++ {
			same = bytes.Equal(a[i], b[i])
		}
		if bytes.Equal(lp.Append(nil, a...), lp.Append(nil, b...)) != same {
			t.Fatalf("%x and %x: encodings equal, want equal = %v", a, b, same)
		}
	})
}

func TestReaderRefuses(t *testing.T) {
	field := func(limit int) func(*lp.Reader) error {
		return func(r *lp.Reader) error { _, err := r.Field(limit); return err }
	}
	number := func(r *lp.Reader) error { _, err := r.Uint32(); return err }
	tests := []struct {
		name  string
		input string
		read  func(*lp.Reader) error
		want  error
	}{
		{"no length", "\x00\x00\x00", field(9), lp.ErrTruncated},
		{"short field", "\x00\x00\x00\x02a", field(9), lp.ErrTruncated},
		{"over the bound", "\x00\x00\x00\x02ab", field(1), lp.ErrTooLong},
		{"huge length", "\xff\xff\xff\xffab", field(9), lp.ErrTooLong},
		{"short number", "\x00", number, lp.ErrTruncated},
		{"short literal", "lab", func(r *lp.Reader) error { return r.Literal("label") }, lp.ErrTruncated},
		{"trailing bytes", "x", (*lp.Reader).End, lp.ErrTrailing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := lp.NewReader([]byte(tt.input))
			if err := tt.read(r); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
			if r.Offset() != 0 {
				t.Errorf("a refused read advanced to %d", r.Offset())
			}
		})
	}
	if err := lp.NewReader([]byte("lapel")).Literal("label"); err == nil {
		t.Error("another literal was accepted")
	}
}

func TestUint32ReadsBigEndian(t *testing.T) {
	r := lp.NewReader([]byte{0, 0, 1, 2, 9})
	if n, err := r.Uint32(); err != nil || n != 258 || r.Offset() != 4 {
		t.Errorf("Uint32 = %d, %v at %d", n, err, r.Offset())
	}
}
