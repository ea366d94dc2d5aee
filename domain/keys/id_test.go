package keys_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/keys"
)

const diskUUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"

func mustID(t rapid.TB, purpose keys.Purpose, name string) keys.ID {
	t.Helper()
	id, err := keys.NewID(purpose, name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// drawID draws any valid ID.
func drawID(t *rapid.T) keys.ID {
	purpose := rapid.SampledFrom(keys.Purposes()).Draw(t, "purpose")
	pattern := `[a-z0-9](([-_.]?[a-z0-9]){0,40})?`
	if purpose == keys.StateDisk || purpose == keys.StateDiskHeader {
		pattern = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{11}7`
	}
	return mustID(t, purpose, rapid.StringMatching(pattern).Draw(t, "name"))
}

func TestNewIDAcceptsCanonicalNames(t *testing.T) {
	cases := []struct {
		purpose keys.Purpose
		name    string
	}{
		{keys.StateDisk, diskUUID},
		{keys.StateDiskHeader, diskUUID},
		{keys.StateDisk, "00000000-0000-0000-0000-000000000001"},
		{keys.StateDisk, "ffffffff-ffff-ffff-ffff-fffffffffffe"},
		{keys.Volume, "pvc-6f9619ff-8b86-4d01-b42d-00cf4fc964ff"},
		{keys.Volume, "0"},
		{keys.ObjectStore, "backups.example_com"},
		{keys.KubernetesEtcd, strings.Repeat("a", keys.MaxNameLength)},
		{keys.LedgerSigning, "a-._-b"},
	}
	for _, c := range cases {
		id, err := keys.NewID(c.purpose, c.name)
		if err != nil {
			t.Errorf("%s/%s: %v", c.purpose, c.name, err)
			continue
		}
		if id.Purpose() != c.purpose || id.Name() != c.name || id.String() != string(c.purpose)+"/"+c.name {
			t.Errorf("%s/%s became %s", c.purpose, c.name, id)
		}
	}
}

func TestNewIDRefusesOtherSpellings(t *testing.T) {
	cases := []struct {
		purpose keys.Purpose
		names   []string
	}{
		{keys.StateDisk, []string{
			"", "disk", strings.ToUpper(diskUUID), "{" + diskUUID + "}", "urn:uuid:" + diskUUID, diskUUID + "\n", " " + diskUUID,
			"6f9619ff8b864d01b42d00cf4fc964ff", "6f9619ff-8b86-4d01-b42d-00cf4fc964f", "6f9619ff-8b86-4d01-b42d-00cf4fc964fg",
			"6f9619ff-8b86-4d01-b42d000cf4fc964ff", "6f9619ff-8b86-4d01b-42d-00cf4fc964ff", "6f9619f--8b86-4d01-b42d-00cf4fc964ff",
			"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
		}},
		{keys.StateDiskHeader, []string{"", "disk", strings.ToUpper(diskUUID), "00000000-0000-0000-0000-000000000000"}},
		{keys.Volume, []string{
			"", "-", ".", "_", "-a", "a-", ".a", "a.", "_a", "a_", "a..b", "A", "aB", "a b", "a/b", `a\b`, "a\x00", "\x00a",
			"a\n", "ä", "a\xff", "pvc%2f1", strings.Repeat("a", keys.MaxNameLength+1),
		}},
		{keys.ObjectStore, []string{"", "a/b", "a..b", "Bucket"}},
		{keys.KubernetesEtcd, []string{"", "a/b", "key:1"}},
		{keys.LedgerSigning, []string{"", "a/b", "log+1"}},
	}
	for _, c := range cases {
		for _, name := range c.names {
			requireIDError(t, c.purpose, name, "name")
		}
	}
}

func requireIDError(t *testing.T, purpose keys.Purpose, name, field string) {
	t.Helper()
	id, err := keys.NewID(purpose, name)
	var refused *keys.IDError
	if !errors.As(err, &refused) || refused.Field != field || id != (keys.ID{}) {
		t.Errorf("%q/%q: got %v, %v; want an IDError about the %s", purpose, name, id, err, field)
	}
}

func TestThreat17NoPurposeButTheListed(t *testing.T) {
	purposes := []keys.Purpose{
		"", "cluster", "kek", "measurement", "state-disk/", "/state-disk", "state-disk\x00", "state-disk ", " state-disk",
		"STATE-DISK", "State-Disk", "state_disk", "state‐disk", "ѕtate-disk", "ｖolume", "volume\n", "volumes", "state-disk-", "state-disk-header-",
	}
	for _, purpose := range purposes {
		requireIDError(t, purpose, diskUUID, "purpose")
		requireIDError(t, purpose, "measurement", "purpose")
	}
	if _, err := keys.ParseID("cluster/measurement"); err == nil {
		t.Error("a caller can name the measurement secret")
	}
}

func TestThreat17ANameCannotSpeakForAnotherPurpose(t *testing.T) {
	for _, purpose := range keys.Purposes() {
		for _, other := range keys.Purposes() {
			for _, separator := range []string{"/", "\x00", ":", "//", "／", "∕", "%2f", "/../", "\n"} {
				requireIDError(t, purpose, string(other)+separator+diskUUID, "name")
				requireIDError(t, purpose, ".."+separator+string(other)+separator+diskUUID, "name")
			}
		}
	}
}

func TestThreat17OnePurposeNeverGivesTheKeyOfAnother(t *testing.T) {
	kek := testKEK(t, 1)
	seen := map[string]keys.ID{}
	for _, purpose := range keys.Purposes() {
		id := mustID(t, purpose, diskUUID)
		key, err := kek.DataKey(id, 32)
		if err != nil {
			t.Fatal(err)
		}
		if other, found := seen[string(key.Reveal())]; found {
			t.Errorf("%s and %s have one key", id, other)
		}
		seen[string(key.Reveal())] = id
	}
	if len(seen) != 6 {
		t.Errorf("%d purposes, want 6", len(seen))
	}
}

func TestIDErrorsSayWhatIsAllowed(t *testing.T) {
	cases := []struct{ text, want string }{
		{"volume", `keys: id "volume" is not allowed: want purpose/name`},
		{"disk/x", `keys: purpose "disk" is not allowed: want one of state-disk, state-disk-header, volume, object-store, kubernetes-etcd, ledger-signing`},
		{"volume/X", `keys: name "X" is not allowed: want 1 to 253 of a-z, 0-9, '-', '_' and '.', a letter or digit at both ends, no '..'`},
		{"state-disk/x", `keys: name "x" is not allowed: want a lower-case UUID as 8-4-4-4-12 hexadecimal digits, neither nil nor max (RFC 9562 §4)`},
	}
	for _, c := range cases {
		if _, err := keys.ParseID(c.text); err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v\nwant %s", c.text, err, c.want)
		}
	}
	_, err := keys.ParseID("volume/" + strings.Repeat("X", 1<<20))
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("a long name makes an error of %d bytes", len(err.Error()))
	}
}

func TestIDSurvivesText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := drawID(t)
		if parsed, err := keys.ParseID(id.String()); err != nil || parsed != id {
			t.Fatalf("%s became %s, %v", id, parsed, err)
		}
		document, err := json.Marshal(map[keys.ID]keys.ID{id: id})
		if err != nil {
			t.Fatal(err)
		}
		var read map[keys.ID]keys.ID
		if err := json.Unmarshal(document, &read); err != nil || read[id] != id {
			t.Fatalf("%s became %v, %v", document, read, err)
		}
	})
}

func TestIDIsNotReadFromOtherText(t *testing.T) {
	id := mustID(t, keys.Volume, "a")
	var refused *keys.IDError
	if err := id.UnmarshalText([]byte("volume/A")); !errors.As(err, &refused) {
		t.Errorf("UnmarshalText: %v", err)
	}
	if id != mustID(t, keys.Volume, "a") {
		t.Errorf("a refused text changed the ID to %s", id)
	}
}

func TestZeroIDNamesNothing(t *testing.T) {
	var id keys.ID
	var refused *keys.IDError
	if _, err := id.MarshalText(); !errors.As(err, &refused) || refused.Field != "id" {
		t.Errorf("MarshalText: %v", err)
	}
	if id.String() != "" || id.Purpose() != "" || id.Name() != "" {
		t.Errorf("zero ID shows as %q", id)
	}
	if _, err := testKEK(t, 1).DataKey(id, 32); !errors.As(err, &refused) {
		t.Errorf("DataKey of the zero ID: %v", err)
	}
}

func FuzzParseID(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		id, err := keys.ParseID(text)
		if err != nil {
			var refused *keys.IDError
			if !errors.As(err, &refused) || id != (keys.ID{}) {
				t.Fatalf("%q: %v with %v", text, err, id)
			}
			return
		}
		if id.String() != text {
			t.Fatalf("%q was accepted and is written %q", text, id)
		}
		if strings.Count(text, "/") != 1 || strings.ToLower(text) != text || strings.ContainsAny(text, "\x00 \n\\") {
			t.Fatalf("%q was accepted", text)
		}
	})
}
