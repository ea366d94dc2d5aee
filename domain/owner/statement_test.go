package owner_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func encodeStatement(t testing.TB, s *owner.Statement) []byte {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatalf("encoding a statement: %v", err)
	}
	return data
}

func TestStatementRoundTrip(t *testing.T) {
	want := newStatement(t)
	data := encodeStatement(t, want)
	got, err := owner.DecodeStatement(data)
	if err != nil || !reflect.DeepEqual(want, got) {
		t.Fatalf("DecodeStatement = %+v, %v; want %+v", got, err, want)
	}
	hash, err := got.Hash()
	if err != nil || hash != sha256.Sum256(data) {
		t.Errorf("Hash = %v, %v; want SHA-256 of the encoding", hash, err)
	}
	if !json.Valid(data) || bytes.ContainsAny(data, " \n\t") {
		t.Errorf("the encoding is not compact JSON: %s", data)
	}
}

// Sets are sorted and the rest keeps its order; what was passed in is untouched.
func TestStatementIsCanonical(t *testing.T) {
	reversed := sampleStatement(t)
	reversed.Version = owner.StatementVersion
	slices.Reverse(reversed.EndorsementRoots)
	slices.Reverse(reversed.Administrators)
	slices.Reverse(reversed.KMS)
	slices.Reverse(reversed.TPM.AllowedEKs)
	slices.Reverse(reversed.SNP.Require)
	slices.Reverse(reversed.Releases[0].References)
	roots := slices.Clone(reversed.EndorsementRoots)
	if a, b := encodeStatement(t, newStatement(t)), encodeStatement(t, &reversed); !bytes.Equal(a, b) {
		t.Error("the order of sets changes the encoding")
	}
	if !slices.Equal(roots, reversed.EndorsementRoots) {
		t.Error("the caller's statement was sorted")
	}
	slices.Reverse(reversed.Releases)
	if a, b := encodeStatement(t, newStatement(t)), encodeStatement(t, &reversed); bytes.Equal(a, b) {
		t.Error("the order of releases means nothing")
	}
}

func TestNewStatementFillsIn(t *testing.T) {
	s := newStatement(t, func(s *owner.Statement) { s.Expires = time.Time{} })
	if s.Version != owner.StatementVersion || !s.Expires.Equal(s.Issued.Add(90*24*time.Hour)) {
		t.Errorf("version %q, expires %v", s.Version, s.Expires)
	}
	longest := func(s *owner.Statement) { s.Expires = s.Issued.Add(owner.MaxStatementLifetime) }
	if s := newStatement(t, longest); s.Expires.Sub(s.Issued) != owner.MaxStatementLifetime {
		t.Errorf("expires %v", s.Expires)
	}
}

// A list of EKs needs no root, and a cluster of one kind only its own section.
func TestSmallestStatement(t *testing.T) {
	s := newStatement(t, func(s *owner.Statement) {
		s.Releases = s.Releases[2:]
		s.TPM = &policy.TPM{EKTrust: policy.EKAllowList, AllowedEKs: s.TPM.AllowedEKs}
		s.SNP, s.TDX, s.DeniedChips, s.EndorsementRoots = nil, nil, nil, []evidence.SPKIHash{}
		s.Administrators, s.Readers, s.KMS = nil, []owner.NamedKey{}, nil
	})
	if got, err := owner.DecodeStatement(encodeStatement(t, s)); err != nil || !reflect.DeepEqual(s, got) {
		t.Errorf("DecodeStatement = %+v, %v", got, err)
	}
}

func TestNamesOfDelegates(t *testing.T) {
	newStatement(t, func(s *owner.Statement) {
		s.Administrators = []owner.NamedKey{{Name: "azAZ09-._+", Key: owner.PublicKey{1, 2, 3}}}
		s.Readers = nil
	})
}

// statementRefusal is a change that no statement survives, and the paths of what
// is said about it.
type statementRefusal struct {
	change func(*owner.Statement)
	want   []string
}

