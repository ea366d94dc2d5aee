package keys_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/keys"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

const vectorFile = "testdata/vectors.json"

// vectors is the shape of testdata/vectors.json; its own words explain it.
type vectors struct {
	About        []string           `json:"about"`
	MasterSecret string             `json:"master_secret"`
	KEKs         []kekVector        `json:"keks"`
	DataKeys     []dataKeyVector    `json:"data_keys"`
	Measurement  measurementSection `json:"measurement"`
}

type kekVector struct {
	Generation uint32 `json:"generation"`
	KEK        string `json:"kek"`
}

type dataKeyVector struct {
	Generation uint32 `json:"generation"`
	Purpose    string `json:"purpose"`
	Name       string `json:"name"`
	Length     int    `json:"length"`
	Key        string `json:"key"`
}

type measurementSection struct {
	Secret   string          `json:"measurement_secret"`
	Clusters []clusterVector `json:"clusters"`
}

type clusterVector struct {
	Salt       string `json:"measurement_salt"`
	ClusterID  string `json:"cluster_id"`
	OwnerID    string `json:"owner_id"`
	MarkSHA256 string `json:"mark_sha256"`
	MarkSHA384 string `json:"mark_sha384"`
}

func about() []string {
	return []string{
		"Key derivation of Asterism, version 1. All values are made up for this file; none protects anything.",
		"Byte strings are lower-case hexadecimal, names and purposes ASCII, lengths in bytes.",
		"u32(n) = n as four bytes, big-endian. lp(x) = u32(length of x) | x. HKDF is that of RFC 5869 over SHA-256.",
		"master_secret = key (32 bytes) | salt (32 bytes), here the bytes 00 to 3f",
		"kek = HKDF(IKM: key, salt: salt, info: 'asterism/v1/kek' | u32(generation), 32 bytes)",
		"data key = HKDF-Expand(PRK: kek of the generation, info: 'asterism/v1/data-key' | lp(purpose) | lp(name) | u32(generation) | u32(length), length)",
		"measurement_secret = the data key of generation 1, purpose 'cluster', name 'measurement', length 32; no caller may ask for that purpose",
		"cluster_id = HKDF(IKM: measurement_secret, salt: measurement_salt, info: 'asterism/v1/cluster-id', 32 bytes)",
		"mark_sha256 and mark_sha384 = the hash of 'asterism/mark/v1' | lp(cluster_id) | lp(owner_id)",
	}
}

// What follows computes every value from the formulas above with the standard
// library alone, so that the file does not depend on the package under test.

func u32[T uint32 | int](n T) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(n))
}

func join(parts ...[]byte) []byte {
	return bytes.Join(parts, nil)
}

func prefixed(x []byte) []byte {
	return join(u32(len(x)), x)
}

func expected(t *testing.T) vectors {
	t.Helper()
	master := make([]byte, 64)
	for i := range master {
		master[i] = byte(i)
	}
	v := vectors{About: about(), MasterSecret: hex.EncodeToString(master)}
	for _, g := range []uint32{1, 2, 0x01020304, 0xffffffff} {
		v.KEKs = append(v.KEKs, kekVector{g, hex.EncodeToString(expectedKEK(t, master, g))})
	}
	for _, request := range dataKeyRequests() {
		kek := expectedKEK(t, master, request.Generation)
		request.Key = hex.EncodeToString(expectedKey(t, kek, request))
		v.DataKeys = append(v.DataKeys, request)
	}
	v.Measurement = expectedMeasurement(t, expectedKEK(t, master, 1))
	return v
}

func dataKeyRequests() []dataKeyVector {
	const disk, otherDisk = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "00000000-0000-4000-8000-000000000001"
	return []dataKeyVector{
		{Generation: 1, Purpose: "state-disk", Name: disk, Length: 32},
		{Generation: 1, Purpose: "state-disk", Name: disk, Length: 64},
		{Generation: 1, Purpose: "state-disk", Name: otherDisk, Length: 32},
		{Generation: 1, Purpose: "state-disk-header", Name: disk, Length: 32},
		{Generation: 1, Purpose: "volume", Name: "pvc-" + disk, Length: 64},
		{Generation: 1, Purpose: "volume", Name: "a", Length: 16},
		{Generation: 1, Purpose: "object-store", Name: "backups.example_com", Length: 32},
		{Generation: 1, Purpose: "kubernetes-etcd", Name: "key-1", Length: 32},
		{Generation: 1, Purpose: "ledger-signing", Name: "log", Length: 32},
		{Generation: 1, Purpose: "volume", Name: "a", Length: 33},
		{Generation: 1, Purpose: "volume", Name: "a", Length: 512},
		{Generation: 2, Purpose: "state-disk", Name: disk, Length: 32},
		{Generation: 0x01020304, Purpose: "kubernetes-etcd", Name: "key-1", Length: 32},
		{Generation: 0xffffffff, Purpose: "volume", Name: "a", Length: 32},
	}
}

