package keys_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/keys"
)

func TestFixedValuesAreStrict(t *testing.T) {
	makers := map[string]func([]byte) (string, error){
		"cluster ID": func(b []byte) (string, error) { v, err := keys.NewClusterID(b); return v.String(), err },
		"owner ID":   func(b []byte) (string, error) { v, err := keys.NewOwnerID(b); return v.String(), err },
		"salt":       func(b []byte) (string, error) { v, err := keys.NewMeasurementSalt(b); return v.String(), err },
	}
	for name, make32 := range makers {
		if got, err := make32(bytes.Repeat([]byte{0xab}, 32)); err != nil || got != strings.Repeat("ab", 32) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		var size *keys.SizeError
		for _, length := range []int{0, 31, 33, 64} {
			if _, err := make32(bytes.Repeat([]byte{1}, length)); !errors.As(err, &size) || size.Got != length {
				t.Errorf("%s of %d bytes: %v", name, length, err)
			}
		}
		if _, err := make32(make([]byte, 32)); !errors.Is(err, keys.ErrAllZero) {
			t.Errorf("%s of zeros: %v", name, err)
		}
	}
}

// parsers reads both kinds of ID through both entry points.
func parsers() map[string]func(string) error {
	return map[string]func(string) error{
		"ParseClusterID": func(s string) error { _, err := keys.ParseClusterID(s); return err },
		"ParseOwnerID":   func(s string) error { _, err := keys.ParseOwnerID(s); return err },
		"ClusterID":      func(s string) error { return new(keys.ClusterID).UnmarshalText([]byte(s)) },
		"OwnerID":        func(s string) error { return new(keys.OwnerID).UnmarshalText([]byte(s)) },
	}
}

func TestIDTextIsStrict(t *testing.T) {
	valid := strings.Repeat("0f", 32)
	for name, parse := range parsers() {
		if err := parse(valid); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var size *keys.SizeError
		for _, text := range []string{"", valid[1:], valid + "0", valid + "\n", "0x" + valid} {
			if err := parse(text); !errors.As(err, &size) {
				t.Errorf("%s of %q: %v", name, text, err)
			}
		}
		for _, text := range []string{strings.ToUpper(valid), "g" + valid[1:], " " + valid[1:], valid[:63] + "\x00"} {
			if err := parse(text); !errors.Is(err, keys.ErrHex) {
				t.Errorf("%s of %q: %v", name, text, err)
			}
		}
		if err := parse(strings.Repeat("0", 64)); !errors.Is(err, keys.ErrAllZero) {
			t.Errorf("%s of zeros: %v", name, err)
		}
	}
}

func TestIDsSurviveText(t *testing.T) {
	type document struct {
		Cluster keys.ClusterID
		Owner   keys.OwnerID
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SliceOfN(rapid.Byte(), 32, 32).Filter(func(b []byte) bool { return !bytes.Equal(b, make([]byte, 32)) })
		want := document{keys.ClusterID(draw.Draw(t, "cluster")), keys.OwnerID(draw.Draw(t, "owner"))}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got document
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%s became %v, %v", text, got, err)
		}
	})
}

func TestRefusedTextLeavesIDsAsTheyWere(t *testing.T) {
	cluster, owner := keys.ClusterID{1}, keys.OwnerID{2}
	for _, id := range []encoding.TextUnmarshaler{&cluster, &owner} {
		if err := id.UnmarshalText([]byte("no")); err == nil {
			t.Error("accepted")
		}
	}
	if cluster != (keys.ClusterID{1}) || owner != (keys.OwnerID{2}) {
		t.Errorf("changed to %v and %v", cluster, owner)
	}
}

func TestSizeErrorNamesWhatAndSizes(t *testing.T) {
	_, err := keys.NewClusterID(nil)
	if want := "keys: cluster ID has size 0, want 32"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestMarkBindsBothIDsInTheirPlaces(t *testing.T) {
	cluster, owner := keys.ClusterID{1}, keys.OwnerID{2}
	short, long := keys.MarkSHA256(cluster, owner), keys.MarkSHA384(cluster, owner)
	for name, other := range map[string]struct {
		cluster keys.ClusterID
		owner   keys.OwnerID
	}{
		"another cluster": {keys.ClusterID{3}, owner},
		"another owner":   {cluster, keys.OwnerID{3}},
		"exchanged":       {keys.ClusterID(owner), keys.OwnerID(cluster)},
	} {
		if keys.MarkSHA256(other.cluster, other.owner) == short || keys.MarkSHA384(other.cluster, other.owner) == long {
			t.Errorf("%s has the same mark", name)
		}
	}
	if short == [sha256.Size]byte{} || long == [sha512.Size384]byte{} {
		t.Error("a mark is zero, as on a joiner")
	}
}