func statementRefusals() map[string]statementRefusal {
	many := func(n int) (list []owner.NamedKey) {
		for i := range n {
			list = append(list, owner.NamedKey{Name: fmt.Sprint("n", i), Key: owner.PublicKey{byte(i), 1, 2}})
		}
		return list
	}
	return map[string]statementRefusal{
		"another version":       {func(s *owner.Statement) { s.Version = "asterism/cluster-statement/v2" }, []string{"version"}},
		"no serial":             {func(s *owner.Statement) { s.Serial = 0 }, []string{"serial"}},
		"huge serial":           {func(s *owner.Statement) { s.Serial = 1 << 53 }, []string{"serial"}},
		"no policy serial":      {func(s *owner.Statement) { s.MinimumPolicySerial = 0 }, []string{"minimumPolicySerial"}},
		"huge policy serial":    {func(s *owner.Statement) { s.MinimumPolicySerial = 1 << 53 }, []string{"minimumPolicySerial"}},
		"no cluster":            {func(s *owner.Statement) { s.Cluster = keys.ClusterID{} }, []string{"cluster"}},
		"no owner":              {func(s *owner.Statement) { s.Owner = keys.OwnerID{} }, []string{"owner"}},
		"no engine CA":          {func(s *owner.Statement) { s.EngineCA = evidence.SPKIHash{} }, []string{"engineCA"}},
		"no Kubernetes CA":      {func(s *owner.Statement) { s.KubernetesCA = evidence.SPKIHash{} }, []string{"kubernetesCA"}},
		"no ledger key":         {func(s *owner.Statement) { s.LedgerKey = owner.PublicKey{} }, []string{"ledgerKey"}},
		"no times":              {func(s *owner.Statement) { s.Issued, s.Expires = time.Time{}, time.Time{} }, []string{"issued", "expires", "expires"}},
		"expires at once":       {func(s *owner.Statement) { s.Expires = s.Issued }, []string{"expires"}},
		"expires before":        {func(s *owner.Statement) { s.Expires = s.Issued.Add(-time.Second) }, []string{"expires"}},
		"lives for too long":    {func(s *owner.Statement) { s.Expires = s.Issued.Add(owner.MaxStatementLifetime + time.Second) }, []string{"expires"}},
		"fractions of a second": {func(s *owner.Statement) { s.Issued = s.Issued.Add(1) }, []string{"issued"}},
		"another zone":          {func(s *owner.Statement) { s.Expires = s.Expires.In(time.FixedZone("CET", 3600)) }, []string{"expires"}},
		"year 10000": {func(s *owner.Statement) {
			s.Issued = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
			s.Expires = s.Issued.AddDate(0, 0, 2)
		}, []string{"expires"}},
		"no release":             {func(s *owner.Statement) { s.Releases = nil }, []string{"releases"}},
		"withdrawn release":      {func(s *owner.Statement) { s.Releases[1].Withdrawn = true }, []string{"releases[1]"}},
		"release of no manifest": {func(s *owner.Statement) { s.Releases[1].Manifest = measurement.Digest{} }, []string{"releases[1].manifest"}},
		"release with a hole":    {func(s *owner.Statement) { delete(s.Releases[1].References[0].Registers, register("pcr11")) }, []string{"releases[1].references[0].registers"}},
		"unknown platform":       {func(s *owner.Statement) { s.Releases[1].References[0].Platform = "pdp-11" }, []string{"releases[1].references[0].platform"}},
		"no roots":               {func(s *owner.Statement) { s.EndorsementRoots = nil }, []string{"endorsementRoots"}},
		"no roots though TPMs need none": {func(s *owner.Statement) {
			s.EndorsementRoots, s.TPM.EKTrust = nil, policy.EKAllowList
		}, []string{"endorsementRoots"}},
		"root of zeros":                {func(s *owner.Statement) { s.EndorsementRoots[1] = evidence.SPKIHash{} }, []string{"endorsementRoots[1]"}},
		"root twice":                   {func(s *owner.Statement) { s.EndorsementRoots[1] = s.EndorsementRoots[0] }, []string{"endorsementRoots[1]"}},
		"too many roots":               {func(s *owner.Statement) { s.EndorsementRoots = make([]evidence.SPKIHash, owner.MaxRoots+1) }, []string{"endorsementRoots"}},
		"no TPM":                       {func(s *owner.Statement) { s.TPM = nil }, []string{"tpm"}},
		"SNP for nobody":               {func(s *owner.Statement) { s.Releases = s.Releases[1:]; s.TDX, s.DeniedChips = nil, nil }, []string{"snp"}},
		"chips for nobody":             {func(s *owner.Statement) { s.Releases = s.Releases[1:]; s.TDX, s.SNP = nil, nil }, []string{"deniedChips"}},
		"administrator without a name": {func(s *owner.Statement) { s.Administrators[0].Name = "" }, []string{"administrators[0].name"}},
		"name with a space":            {func(s *owner.Statement) { s.Readers[0].Name = "a b" }, []string{"readers[0].name"}},
		"name that begins with a dash": {func(s *owner.Statement) { s.Readers[0].Name = "-a" }, []string{"readers[0].name"}},
		"name that is too long":        {func(s *owner.Statement) { s.Readers[0].Name = strings.Repeat("a", 65) }, []string{"readers[0].name"}},
		"reader without a key":         {func(s *owner.Statement) { s.Readers[0].Key = owner.PublicKey{} }, []string{"readers[0].key"}},
		"name twice":                   {func(s *owner.Statement) { s.Administrators[1].Name = s.Administrators[0].Name }, []string{"administrators[1]"}},
		"key twice":                    {func(s *owner.Statement) { s.Administrators[1].Key = s.Administrators[0].Key }, []string{""}},
		"key of two kinds":             {func(s *owner.Statement) { s.Readers[0].Key = s.Administrators[0].Key }, []string{""}},
		"too many administrators":      {func(s *owner.Statement) { s.Administrators = many(owner.MaxDelegates + 1) }, []string{"administrators"}},
		"too many readers":             {func(s *owner.Statement) { s.Readers = many(owner.MaxDelegates + 1) }, []string{"readers"}},
		"too many addresses":           {func(s *owner.Statement) { s.KMS = make([]string, owner.MaxKMSAddresses+1) }, []string{"kms"}},
		"address twice":                {func(s *owner.Statement) { s.KMS[1] = s.KMS[0] }, []string{"kms[1]"}},
		"address without a scheme":     {func(s *owner.Statement) { s.KMS[0] = "vault.example" }, []string{"kms[0]"}},
		"address of a scheme alone":    {func(s *owner.Statement) { s.KMS[0] = "https:" }, []string{"kms[0]"}},
		"address of no scheme":         {func(s *owner.Statement) { s.KMS[0] = "://vault" }, []string{"kms[0]"}},
		"scheme that is a number":      {func(s *owner.Statement) { s.KMS[0] = "1a:b" }, []string{"kms[0]"}},
		"scheme with a space":          {func(s *owner.Statement) { s.KMS[0] = "a b:c" }, []string{"kms[0]"}},
		"address with a space":         {func(s *owner.Statement) { s.KMS[0] = "a:b c" }, []string{"kms[0]"}},
		"address with a bell":          {func(s *owner.Statement) { s.KMS[0] = "a:b\a" }, []string{"kms[0]"}},
		"address beyond ASCII":         {func(s *owner.Statement) { s.KMS[0] = "a:\u007f" }, []string{"kms[0]"}},
		"address that is too long":     {func(s *owner.Statement) { s.KMS[0] = "a:" + strings.Repeat("b", 1023) }, []string{"kms[0]"}},
	}
}

