package authoritytest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// TB is what the package needs of a test: testing.TB has it, and a simulation can.
// Fatalf must not return.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Config says who speaks. The zero Config is an owner of three keys, two of whom
// must sign, with the administrators "platform" and "night-shift" and the reader
// "auditor".
type Config struct {
	Seed           string         // names all keys and the cluster; two seeds are two owners
	Cluster        keys.ClusterID // zero: computed from the seed
	Keys           int            // of the owner; zero: 3
	Threshold      int            // zero: 2, at most Keys
	Administrators []string       // nil: "platform" and "night-shift"
	Readers        []string       // nil: "auditor"
	// Now is when directives are issued, cut to whole seconds. Nil: the first at
	// Start, each a minute after the one before.
	Now func() time.Time
}

// Start returns when the first directive is issued unless Config.Now says.
func Start() time.Time { return time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC) }

// Author signs directives, each as the next after all that it has signed.
type Author struct {
	tb     TB
	config Config
	by     string // empty: the owner
	said   *said
}

// said is what the authors of one chain share.
type said struct {
	head      authority.Head
	issued    time.Time
	statement uint64 // serial of the newest
	policy    uint64 // serial of the newest
	owners    []generation
	all       [][]byte
}

// generation is one of the owner's documents.
type generation struct {
	link     owner.Link
	document owner.Document
	signers  []ed25519.PrivateKey
}

// New returns who speaks for the owner.
func New(tb TB, c Config) *Author {
	tb.Helper()
	if c.Cluster == (keys.ClusterID{}) {
		c.Cluster = sha256.Sum256([]byte("cluster of " + c.Seed))
	}
	if c.Keys == 0 {
		c.Keys = 3
	}
	if c.Threshold == 0 {
		c.Threshold = min(2, c.Keys)
	}
	if c.Administrators == nil {
		c.Administrators = []string{"platform", "night-shift"}
	}
	if c.Readers == nil {
		c.Readers = []string{"auditor"}
	}
	a := &Author{tb: tb, config: c, said: &said{}}
	a.Rotate(c.Keys, c.Threshold)
	return a
}

// Owner returns the owner's ID.
func (a *Author) Owner() keys.OwnerID {
	return sha256.Sum256(a.said.owners[0].link.Document)
}

// Cluster returns the ID of the cluster that the directives are about.
func (a *Author) Cluster() keys.ClusterID { return a.config.Cluster }

// Begin returns the Authority that the first directive applies to.
func (a *Author) Begin() *authority.Authority { return authority.Begin(a.Owner(), a.Cluster()) }

// Head returns the head of the chain of all that was signed.
func (a *Author) Head() authority.Head { return a.said.head }

// All returns everything that was signed, in order.
func (a *Author) All() [][]byte { return slices.Clone(a.said.all) }

// By returns an author of the same chain who signs as that administrator, reader
// or, with any other name, as a stranger.
func (a *Author) By(name string) *Author {
	return &Author{tb: a.tb, config: a.config, by: name, said: a.said}
}

// Fork returns an author who has signed the same until now, and goes on alone.
func (a *Author) Fork() *Author {
	copied := *a.said
	copied.owners, copied.all = slices.Clone(copied.owners), slices.Clone(copied.all)
	return &Author{tb: a.tb, config: a.config, by: a.by, said: &copied}
}

// Former returns a Fork whose owner still has the keys from before the last
// Rotate, and shows no others.
func (a *Author) Former() *Author {
	former := a.Fork()
	if n := len(former.said.owners); n > 1 {
		former.said.owners = former.said.owners[:n-1]
	}
	return former
}

// Rotate gives the owner new keys, signed for by the old ones. The next statement
// tells of them.
func (a *Author) Rotate(count, threshold int) {
	a.tb.Helper()
	s := a.said
	next := generation{document: owner.Document{Number: uint32(len(s.owners)), Threshold: uint32(threshold)}}
	for i := range count {
		signer := a.key("owner", len(s.owners), i)
		next.signers = append(next.signers, signer)
		next.document.Keys = append(next.document.Keys, public(signer))
	}
	slices.SortFunc(next.document.Keys, compareKeys)
	if len(s.owners) > 0 {
		next.document.Previous = sha256.Sum256(s.owners[len(s.owners)-1].link.Document)
		payload, err := owner.RotationPayload(&next.document)
		a.check(err, "making the next owner document")
		next.link.Signatures = sign(payload, a.ownersKeys())
	}
	var err error
	next.link.Document, err = next.document.Encode()
	a.check(err, "encoding an owner document")
	s.owners = append(s.owners, next)
}

