package keys_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/keys"
)

// secretOf returns a secret of a copy of b.
func secretOf(b []byte) keys.Secret {
	return keys.NewSecret(bytes.Clone(b))
}

func TestNewSecretMovesTheBytes(t *testing.T) {
	source := []byte("correct horse battery staple")
	want := bytes.Clone(source)
	secret := keys.NewSecret(source)
	if !bytes.Equal(secret.Reveal(), want) || secret.Len() != len(want) {
		t.Errorf("secret holds %q (%d), want %q", secret.Reveal(), secret.Len(), want)
	}
	if !bytes.Equal(source, make([]byte, len(want))) {
		t.Errorf("source still holds %q", source)
	}
}

func TestWipeEmptiesEveryCopy(t *testing.T) {
	secret := secretOf([]byte("correct horse battery staple"))
	duplicate, revealed := secret, secret.Reveal()
	duplicate.Wipe()
	if !bytes.Equal(revealed, make([]byte, len(revealed))) {
		t.Errorf("memory still holds %q", revealed)
	}
	if secret.Len() != 0 || secret.Reveal() != nil {
		t.Errorf("the other copy still reveals %q", secret.Reveal())
	}
	secret.Wipe()
}

func TestZeroSecretIsEmptyAndSafe(t *testing.T) {
	var secret keys.Secret
	secret.Wipe()
	if secret.Len() != 0 || secret.Reveal() != nil {
		t.Errorf("zero secret reveals %q", secret.Reveal())
	}
	if got := secret.String(); got != "[redacted]" {
		t.Errorf("zero secret shows as %q", got)
	}
}

func TestEqualComparesBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SliceOfN(rapid.ByteRange(0, 1), 1, 3)
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		if got, want := secretOf(a).Equal(secretOf(b)), bytes.Equal(a, b); got != want {
			t.Fatalf("Equal = %t, want %t", got, want)
		}
	})
}

func TestEmptySecretEqualsNothing(t *testing.T) {
	wiped := secretOf([]byte{1, 2, 3})
	wiped.Wipe()
	full := secretOf([]byte{1, 2, 3})
	for name, empty := range map[string]keys.Secret{"zero": {}, "wiped": wiped, "of nothing": keys.NewSecret(nil)} {
		duplicate := empty
		if empty.Equal(duplicate) || empty.Equal(full) || full.Equal(empty) || empty.Equal(keys.Secret{}) {
			t.Errorf("the %s secret equals something", name)
		}
	}
}

func TestSecretIsNotReadFromText(t *testing.T) {
	secret := secretOf([]byte("old"))
	if err := secret.UnmarshalText([]byte("new")); !errors.Is(err, keys.ErrNotReadable) {
		t.Errorf("UnmarshalText: %v, want %v", err, keys.ErrNotReadable)
	}
	for _, document := range []string{`"new"`, `"[redacted]"`, `null`, `{}`, `[1,2]`, `7`} {
		err := json.Unmarshal([]byte(document), &secret)
		if err == nil && document != `null` {
			t.Errorf("%s was read into a secret", document)
		}
		if string(secret.Reveal()) != "old" {
			t.Fatalf("%s changed the secret", document)
		}
	}
}
