package joining_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/joining"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// world is a cluster with its first node, and one store that all services share.
type world struct {
	t      testing.TB
	store  *memstore.Store
	clock  *clock
	author *authoritytest.Author
	master keys.MasterSecret
	salt   keys.MeasurementSalt
	blobs  *blobs
	ring   *blobs
	minter *minter
	prober *prober
	random *counting
	kms    *kms
	main   *service // faultless, and of the first node
}

// service is what runs on one control-plane node, over its own client of the store.
type service struct {
	w        *world
	store    ports.Store
	governor *governing.Governor
	recorder *sequencing.Sequencer
	tickets  *joining.Tickets
	releaser *joining.Releaser
	refusals *joining.Refusals
	reattest *joining.Reattester
	nodes    *joining.Nodes
	founder  *joining.Founder
}

// clock is the time of the whole world.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// counting is a reader of numbers, so that tests repeat.
type counting struct {
	mu   sync.Mutex
	next uint64
}

func (c *counting) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	clear(b)
	binary.BigEndian.PutUint64(b, c.next)
	return len(b), nil
}

// newWorld is a founded cluster: workers with a TEE join of themselves,
// control-plane nodes with an approval.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := unfounded(t)
	if err := w.main.founder.Found(t.Context(), w.founding()); err != nil {
		t.Fatal(err)
	}
	return w
}

// unfounded is a world before its init ends.
func unfounded(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, clock: &clock{now: authoritytest.Start()}, blobs: newBlobs(), ring: newBlobs(),
		minter: &minter{}, prober: &prober{alive: map[join.Identity]join.Liveness{}}, random: &counting{},
	}
	w.store = memstore.New(w.clock.Now)
	seed := make([]byte, keys.MasterSecretSize)
	for i := range seed {
		seed[i] = byte(i*7 + 3)
	}
	var err error
	w.master, err = keys.NewMasterSecret(keys.NewSecret(seed))
	must(t, err)
	w.kms = &kms{master: w.master}
	w.salt = keys.MeasurementSalt(sha256.Sum256([]byte("salt")))
	secret, err := w.master.MeasurementSecret()
	must(t, err)
	cluster, err := secret.ClusterID(w.salt)
	must(t, err)
	w.author = authoritytest.New(t, authoritytest.Config{Seed: "joining", Cluster: cluster, Now: w.clock.Now})
	w.main = w.service(nil)
	return w
}

// service starts another instance, whose calls to the store meet the fault.
func (w *world) service(fault memstore.Fault) *service { return w.serviceOver(w.store.Client(fault)) }

func (w *world) serviceOver(store ports.Store) *service {
	w.t.Helper()
	return w.serviceWith(store, nil)
}

// takeover starts another instance that knows the owner's word already.
func (w *world) takeover(fault memstore.Fault) *service {
	w.t.Helper()
	return w.serviceWith(w.store.Client(fault), w.main.governor)
}

func (w *world) serviceWith(store ports.Store, governor *governing.Governor) *service {
	w.t.Helper()
	s := &service{w: w, store: store, governor: governor}
	now := w.clock.Now
	var err error
	s.recorder, err = sequencing.New(sequencing.Config{Store: store, Now: now, Random: w.random, By: authoritytest.Machine("cp-1").String()})
	must(w.t, err)
	if governor == nil {
		s.governor, err = governing.New(governing.Config{Store: store, Recorder: s.recorder, Owner: w.author.Owner(), Cluster: w.author.Cluster(), Now: now})
		must(w.t, err)
	}
	s.refusals, err = joining.NewRefusals(joining.RefusalsConfig{Store: store, Recorder: s.recorder, Ring: w.ring, Now: now})
	must(w.t, err)
	s.releaser, err = joining.NewReleaser(joining.ReleaserConfig{
		Store: store, Authority: s.governor, Recorder: s.recorder, Keys: w.kms, Roots: &roots{w.master, w.salt}, Now: now,
	})
	must(w.t, err)
	s.tickets = s.newTickets(s.releaser.For(joining.JoinService))
	s.reattest, err = joining.NewReattester(joining.ReattesterConfig{
		Store: store, Authority: s.governor, Recorder: s.recorder, Evidence: w.blobs, Now: now,
	})
	must(w.t, err)
	s.nodes, err = joining.NewNodes(store, w.prober)
	must(w.t, err)
	s.founder, err = joining.NewFounder(joining.FounderConfig{Store: store, Recorder: s.recorder, Evidence: w.blobs, Now: now})
	must(w.t, err)
	return s
}

// newTickets returns the service's issuer with another way to the KMS.
func (s *service) newTickets(k joining.Keys) *joining.Tickets {
	s.w.t.Helper()
	tickets, err := joining.NewTickets(joining.TicketsConfig{
		Store: s.store, Authority: s.governor, Recorder: s.recorder, Evidence: s.w.blobs, Keys: k,
		Minter: s.w.minter, Prober: s.w.prober, Refusals: s.refusals, Now: s.w.clock.Now,
	})
	must(s.w.t, err)
	return tickets
}

