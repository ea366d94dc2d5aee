package profile_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
)

func TestKeysOfOneTPM(t *testing.T) {
	d := swtpmtest.New(t, swtpmtest.WithoutCertificate()).Open(t)
	for name, create := range map[string]func() (*profile.Key, error){
		"EK": func() (*profile.Key, error) { return profile.CreateEK(d) },
		"AK": func() (*profile.Key, error) { return profile.CreateAK(d) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := mustCreate(t, create), mustCreate(t, create)
			if !bytes.Equal(a.Public, b.Public) || !bytes.Equal(a.Name.Buffer, b.Name.Buffer) {
				t.Error("the key changes")
			}
			for _, key := range []*profile.Key{a, b} {
				if _, err := (tpm2.FlushContext{FlushHandle: key.Handle}).Execute(d); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func mustCreate(t *testing.T, create func() (*profile.Key, error)) *profile.Key {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestMakeCredentialRefuses(t *testing.T) {
	d := swtpmtest.New(t, swtpmtest.WithoutCertificate()).Open(t)
	ek, ak := mustCreate(t, func() (*profile.Key, error) { return profile.CreateEK(d) }), mustCreate(t, func() (*profile.Key, error) { return profile.CreateAK(d) })
	secret := make([]byte, profile.SecretSize)
	if _, err := profile.MakeCredential(rand.Reader, ek.Public, ak.Name.Buffer, secret); err != nil {
		t.Fatalf("a right one: %v", err)
	}
	if _, err := profile.MakeCredential(rand.Reader, ek.Public, ak.Name.Buffer, secret[1:]); err == nil {
		t.Error("a short secret was taken")
	}
	if _, err := profile.MakeCredential(rand.Reader, ak.Public, ak.Name.Buffer, secret); !errors.Is(err, profile.ErrKey) {
		t.Errorf("an ECC key gave %v", err)
	}
	if _, err := profile.MakeCredential(rand.Reader, ek.Public[1:], ak.Name.Buffer, secret); !errors.Is(err, profile.ErrKey) {
		t.Errorf("no key gave %v", err)
	}
	if _, err := profile.RSAPublicKey(ak.Public); !errors.Is(err, profile.ErrKey) {
		t.Errorf("RSAPublicKey of an ECC key gave %v", err)
	}
}

func sampleCredential() []byte {
	c := new(profile.Credential)
	c.IDObject[1] = 32
	for i := range c.EncryptedSecret {
		c.EncryptedSecret[i] = byte(i)
	}
	return c.Encode()
}

func TestParseCredentialRefuses(t *testing.T) {
	good := sampleCredential()
	if c, err := profile.ParseCredential(good); err != nil || !bytes.Equal(c.Encode(), good) {
		t.Fatalf("a right one: %v", err)
	}
	change := func(at int) []byte {
		data := bytes.Clone(good)
		data[at] ^= 1
		return data
	}
	for name, data := range map[string][]byte{
		"empty":            nil,
		"short":            good[:len(good)-1],
		"long":             append(bytes.Clone(good), 0),
		"ID object":        change(1),
		"integrity":        change(3),
		"encrypted secret": change(2 + len(profile.Credential{}.IDObject)),
	} {
		if _, err := profile.ParseCredential(data); !errors.Is(err, profile.ErrCredential) {
			t.Errorf("%s: ParseCredential = %v", name, err)
		}
	}
}

func FuzzParseCredential(f *testing.F) {
	f.Add(sampleCredential())
	f.Add([]byte{})
	f.Add(make([]byte, profile.CredentialSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := profile.ParseCredential(data)
		if err != nil {
			if !errors.Is(err, profile.ErrCredential) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if !bytes.Equal(c.Encode(), data) {
			t.Fatal("what was parsed is not what it encodes to")
		}
	})
}

func TestSelections(t *testing.T) {
	var all [3]byte
	for octet := range 3 {
		for i, b := range profile.ReadSelection(octet).PCRSelections[0].PCRSelect {
			if all[i]&b != 0 {
				t.Errorf("octet %d overlaps", octet)
			}
			all[i] |= b
		}
	}
	want := profile.QuoteSelection()
	if len(want.PCRSelections) != 1 || want.PCRSelections[0].Hash != tpm2.TPMAlgSHA256 || !bytes.Equal(want.PCRSelections[0].PCRSelect, all[:]) {
		t.Errorf("the quote's selection is %v, what is read %v", want, all)
	}
	if !bytes.Equal(all[:], []byte{0xff, 0xff, 0xff}) {
		t.Errorf("registers are missing: %v", all)
	}
}