func TestStatementRefuses(t *testing.T) {
	texts := map[string]error{}
	for name, tt := range statementRefusals() {
		t.Run(name, func(t *testing.T) {
			s := sampleStatement(t)
			tt.change(&s)
			made, err := owner.NewStatement(s)
			var invalid *owner.InvalidStatementError
			if made != nil || !errors.As(err, &invalid) || !errors.Is(err, owner.ErrStatement) {
				t.Fatalf("NewStatement = %v, %v; want an *InvalidStatementError", made, err)
			}
			var paths []string
			for _, p := range invalid.Problems {
				paths = append(paths, p.Path)
			}
			if diff := cmp.Diff(tt.want, paths); diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if _, err := owner.StatementPayload(&s); !errors.Is(err, owner.ErrStatement) {
				t.Errorf("it can be signed: %v", err)
			}
			if _, err := s.Hash(); !errors.Is(err, owner.ErrStatement) {
				t.Errorf("it has a hash: %v", err)
			}
			texts[name] = err
		})
	}
	checkTexts(t, "statement", texts)
}

// The bounds themselves are allowed.
func TestStatementAtItsBounds(t *testing.T) {
	newStatement(t, func(s *owner.Statement) {
		s.Serial, s.MinimumPolicySerial = 1<<53-1, 1<<53-1
		s.EndorsementRoots, s.Administrators, s.Readers, s.KMS = nil, nil, nil, nil
		for i := range owner.MaxRoots {
			s.EndorsementRoots = append(s.EndorsementRoots, evidence.SPKIHash{1, byte(i)})
		}
		for i := range owner.MaxDelegates {
			name := fmt.Sprintf("%0*d", 64, i)
			s.Administrators = append(s.Administrators, owner.NamedKey{Name: name, Key: owner.PublicKey{1, byte(i)}})
			s.Readers = append(s.Readers, owner.NamedKey{Name: "Z-._+" + name[5:], Key: owner.PublicKey{2, byte(i)}})
		}
		for i := range owner.MaxKMSAddresses {
			s.KMS = append(s.KMS, fmt.Sprintf("Aa-.+1:!~%0*d", 1015, i))
		}
		s.Issued = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)
		s.Expires = s.Issued.Add(time.Second)
	})
	newStatement(t, func(s *owner.Statement) { s.Serial, s.MinimumPolicySerial = 1, 1 })
}