// Statement signs a cluster statement with the next serial, which is
// NewStatement's after the changes. Only the owner can.
func (a *Author) Statement(changes ...func(*owner.Statement)) []byte {
	a.tb.Helper()
	issued := a.now()
	document := a.NewStatement(issued)
	for _, change := range changes {
		change(&document)
	}
	statement, err := owner.NewStatement(document)
	a.check(err, "making a statement")
	signed := a.SignStatement(statement)
	return a.Sign(authority.Directive{
		Issued: issued, Kind: authority.Statement, Statement: &authority.Reference{Serial: statement.Serial, Hash: a.hash(statement.Encode())},
	}, signed)
}

// SignStatement returns the statement as the owner signs it, encoded.
func (a *Author) SignStatement(s *owner.Statement) []byte {
	a.tb.Helper()
	a.said.statement = s.Serial
	encoded, err := s.Encode()
	a.check(err, "encoding a statement")
	payload, err := owner.StatementPayload(s)
	a.check(err, "encoding a statement")
	signed := owner.SignedStatement{Statement: encoded, Signatures: sign(payload, a.ownersKeys())}
	for _, g := range a.said.owners {
		signed.Chain = append(signed.Chain, g.link)
	}
	data, err := signed.Encode()
	a.check(err, "encoding a signed statement")
	return data
}

// Policy signs an attestation policy with the next serial, which is NewPolicy's
// after the changes.
func (a *Author) Policy(changes ...func(*policy.Document)) []byte {
	a.tb.Helper()
	document := a.NewPolicy()
	for _, change := range changes {
		change(&document)
	}
	p, err := policy.New(document)
	a.check(err, "making a policy")
	a.said.policy = p.Serial()
	return a.Sign(authority.Directive{
		Kind: authority.AttestationPolicy, Policy: &authority.Reference{Serial: p.Serial(), Hash: measurement.DigestSHA256(p.Hash())},
	}, p.JSON())
}

// JoinPolicy signs a join policy.
func (a *Author) JoinPolicy(p join.Policy) []byte {
	a.tb.Helper()
	return a.Sign(authority.Directive{Kind: authority.JoinPolicy, JoinPolicy: &p}, nil)
}

// Approve lets a machine have a role for an hour, unless a change says otherwise.
func (a *Author) Approve(node join.Identity, role join.Role, changes ...func(*authority.Directive)) []byte {
	a.tb.Helper()
	issued := a.now()
	d := authority.Directive{Issued: issued, Kind: authority.Approve, Node: node, Role: role, Expires: issued.Add(time.Hour)}
	for _, change := range changes {
		change(&d)
	}
	return a.Sign(d, nil)
}

// Deny keeps a machine out for good.
func (a *Author) Deny(node join.Identity, reason string) []byte {
	a.tb.Helper()
	return a.Sign(authority.Directive{Kind: authority.Deny, Node: node, Comment: reason}, nil)
}

// Freeze stops first joins.
func (a *Author) Freeze() []byte {
	a.tb.Helper()
	return a.Sign(authority.Directive{Kind: authority.Freeze}, nil)
}

// Thaw lets first joins go on.
func (a *Author) Thaw() []byte {
	a.tb.Helper()
	return a.Sign(authority.Directive{Kind: authority.Thaw}, nil)
}

// Sign signs any directive with any document. Version, cluster, serial, previous
// and issue are those of the next directive where they are left out.
func (a *Author) Sign(d authority.Directive, attached []byte) []byte {
	a.tb.Helper()
	a.place(&d)
	encoded, err := d.Encode()
	a.check(err, "encoding a directive")
	signed := authority.SignedDirective{Directive: encoded, Signatures: sign(owner.DirectivePayload(encoded), a.signers()), Attached: attached}
	data, err := signed.Encode()
	a.check(err, "encoding a signed directive")
	s := a.said
	s.head, s.issued, s.all = authority.Head{Serial: d.Serial, Hash: a.hash(encoded, nil)}, d.Issued, append(s.all, data)
	return data
}

// place fills in what was left out.
func (a *Author) place(d *authority.Directive) {
	if d.Version == "" {
		d.Version = authority.Version
	}
	if d.Cluster == (keys.ClusterID{}) {
		d.Cluster = a.config.Cluster
	}
	if d.Serial == 0 {
		d.Serial = a.said.head.Serial + 1
	}
	if d.Previous.IsZero() {
		d.Previous = a.said.head.Hash
	}
	if d.Issued.IsZero() {
		d.Issued = a.now()
	}
}

func (a *Author) now() time.Time {
	if a.config.Now != nil {
		return a.config.Now().UTC().Truncate(time.Second)
	}
	if a.said.issued.IsZero() {
		return Start()
	}
	return a.said.issued.Add(time.Minute)
}

func (a *Author) hash(data []byte, err error) measurement.Digest {
	a.tb.Helper()
	a.check(err, "hashing")
	return measurement.Sum(measurement.SHA256, data)
}

func (a *Author) check(err error, doing string) {
	if err != nil {
		a.tb.Helper()
		a.tb.Fatalf("%s: %v", doing, err)
	}
}
