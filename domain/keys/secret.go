package keys

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// redacted stands for a secret wherever one is printed.
const redacted = "[redacted]"

// Secret holds bytes that must not be seen. It shows as "[redacted]" in fmt
// under every verb, in slog, and in every text encoding, also deep within other
// values. Only [Secret.Reveal] gives the bytes out.
//
// Copies of a Secret share their bytes, so that [Secret.Wipe] empties all of
// them. Any number of goroutines may read one; wiping it needs exclusive use.
// Secrets are compared with [Secret.Equal]; they have no ==. The zero value is
// an empty secret, as is a wiped one.
type Secret struct {
	// memory is a function because its captured variable is out of reach. Printers
	// cannot call the methods of an unexported field and show what it consists of
	// instead: fmt its slices and arrays, debug printers what its pointers lead to
	// as well. It is nil in the zero value.
	memory func() *[]byte
}

// opaque is embedded by types which are secrets: they inherit redaction and
// wiping, and only this package can make them.
type opaque = Secret

// NewSecret moves b into a secret: it copies the bytes and then zeroes b, so that
// the secret's memory is the only place that holds them.
func NewSecret(b []byte) Secret {
	data := bytes.Clone(b)
	clear(b)
	return ownSecret(data)
}

// ownSecret makes a secret of data itself, which nobody else may hold.
func ownSecret(data []byte) Secret {
	return Secret{memory: func() *[]byte { return &data }}
}

// Reveal returns the bytes themselves, not a copy, or nil if the secret is
// empty. The caller must not change them, must not keep them longer than the
// secret, and answers for where they go: [Secret.Wipe] zeroes them in place.
func (s Secret) Reveal() []byte {
	if s.memory == nil {
		return nil
	}
	return *s.memory()
}

// Len returns how many bytes the secret has; zero after [Secret.Wipe].
func (s Secret) Len() int {
	return len(s.Reveal())
}

// Equal tells whether both secrets hold the same bytes, in a time that depends
// on their lengths only. An empty or wiped secret equals nothing, so that a check
// against one that was never set cannot succeed.
func (s Secret) Equal(other Secret) bool {
	return s.Len() > 0 && subtle.ConstantTimeCompare(s.Reveal(), other.Reveal()) == 1
}

// Wipe zeroes the bytes and leaves this secret and all its copies empty.
func (s Secret) Wipe() {
	if s.memory == nil {
		return
	}
	data := s.memory()
	clear(*data)
	*data = nil
}

// String returns "[redacted]".
func (Secret) String() string {
	return redacted
}

// Format writes "[redacted]" whatever the verb, so that %x or %#v show no more
// than %v does.
func (Secret) Format(state fmt.State, _ rune) {
	// A fmt.State collects in memory and returns no error.
	_, _ = state.Write([]byte(redacted))
}

// LogValue returns "[redacted]" as a log attribute's value.
func (Secret) LogValue() slog.Value {
	return slog.StringValue(redacted)
}

// MarshalText returns "[redacted]". JSON, XML and YAML encoders use it too.
func (Secret) MarshalText() ([]byte, error) {
	return []byte(redacted), nil
}

// UnmarshalText refuses with [ErrNotReadable].
func (*Secret) UnmarshalText([]byte) error {
	return ErrNotReadable
}