// withEvents returns a statement with n events on the way to one value, and a name
// of its firmware that is so long.
func withEvents(t *testing.T, n, firmware int) *owner.Statement {
	t.Helper()
	var value policy.ReferenceValue
	var log []measurement.Event
	for i := range n {
		digest := sha256Of(fmt.Sprint(i))
		value.Events = append(value.Events, policy.ReferenceEvent{Digest: digest, Description: strings.Repeat("x", 800)})
		log = append(log, measurement.Event{Register: register("pcr4"), Digest: digest})
	}
	replayed := measurement.Replay(0, log)
	value.Value = replayed.Get(register("pcr4"))
	return newStatement(t, func(s *owner.Statement) {
		ref := &s.Releases[1].References[0]
		ref.Registers[register("pcr4")] = []policy.ReferenceValue{value}
		ref.Firmware = strings.Repeat("x", firmware)
	})
}

func TestStatementSize(t *testing.T) {
	one, two := len(encodeStatement(t, withEvents(t, 1, 1))), len(encodeStatement(t, withEvents(t, 2, 1)))
	n := 1 + (owner.MaxStatementSize-one)/(two-one)
	rest := (owner.MaxStatementSize - one) % (two - one)
	largest := withEvents(t, n, 1+rest)
	data := encodeStatement(t, largest)
	if len(data) != owner.MaxStatementSize {
		t.Fatalf("%d bytes; this test shows nothing", len(data))
	}
	if got, err := owner.DecodeStatement(data); err != nil || !reflect.DeepEqual(largest, got) {
		t.Errorf("the largest statement: %v", err)
	}
	_, err := withEvents(t, n, 2+rest).Encode()
	if want := "invalid cluster statement: has 196609 bytes, at most 196608"; !errors.Is(err, owner.ErrStatement) || err.Error() != want {
		t.Errorf("a byte more: %v, want %s", err, want)
	}
	want := "not a cluster statement to trust: 196609 bytes, at most 196608"
	if _, err := owner.DecodeStatement(append(data, ' ')); !errors.Is(err, owner.ErrStatement) || err.Error() != want {
		t.Errorf("decoding a byte more: %v, want %s", err, want)
	}
}