func expectedKEK(t *testing.T, master []byte, generation uint32) []byte {
	t.Helper()
	info := join([]byte("asterism/v1/kek"), u32(generation))
	kek, err := hkdf.Key(sha256.New, master[:32], master[32:], string(info), 32)
	check(t, err)
	return kek
}

func expectedKey(t *testing.T, kek []byte, request dataKeyVector) []byte {
	t.Helper()
	info := join([]byte("asterism/v1/data-key"), prefixed([]byte(request.Purpose)), prefixed([]byte(request.Name)),
		u32(request.Generation), u32(request.Length))
	key, err := hkdf.Expand(sha256.New, kek, string(info), request.Length)
	check(t, err)
	return key
}

func expectedMeasurement(t *testing.T, kek []byte) measurementSection {
	t.Helper()
	secret := expectedKey(t, kek, dataKeyVector{Generation: 1, Purpose: "cluster", Name: "measurement", Length: 32})
	section := measurementSection{Secret: hex.EncodeToString(secret)}
	for _, seed := range []byte{0x01, 0xfe} {
		salt, owner := bytes.Repeat([]byte{seed}, 32), sha256.Sum256([]byte{seed})
		id, err := hkdf.Key(sha256.New, secret, salt, "asterism/v1/cluster-id", 32)
		check(t, err)
		mark := join([]byte("asterism/mark/v1"), prefixed(id), prefixed(owner[:]))
		short, long := sha256.Sum256(mark), sha512.Sum384(mark)
		section.Clusters = append(section.Clusters, clusterVector{
			Salt: hex.EncodeToString(salt), ClusterID: hex.EncodeToString(id), OwnerID: hex.EncodeToString(owner[:]),
			MarkSHA256: hex.EncodeToString(short[:]), MarkSHA384: hex.EncodeToString(long[:]),
		})
	}
	return section
}

func loadVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile(vectorFile)
	check(t, err)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var v vectors
	check(t, decoder.Decode(&v))
	return v
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	check(t, err)
	return b
}

func TestVectorFileFollowsTheFormulas(t *testing.T) {
	want := expected(t)
	if *update {
		data, err := json.MarshalIndent(want, "", "  ")
		check(t, err)
		check(t, os.WriteFile(vectorFile, append(data, '\n'), 0o600))
	}
	if diff := cmp.Diff(want, loadVectors(t)); diff != "" {
		t.Errorf("%s differs from the formulas (rerun with -update if they changed; -want +file):\n%s", vectorFile, diff)
	}
}

func TestPackageDerivesTheVectors(t *testing.T) {
	v := loadVectors(t)
	master, err := keys.NewMasterSecret(keys.NewSecret(unhex(t, v.MasterSecret)))
	check(t, err)
	for _, c := range v.KEKs {
		kek, err := master.KEK(keys.Generation(c.Generation))
		check(t, err)
		if got := hex.EncodeToString(kek.Reveal()); got != c.KEK {
			t.Errorf("KEK %d = %s, want %s", c.Generation, got, c.KEK)
		}
	}
	for _, c := range v.DataKeys {
		kek, err := master.KEK(keys.Generation(c.Generation))
		check(t, err)
		key := dataKey(t, kek, mustID(t, keys.Purpose(c.Purpose), c.Name), c.Length)
		if got := hex.EncodeToString(key.Reveal()); got != c.Key {
			t.Errorf("data key %+v = %s", c, got)
		}
	}
}

func TestPackageDerivesTheClusterVectors(t *testing.T) {
	v := loadVectors(t)
	master, err := keys.NewMasterSecret(keys.NewSecret(unhex(t, v.MasterSecret)))
	check(t, err)
	secret, err := master.MeasurementSecret()
	check(t, err)
	if got := hex.EncodeToString(secret.Reveal()); got != v.Measurement.Secret {
		t.Errorf("measurement secret = %s, want %s", got, v.Measurement.Secret)
	}
	for _, c := range v.Measurement.Clusters {
		salt, err := keys.NewMeasurementSalt(unhex(t, c.Salt))
		check(t, err)
		cluster, err := secret.ClusterID(salt)
		check(t, err)
		owner, err := keys.ParseOwnerID(c.OwnerID)
		check(t, err)
		short, long := keys.MarkSHA256(cluster, owner), keys.MarkSHA384(cluster, owner)
		got := clusterVector{
			Salt: salt.String(), ClusterID: cluster.String(), OwnerID: owner.String(),
			MarkSHA256: hex.EncodeToString(short[:]), MarkSHA384: hex.EncodeToString(long[:]),
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("cluster (-want +got):\n%s", diff)
		}
	}
}

// Every purpose is in the file, so that another implementation meets them all.
func TestVectorsCoverEveryPurpose(t *testing.T) {
	covered := map[keys.Purpose]bool{}
	for _, c := range loadVectors(t).DataKeys {
		covered[keys.Purpose(c.Purpose)] = true
	}
	for _, purpose := range keys.Purposes() {
		if !covered[purpose] {
			t.Errorf("no vector for %s", purpose)
		}
	}
}
