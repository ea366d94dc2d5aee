package join

import (
	"errors"
	"fmt"
	"slices"
)

// ErrWord is wrapped where a text is none of the few that may stand there.
var ErrWord = errors.New("not one of the words that may stand here")

// Role is what a node is in its cluster.
type Role string

// The roles.
const (
	Worker       Role = "worker"
	ControlPlane Role = "control-plane"
)

// Roles returns all roles, sorted.
func Roles() []Role { return []Role{ControlPlane, Worker} }

// UnmarshalText reads the name of a role. The error wraps ErrWord.
func (r *Role) UnmarshalText(text []byte) error { return unmarshalWord(r, text, Roles()...) }

// unmarshalWord reads one of the words, and leaves target as it was on an error.
func unmarshalWord[T ~string](target *T, text []byte, words ...T) error {
	if err := checkWord(T(text), words...); err != nil {
		return err
	}
	*target = T(text)
	return nil
}

func checkWord[T ~string](word T, words ...T) error {
	if !slices.Contains(words, word) {
		return fmt.Errorf("%w: %.64q, want one of %q", ErrWord, string(word), words)
	}
	return nil
}
