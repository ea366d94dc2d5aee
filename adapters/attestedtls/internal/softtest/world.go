package softtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// What every world has.
const (
	Release  = "v1.2.0"
	Profile  = "release"
	NodeName = "node-1"
	DiskUUID = "0b9a1bd4-6c9e-4e9e-9d0c-6a2f4f1c7a55"
)

// World is one owner's cluster, and time.
type World struct {
	Cluster keys.ClusterID
	Owner   keys.OwnerID
	Serial  uint64 // of the statement
	Time    time.Time

	manufacturer, engineCA, ownerKey ed25519.PrivateKey
	document                         []byte
}

// New returns a world with keys of its own.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{Serial: 7, Time: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	_, _ = rand.Read(w.Cluster[:])
	w.manufacturer, w.engineCA, w.ownerKey = newKey(t), newKey(t), newKey(t)
	first := &owner.Document{Threshold: 1, Keys: []owner.PublicKey{owner.PublicKey(publicKey(w.ownerKey))}}
	var err error
	if w.document, err = first.Encode(); err != nil {
		t.Fatal(err)
	}
	if w.Owner, err = first.ID(); err != nil {
		t.Fatal(err)
	}
	return w
}

// Foreign returns a world with another cluster of another owner, but with
// machines of the same make.
func (w *World) Foreign(t testing.TB) *World {
	t.Helper()
	foreign := New(t)
	foreign.manufacturer = w.manufacturer
	return foreign
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Now returns the world's time.
func (w *World) Now() time.Time { return w.Time }

// Machine returns a machine that belongs to nobody yet.
func (w *World) Machine(t testing.TB) *Machine {
	t.Helper()
	return newMachine(t, evidence.ProcessVTPM, Release, w.manufacturer)
}

// MachineOf returns a machine of another platform or release.
func (w *World) MachineOf(t testing.TB, p evidence.Platform, release string) *Machine {
	t.Helper()
	return newMachine(t, p, release, w.manufacturer)
}

// Member returns a machine that belongs to the cluster.
func (w *World) Member(t testing.TB) *Machine {
	t.Helper()
	m := w.Machine(t)
	m.Mark(w.Cluster, w.Owner)
	w.Certify(m)
	return m
}

// Certify gives the machine an AK certificate of the engine's CA.
func (w *World) Certify(m *Machine) { m.AKCertificate = certify(w.engineCA, m.AK()) }

// Trust returns what ends of the cluster hold each other against.
func (w *World) Trust(t testing.TB) *attestedtls.Trust {
	t.Helper()
	p, err := w.statement().Policy(Profile)
	if err != nil {
		t.Fatal(err)
	}
	return &attestedtls.Trust{Policy: p, Cluster: w.Cluster, Owner: w.Owner, Roots: &ports.Trust{
		EndorsementRoots: []evidence.SPKIHash{sha256.Sum256(publicKey(w.manufacturer))},
		EngineCAs:        []evidence.SPKIHash{sha256.Sum256(publicKey(w.engineCA))},
	}}
}

func (w *World) statement() *owner.Statement {
	return &owner.Statement{
		Version: owner.StatementVersion, Serial: w.Serial, Cluster: w.Cluster, Owner: w.Owner,
		Issued: w.Time.Add(-time.Hour), Expires: w.Time.Add(owner.DefaultStatementLifetime),
		EngineCA: sha256.Sum256(publicKey(w.engineCA)), KubernetesCA: sha256.Sum256([]byte("kubernetes")),
		LedgerKey: owner.PublicKey{1}, MinimumPolicySerial: 1,
		Releases:         []policy.Release{release(Release)},
		EndorsementRoots: []evidence.SPKIHash{sha256.Sum256(publicKey(w.manufacturer))},
		TPM:              &policy.TPM{EKTrust: policy.EKCertificate},
	}
}

// Statement returns the encoded and signed statement, after the changes.
func (w *World) Statement(t testing.TB, changes ...func(*owner.Statement)) []byte {
	t.Helper()
	s := w.statement()
	for _, change := range changes {
		change(s)
	}
	payload, err := owner.StatementPayload(s)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	signature := owner.Signature{Key: owner.PublicKey(publicKey(w.ownerKey)), Value: [64]byte(ed25519.Sign(w.ownerKey, payload.Bytes()))}
	signed := &owner.SignedStatement{Statement: encoded, Chain: []owner.Link{{Document: w.document}}, Signatures: []owner.Signature{signature}}
	data, err := signed.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Anchor returns what a machine that was told its owner knows.
func (w *World) Anchor() owner.Anchor { return owner.Anchor{Owner: w.Owner} }

// Claimed returns what a machine of the role says of itself, truthfully.
func (w *World) Claimed(r evidence.Role) frame.Claimed {
	switch r {
	case evidence.Joiner:
		return frame.Claimed{Mark: frame.Unmarked}
	case evidence.Locked:
		return frame.Claimed{Mark: frame.Unmarked, Cluster: w.Cluster, DiskUUID: DiskUUID, ShareSet: frame.ShareSetID{1}}
	case evidence.Member:
		return frame.Claimed{Mark: frame.Marked, Cluster: w.Cluster, Owner: w.Owner, NodeName: NodeName, RecordID: "record-1"}
	case evidence.JoinService, evidence.KMS:
		return frame.Claimed{Mark: frame.Marked, Cluster: w.Cluster, Owner: w.Owner}
	default:
		return frame.Claimed{}
	}
}

// machineFor returns an honest machine for the role, nil where the role has none.
func (w *World) machineFor(t testing.TB, r evidence.Role) *Machine {
	t.Helper()
	switch r {
	case evidence.Joiner, evidence.Locked:
		return w.Machine(t)
	case evidence.Member, evidence.JoinService, evidence.KMS:
		return w.Member(t)
	default:
		return nil
	}
}

// PlatformsVerified are those that verifiers of a world know.
func PlatformsVerified() Verifiers {
	return Verifiers{evidence.AzureTrustedLaunch, evidence.ProcessVTPM}
}

// Client returns an honest client for the purpose.
func (w *World) Client(t testing.TB, p evidence.Purpose, r evidence.Role) *attestedtls.ClientConfig {
	t.Helper()
	c := &attestedtls.ClientConfig{
		Purpose: p, Role: r, Keys: w.Keys(t), Verifiers: PlatformsVerified(), Now: w.Now,
		Claimed: func() frame.Claimed { return w.Claimed(r) },
	}
	if p == evidence.Attest || p == evidence.Admin {
		c.NodeName = NodeName
	}
	if p.ClientAttests() {
		c.Attester = w.machineFor(t, r)
	}
	if frame.ShowsStatement(p) {
		c.Statement = &attestedtls.StatementTrust{Anchor: w.Anchor, Profiles: []string{Profile}}
		return c
	}
	trust := w.Trust(t)
	c.Trust = func(context.Context) (*attestedtls.Trust, error) { return trust, nil }
	return c
}

// Service returns an honest service for the purpose.
func (w *World) Service(t testing.TB, p evidence.Purpose) *attestedtls.Service {
	t.Helper()
	r := frame.ServerRole(p)
	s := &attestedtls.Service{Claimed: func() frame.Claimed { return w.Claimed(r) }, Attester: w.machineFor(t, r)}
	if frame.ShowsStatement(p) {
		statement := w.Statement(t)
		s.Statement = func(context.Context) ([]byte, error) { return statement, nil }
	}
	if p.ClientAttests() {
		trust := w.Trust(t)
		s.Trust = func(context.Context) (*attestedtls.Trust, error) { return trust, nil }
	}
	return s
}

// Server returns the configuration of an honest server for the purposes.
func (w *World) Server(t testing.TB, purposes ...evidence.Purpose) attestedtls.ServerConfig {
	t.Helper()
	c := attestedtls.ServerConfig{
		Keys: w.Keys(t), Verifiers: PlatformsVerified(), Now: w.Now,
		Services: map[evidence.Purpose]*attestedtls.Service{},
		Limits:   attestedtls.Limits{Linger: 500 * time.Millisecond},
	}
	for _, p := range purposes {
		c.Services[p] = w.Service(t, p)
	}
	return c
}

// Keys returns TLS keys of a process of its own.
func (w *World) Keys(t testing.TB) *attestedtls.Keys {
	t.Helper()
	k, err := attestedtls.NewKeys(w.Now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Purposes returns all purposes, and Clients the roles that open sessions for one.
func Purposes() []evidence.Purpose {
	return []evidence.Purpose{
		evidence.Init, evidence.Join, evidence.Rejoin, evidence.Recover, evidence.Attest, evidence.Admin, evidence.Unseal,
	}
}

// Clients returns the roles that may open sessions for the purpose.
func Clients(p evidence.Purpose) []evidence.Role {
	all := []evidence.Role{
		evidence.Owner, evidence.Administrator, evidence.Reader, evidence.Holder, evidence.Joiner,
		evidence.Locked, evidence.JoinService, evidence.Member, evidence.KMS,
	}
	return slices.DeleteFunc(all, func(r evidence.Role) bool { return !frame.IsClient(p, r) })
}

func markRegister() measurement.Register { return pcr(15) }

func pcr(index int) measurement.Register {
	r, err := measurement.NewRegister(measurement.PCR, index)
	if err != nil {
		panic(err) // there are 24
	}
	return r
}

// bootLog is what a machine of the release measures.
func bootLog(release string) []measurement.Event {
	var log []measurement.Event
	for _, i := range []int{4, 8, 9, 11, 12, 13, 14} {
		r := pcr(i)
		log = append(log, measurement.Event{Register: r, Digest: measurement.Sum(measurement.SHA256, []byte(release+r.Name()))})
	}
	return log
}

// NewRelease returns a release of the profile.
func NewRelease(name string) policy.Release { return release(name) }

func release(name string) policy.Release {
	mark := markRegister()
	r := policy.Release{Name: name, Profile: Profile, Manifest: measurement.Sum(measurement.SHA256, []byte(name))}
	for _, p := range PlatformsVerified() {
		registers := map[measurement.Register][]policy.ReferenceValue{}
		values := measurement.Replay(0, bootLog(name))
		for register, value := range values.All() {
			registers[register] = []policy.ReferenceValue{{Value: value}}
		}
		r.References = append(r.References, policy.Reference{Platform: p, Mark: &mark, Registers: registers})
	}
	return r
}
