package keys_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/keys"
)

// testMaster returns the same master secret in each run.
func testMaster(t rapid.TB) keys.MasterSecret {
	t.Helper()
	raw := make([]byte, keys.MasterSecretSize)
	for i := range raw {
		raw[i] = byte(i + 1)
	}
	master, err := keys.NewMasterSecret(keys.NewSecret(raw))
	if err != nil {
		t.Fatal(err)
	}
	return master
}

func testKEK(t rapid.TB, generation keys.Generation) keys.KEK {
	t.Helper()
	kek, err := testMaster(t).KEK(generation)
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

func TestMasterSecretIsStrict(t *testing.T) {
	var size *keys.SizeError
	for _, length := range []int{0, 1, 32, 63, 65, 128} {
		_, err := keys.NewMasterSecret(keys.NewSecret(bytes.Repeat([]byte{1}, length)))
		if !errors.As(err, &size) || size.Got != length || size.Want != 64 {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
	zeroKey := append(make([]byte, 32), bytes.Repeat([]byte{1}, 32)...)
	for name, raw := range map[string][]byte{"zero key": zeroKey, "all zero": make([]byte, 64)} {
		if _, err := keys.NewMasterSecret(keys.NewSecret(raw)); !errors.Is(err, keys.ErrAllZero) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMasterSecretSharesMemory(t *testing.T) {
	secret := keys.NewSecret(bytes.Repeat([]byte{1}, 64))
	master, err := keys.NewMasterSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	master.Wipe()
	if secret.Len() != 0 {
		t.Error("wiping the master secret left its bytes in memory")
	}
}

func TestKEKIsStrict(t *testing.T) {
	var size *keys.SizeError
	if _, err := keys.NewKEK(keys.NewSecret(make([]byte, 31)), 1); !errors.As(err, &size) || size.Want != 32 {
		t.Errorf("31 bytes: %v", err)
	}
	if _, err := keys.NewKEK(keys.NewSecret(make([]byte, 32)), 1); !errors.Is(err, keys.ErrAllZero) {
		t.Errorf("zero: %v", err)
	}
	if _, err := keys.NewKEK(keys.NewSecret(canary(32)), 0); !errors.Is(err, keys.ErrGeneration) {
		t.Errorf("generation 0: %v", err)
	}
	if _, err := testMaster(t).KEK(0); !errors.Is(err, keys.ErrGeneration) {
		t.Errorf("derived generation 0: %v", err)
	}
}

func TestRestoredKEKDerivesTheSameKeys(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		generation := keys.Generation(rapid.Uint32Min(1).Draw(rt, "generation"))
		kek := testKEK(t, generation)
		restored, err := keys.NewKEK(secretOf(kek.Reveal()), generation)
		if err != nil || restored.Generation() != generation {
			rt.Fatalf("generation %d, %v", restored.Generation(), err)
		}
		id := drawID(rt)
		if !dataKey(rt, kek, id, 32).Equal(dataKey(rt, restored, id, 32)) {
			rt.Fatal("another key")
		}
	})
}

func dataKey(t rapid.TB, kek keys.KEK, id keys.ID, length int) keys.Secret {
	t.Helper()
	key, err := kek.DataKey(id, length)
	if err != nil {
		t.Fatal(err)
	}
	if key.Len() != length {
		t.Fatalf("%d bytes, want %d", key.Len(), length)
	}
	return key
}

func TestDataKeyLengthIsBounded(t *testing.T) {
	kek, id := testKEK(t, 1), mustID(t, keys.Volume, "a")
	for _, length := range []int{keys.MinLength, 32, 33, keys.MaxLength} {
		dataKey(t, kek, id, length)
	}
	var refused *keys.LengthError
	for _, length := range []int{math.MinInt, -1, 0, keys.MinLength - 1, keys.MaxLength + 1, math.MaxInt} {
		if key, err := kek.DataKey(id, length); !errors.As(err, &refused) || refused.Length != length || key.Len() != 0 {
			t.Errorf("%d: %v", length, err)
		}
	}
	if got, want := refused.Error(), "keys: data key of 9223372036854775807 bytes: want 16 to 512"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

func TestKeysThatDifferInAnythingAreUnrelated(t *testing.T) {
	type request struct {
		id         keys.ID
		generation keys.Generation
		length     int
	}
	draw := rapid.Custom(func(t *rapid.T) request {
		return request{
			drawID(t), keys.Generation(rapid.Uint32Range(1, 3).Draw(t, "generation")),
			rapid.IntRange(keys.MinLength, 70).Draw(t, "length"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := draw.Draw(rt, "a"), draw.Draw(rt, "b")
		switch rapid.SampledFrom([]string{"all", "length", "generation", "id"}).Draw(rt, "what differs") {
		case "length":
			b.id, b.generation = a.id, a.generation
		case "generation":
			b.id, b.length = a.id, a.length
		case "id":
			b.generation, b.length = a.generation, a.length
		}
		keyA := dataKey(rt, testKEK(t, a.generation), a.id, a.length).Reveal()
		keyB := dataKey(rt, testKEK(t, b.generation), b.id, b.length).Reveal()
		related := bytes.HasPrefix(keyA, keyB) || bytes.HasPrefix(keyB, keyA)
		if related != (a == b) {
			rt.Fatalf("%+v and %+v related: %t", a, b, related)
		}
	})
}

func TestAShortKeyIsNoPrefixOfALongOne(t *testing.T) {
	kek, id := testKEK(t, 1), mustID(t, keys.StateDisk, diskUUID)
	short, long := dataKey(t, kek, id, 32).Reveal(), dataKey(t, kek, id, 64).Reveal()
	if bytes.Equal(short[:8], long[:8]) {
		t.Error("32 bytes begin like 64 bytes")
	}
}

func TestWipedSecretsDeriveNothing(t *testing.T) {
	master, kek := testMaster(t), testKEK(t, 1)
	measurement, err := master.MeasurementSecret()
	if err != nil {
		t.Fatal(err)
	}
	master.Wipe()
	kek.Wipe()
	measurement.Wipe()
	derivations := map[string]func() error{
		"KEK":                func() error { _, err := master.KEK(1); return err },
		"measurement secret": func() error { _, err := master.MeasurementSecret(); return err },
		"data key":           func() error { _, err := kek.DataKey(mustID(t, keys.Volume, "a"), 32); return err },
		"cluster ID":         func() error { _, err := measurement.ClusterID(keys.MeasurementSalt{1}); return err },
		"from nothing":       func() error { _, err := (keys.MasterSecret{}).KEK(1); return err },
	}
	for name, derive := range derivations {
		if err := derive(); !errors.Is(err, keys.ErrEmpty) {
			t.Errorf("%s: %v, want %v", name, err, keys.ErrEmpty)
		}
	}
}

func TestMeasurementSecretIsStrictAndCanBeHandedOn(t *testing.T) {
	derived, err := testMaster(t).MeasurementSecret()
	if err != nil {
		t.Fatal(err)
	}
	handedOn, err := keys.NewMeasurementSecret(secretOf(derived.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	salt := keys.MeasurementSalt{1}
	want, err := derived.ClusterID(salt)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := handedOn.ClusterID(salt); err != nil || got != want {
		t.Errorf("cluster ID %v, %v; want %v", got, err, want)
	}
	if got, err := handedOn.ClusterID(keys.MeasurementSalt{2}); err != nil || got == want {
		t.Errorf("another salt gives %v, %v", got, err)
	}
	var size *keys.SizeError
	if _, err := keys.NewMeasurementSecret(keys.NewSecret(canary(33))); !errors.As(err, &size) {
		t.Errorf("33 bytes: %v", err)
	}
}

func TestMeasurementSecretIsNoDataKey(t *testing.T) {
	measurement, err := testMaster(t).MeasurementSecret()
	if err != nil {
		t.Fatal(err)
	}
	for _, purpose := range keys.Purposes() {
		id, err := keys.NewID(purpose, "measurement")
		if err != nil {
			continue // The disks' purposes want a UUID.
		}
		if bytes.Equal(dataKey(t, testKEK(t, 1), id, 32).Reveal(), measurement.Reveal()) {
			t.Errorf("%s is the measurement secret", id)
		}
	}
}