// What is wrong is said, and not only that something is.
func TestDecodeStatementSaysWhy(t *testing.T) {
	for data, want := range map[string]string{
		`{"zone":1}`: "unknown field",
		`{}`:         "kubernetesCA: is missing",
		string(encodeStatement(t, newStatement(t))) + " ": "not the canonical form",
	} {
		if _, err := owner.DecodeStatement([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one that says %q", err, want)
		}
	}
}

func TestDecodeStatementRefuses(t *testing.T) {
	valid := string(encodeStatement(t, newStatement(t)))
	replaced := func(from, to string) string {
		if !strings.Contains(valid, from) {
			t.Fatalf("%s is not in %s", from, valid)
		}
		return strings.Replace(valid, from, to, 1)
	}
	a, b := spki("root a").String(), spki("root b").String()
	tests := map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "no fields": "{}",
		"trailing data":       valid + "{}",
		"trailing space":      valid + "\n",
		"leading space":       " " + valid,
		"cut":                 valid[:len(valid)-1],
		"unknown field":       replaced(`"cluster"`, `"aaa":1,"cluster"`),
		"repeated field":      replaced(`"serial":12`, `"serial":12,"serial":12`),
		"field in upper case": replaced(`"serial"`, `"Serial"`),
		"number as a float":   replaced(`"serial":12`, `"serial":12.0`),
		"number as a power":   replaced(`"serial":12`, `"serial":1.2e1`),
		"negative serial":     replaced(`"serial":12`, `"serial":-12`),
		"escaped letter":      replaced(`"auditor"`, `"\u0061uditor"`),
		"time with an offset": replaced(`T12:00:00Z"`, `T12:00:00+00:00"`),
		"time in fractions":   replaced(`T12:00:00Z"`, `T12:00:00.0Z"`),
		"empty list":          replaced(`"endorsementRoots":[`, `"dropped":[],"endorsementRoots":[`),
		"ID of zeros":         replaced(clusterID(7).String(), strings.Repeat("0", 64)),
		"ID in upper case":    replaced(spki("engine CA").String(), strings.ToUpper(spki("engine CA").String())),
		"roots not sorted":    replaced(`"`+min(a, b)+`","`+max(a, b)+`"`, `"`+max(a, b)+`","`+min(a, b)+`"`),
		"no longer valid":     replaced(`"minimumPolicySerial":3`, `"minimumPolicySerial":0`),
	}
	for name, data := range tests {
		if s, err := owner.DecodeStatement([]byte(data)); !errors.Is(err, owner.ErrStatement) || s != nil {
			t.Errorf("%s: %+v, %v; want ErrStatement and nothing", name, s, err)
		}
	}
}

func TestTexts(t *testing.T) {
	key, hash := public(1), owner.Hash(spki("x"))
	data, err := json.Marshal(map[string]any{"key": key, "hash": hash})
	if err != nil || !strings.Contains(string(data), key.String()) || !strings.Contains(string(data), hash.String()) {
		t.Errorf("Marshal = %s, %v", data, err)
	}
	gotKey, gotHash := key, hash
	for _, text := range []string{"", "00", strings.Repeat("A", 64), strings.Repeat("0", 65)} {
		if err := gotKey.UnmarshalText([]byte(text)); err == nil || gotKey != key {
			t.Errorf("key %q: %v", text, err)
		}
		if err := gotHash.UnmarshalText([]byte(text)); err == nil || gotHash != hash {
			t.Errorf("hash %q: %v", text, err)
		}
	}
	if err := gotHash.UnmarshalText([]byte(key.String())); err != nil || gotHash != owner.Hash(key) {
		t.Errorf("hash = %v, %v", gotHash, err)
	}
}

func FuzzDecodeStatement(f *testing.F) {
	f.Add(encodeStatement(f, newStatement(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := owner.DecodeStatement(data)
		if err != nil {
			if !errors.Is(err, owner.ErrStatement) || s != nil {
				t.Fatalf("DecodeStatement = %v, %v", s, err)
			}
			return
		}
		if again, err := s.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q decodes, but encodes to %q, %v", data, again, err)
		}
		if _, err := s.Policy(s.Releases[0].Profile); err != nil {
			t.Fatalf("a statement that holds makes no policy: %v", err)
		}
	})
}
