package authority_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
)

func sha256Of(text string) measurement.Digest {
	return measurement.Sum(measurement.SHA256, []byte(text))
}

func machine(name string) join.Identity { return authoritytest.Machine(name) }

func compareIdentities() cmp.Option {
	return cmp.Comparer(func(a, b join.Identity) bool { return a == b })
}

func newAuthor(t testing.TB) *authoritytest.Author {
	t.Helper()
	return authoritytest.New(t, authoritytest.Config{Seed: "test"})
}

// apply folds directives that must hold.
func apply(t testing.TB, a *authority.Authority, directives ...[]byte) *authority.Authority {
	t.Helper()
	for _, d := range directives {
		next, err := a.Apply(d)
		if err != nil {
			t.Fatal(err)
		}
		a = next
	}
	return a
}

// history signs one directive of each kind.
func history(author *authoritytest.Author) [][]byte {
	author.Statement()
	author.By("platform").Policy()
	author.JoinPolicy(*join.Default())
	author.By("night-shift").Approve(machine("w1"), join.Worker)
	author.By("platform").Deny(machine("w2"), "stolen")
	author.Freeze()
	author.Statement()
	author.By("platform").Thaw()
	return author.All()
}

// reasonOf returns why a directive was refused, empty where it was not, and what
// the error is where it is another one.
func reasonOf(err error) authority.Reason {
	var refused *authority.DirectiveError
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &refused) || !errors.Is(err, authority.ErrDirective):
		return authority.Reason("another error: " + err.Error())
	default:
		return refused.Reason
	}
}

func hashOf(t testing.TB, s *owner.Statement) owner.Hash {
	t.Helper()
	hash, err := s.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// opened takes a signed directive apart.
func opened(t testing.TB, data []byte) (*authority.SignedDirective, *authority.Directive) {
	t.Helper()
	signed, err := authority.DecodeSigned(data)
	if err != nil {
		t.Fatal(err)
	}
	d, err := authority.DecodeDirective(signed.Directive)
	if err != nil {
		t.Fatal(err)
	}
	return signed, d
}

// resigned returns the directive after a change, with the document it had, signed
// by a fork of the author.
func resigned(t testing.TB, data []byte, by *authoritytest.Author, change func(*authority.Directive)) []byte {
	t.Helper()
	signed, d := opened(t, data)
	change(d)
	return by.Fork().Sign(*d, signed.Attached)
}

func encoded(t testing.TB, s *authority.SignedDirective) []byte {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
