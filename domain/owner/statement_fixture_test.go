package owner_test

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// The fixture is one statement of owner 1, 2 and 3, two of whom must sign, about
// releases of two profiles on four platforms.

var now = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func sha256Of(text string) measurement.Digest {
	return measurement.Sum(measurement.SHA256, []byte(text))
}

func sha384Of(text string) measurement.Digest {
	return measurement.Sum(measurement.SHA384, []byte(text))
}

func spki(text string) evidence.SPKIHash { return sha256.Sum256([]byte(text)) }

func register(name string) measurement.Register {
	r, err := measurement.ParseRegister(name)
	if err != nil {
		panic(err)
	}
	return r
}

// reference returns a reference value for every register that must have one.
func reference(p evidence.Platform, release string) policy.Reference {
	traits, err := p.Traits()
	if err != nil {
		panic(err)
	}
	mark := register("pcr15")
	ref := policy.Reference{Platform: p, Mark: &mark, Registers: map[measurement.Register][]policy.ReferenceValue{}}
	for _, r := range traits.Boot {
		value := measurement.Sum(r.Bank().Algorithm(), []byte(release+" "+r.Name()))
		ref.Registers[r] = []policy.ReferenceValue{{Value: value}}
		if r.Bank() == measurement.RTMR {
			mark = register("rtmr3")
		}
	}
	if traits.LaunchDecides {
		ref.LaunchDigests = []measurement.Digest{sha384Of(release)}
	}
	return ref
}

func release(name, profile string, platforms ...evidence.Platform) policy.Release {
	r := policy.Release{Name: name, Profile: profile, Manifest: sha256Of(name)}
	for _, p := range platforms {
		r.References = append(r.References, reference(p, name))
	}
	return r
}

func clusterID(b byte) keys.ClusterID { return keys.ClusterID(bytes.Repeat([]byte{b}, 32)) }

// sampleStatement names the owner of sampleOwner.
func sampleStatement(t testing.TB) owner.Statement {
	t.Helper()
	return owner.Statement{
		Serial: 12, Cluster: clusterID(7), Owner: idOf(t, sampleOwner()),
		Issued: now.Add(-time.Hour), Expires: now.Add(24 * time.Hour),
		EngineCA: spki("engine CA"), KubernetesCA: spki("Kubernetes CA"), LedgerKey: public(40),
		Releases: []policy.Release{
			release("v1.2.0", "release", evidence.QEMUVTPM, evidence.AzureSNP, evidence.QEMUTDX),
			release("v1.1.0", "release", evidence.QEMUVTPM),
			release("v1.2.0-process", "process", evidence.ProcessVTPM),
		},
		EndorsementRoots: []evidence.SPKIHash{spki("root b"), spki("root a")},
		TPM: &policy.TPM{
			EKTrust: policy.EKCertificate, AllowedEKs: []measurement.Digest{sha256Of("ek 2"), sha256Of("ek 1")},
			DeniedEKs: []measurement.Digest{sha256Of("stolen")},
		},
		SNP: &policy.SNP{
			ProductLines: []policy.ProductLinePolicy{{Name: policy.Genoa, TCB: policy.TCB{BootLoader: 10, SNP: 23, Microcode: 84}}},
			Require:      []policy.Requirement{policy.NoMigration, policy.AliasCheck},
		},
		TDX: &policy.TDX{
			TCBStatus: []policy.TCBStatus{policy.UpToDate}, Require: []policy.Requirement{policy.SEPTVEDisable}, EvaluationDataNumber: 17,
		},
		DeniedChips:         []policy.Hex{bytes.Repeat([]byte{0xde}, 64)},
		MinimumPolicySerial: 3,
		Administrators:      []owner.NamedKey{{Name: "platform", Key: public(51)}, {Name: "night-shift", Key: public(50)}},
		Readers:             []owner.NamedKey{{Name: "auditor", Key: public(60)}},
		KMS:                 []string{"pkcs11:token=hsm;object=kek", "https://vault.example/v1/transit/keys/kek"},
	}
}

func sampleOwner() *owner.Document { return first(2, 1, 2, 3) }

// newStatement makes the fixture after the changes.
func newStatement(t testing.TB, changes ...func(*owner.Statement)) *owner.Statement {
	t.Helper()
	s := sampleStatement(t)
	for _, change := range changes {
		change(&s)
	}
	made, err := owner.NewStatement(s)
	if err != nil {
		t.Fatalf("making the statement: %v", err)
	}
	return made
}

// signed returns the statement with the owner's first document, signed by the
// seeds' keys.
func signed(t testing.TB, s *owner.Statement, seeds ...byte) *owner.SignedStatement {
	t.Helper()
	return signedAfter(t, s, []owner.Link{{Document: encoded(t, sampleOwner())}}, seeds...)
}

func signedAfter(t testing.TB, s *owner.Statement, chain []owner.Link, seeds ...byte) *owner.SignedStatement {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := owner.StatementPayload(s)
	if err != nil {
		t.Fatal(err)
	}
	return &owner.SignedStatement{Statement: data, Chain: chain, Signatures: sign(payload, seeds...)}
}

func encodedStatement(t testing.TB, s *owner.SignedStatement) []byte {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func markDigest(s *owner.Statement) measurement.Digest {
	return measurement.DigestSHA256(keys.MarkSHA256(s.Cluster, s.Owner))
}