// founding is what the init of the world's cluster agreed on.
func (w *world) founding() *joining.Founding {
	first := w.machine("cp-1")
	if len(w.author.All()) == 0 {
		w.statement()
		w.policy()
		w.author.JoinPolicy(*join.Default())
	}
	return &joining.Founding{
		Owner: w.author.Owner(), Cluster: w.author.Cluster(), Directives: w.author.All()[:3],
		First: joining.FirstNode{
			Request: requestID("init"), Identity: first.id, Name: "cp-1", Disk: disk("cp-1"), Platform: first.platform,
			Boot: join.Boot{ResetCount: first.boot, AK: hash(first.ak())}, Release: authoritytest.Release, Evidence: []byte("evidence of cp-1"),
		},
	}
}

// statement signs one for the platform of the world's machines alone: each service
// reads it anew.
func (w *world) statement(changes ...func(*owner.Statement)) []byte {
	trim := func(s *owner.Statement) { s.Releases, s.TPM = small(s.Releases), nil }
	return w.author.Statement(append([]func(*owner.Statement){trim}, changes...)...)
}

// policy signs one that statement's statements allow.
func (w *world) policy() []byte {
	return w.author.Policy(func(d *policy.Document) {
		d.Releases, d.Platforms, d.TPM = small(d.Releases), []evidence.Platform{evidence.AzureSNP}, nil
	})
}

// small leaves the references of one platform.
func small(releases []policy.Release) []policy.Release {
	for i := range releases {
		releases[i].References = slices.DeleteFunc(releases[i].References, func(r policy.Reference) bool { return r.Platform != evidence.AzureSNP })
	}
	return releases
}

// submit has the first node's governor accept what was signed.
func (w *world) submit(signed []byte) {
	w.t.Helper()
	if _, err := w.main.governor.Submit(w.t.Context(), signed); err != nil {
		w.t.Fatal(err)
	}
}

// machine is one that may become a node.
type machine struct {
	name     string
	id       join.Identity
	platform evidence.Platform
	boot     uint32
}

func (w *world) machine(name string) *machine {
	return &machine{name: name, id: authoritytest.Machine(name), platform: evidence.AzureSNP, boot: 1}
}

func (m *machine) ak() []byte { return fmt.Appendf(nil, "ak of %s in boot %d", m.name, m.boot) }

// reboot returns the machine in its next boot.
func (m *machine) reboot() *machine {
	next := *m
	next.boot++
	return &next
}

// onDisk is a wish for another disk than the machine's own.
func onDisk(name string) func(*join.Request) {
	return func(r *join.Request) { r.Disk = disk(name) }
}

// join asks for a first join as a worker, under the machine's own name and disk.
func (m *machine) join(id string, changes ...func(*join.Request)) *joining.Application {
	r := join.Request{ID: requestID(id), Kind: join.FirstJoin, Disk: disk(m.name), Name: join.NodeName(m.name), Role: join.Worker}
	for _, change := range changes {
		change(&r)
	}
	return m.apply(r)
}

// rejoin asks to come back with the machine's own disk.
func (m *machine) rejoin(id string, changes ...func(*join.Request)) *joining.Application {
	r := join.Request{ID: requestID(id), Kind: join.Rejoin, Disk: disk(m.name)}
	for _, change := range changes {
		change(&r)
	}
	return m.apply(r)
}

// joiningLease is after how long the default lease of a control-plane node ends.
const joiningLease = 15 * time.Minute

func asControlPlane(r *join.Request) { r.Role = join.ControlPlane }

// apply is an attested session of the machine, with evidence that is admitted.
func (m *machine) apply(r join.Request) *joining.Application {
	spki := []byte("public key of kubelet on " + m.name)
	r.Services = []join.ServiceKey{{Service: "kubelet", SPKI: sha256.Sum256(spki)}}
	a := m.attest()
	a.Candidate.Request = &r
	a.Services = []joining.PublicKey{{Service: "kubelet", SPKI: spki}}
	return a
}

// attest is what the machine shows when it is asked to attest.
func (m *machine) attest() *joining.Application {
	shown := fmt.Appendf(nil, "evidence of %s in boot %d", m.name, m.boot)
	return &joining.Application{
		Candidate: &join.Candidate{
			Identity: m.id, Claims: authoritytest.Claims(m.platform, m.name, m.boot), AK: hash(m.ak()), Evidence: hash(shown), Policy: 1,
			Verdict: policy.Verdict{Admitted: true, Release: authoritytest.Release, Findings: []policy.Finding{}},
		},
		Evidence: shown, AK: m.ak(),
	}
}

// fails makes evidence that a policy does not admit.
func fails(a *joining.Application, code policy.Code) *joining.Application {
	a.Candidate.Verdict.Admitted = false
	a.Candidate.Verdict.Findings = []policy.Finding{{Code: code, Severity: policy.Refuse, Subject: "PCR 4", Remedy: "Boot the release unchanged."}}
	return a
}

func hash(data []byte) measurement.Digest { return measurement.Sum(measurement.SHA256, data) }

func requestID(name string) join.RequestID {
	sum := sha256.Sum256([]byte("request " + name))
	return join.RequestID(sum[:16])
}

func disk(name string) string {
	x := fmt.Sprintf("%x", sha256.Sum256([]byte("disk "+name)))
	return strings.Join([]string{x[:8], x[8:12], x[12:16], x[16:20], x[20:32]}, "-")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must2 is must behind a call with a result that is of no interest.
func must2[T any](_ T, err error) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		must(t, err)
	}
}
