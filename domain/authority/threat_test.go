package authority_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// fold applies as many directives as hold and returns why it went no further.
func fold(a *authority.Authority, directives [][]byte) (*authority.Authority, error) {
	for _, d := range directives {
		next, err := a.Apply(d)
		if err != nil {
			return a, err
		}
		a = next
	}
	return a, nil
}

// A store that leaves out, changes the order or tells a story twice is found out,
// but for the end of the story.
func TestThreat30DroppedSwappedAndRepeatedDirectivesAreRefused(t *testing.T) {
	author := newAuthor(t)
	all := history(author)
	for i := range len(all) - 1 {
		dropped := slices.Delete(slices.Clone(all), i, i+1)
		swapped := slices.Clone(all)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		for name, tt := range map[string]struct {
			story  [][]byte
			reason authority.Reason
			until  uint64
		}{
			"dropped":             {dropped, authority.Gap, uint64(i)},
			"swapped":             {swapped, authority.Gap, uint64(i)},
			"repeated at once":    {slices.Insert(slices.Clone(all), i, all[i]), authority.Repeated, uint64(i + 1)},
			"repeated at the end": {append(slices.Clone(all), all[i]), authority.Rollback, uint64(len(all))},
		} {
			a, err := fold(author.Begin(), tt.story)
			if reasonOf(err) != tt.reason || a.Head().Serial != tt.until {
				t.Errorf("directive %d %s: %v after directive %d, want %q after %d", i+1, name, err, a.Head().Serial, tt.reason, tt.until)
			}
		}
	}
}

// What follows something else that the owner has said, or would have, does not
// follow what is known.
func TestThreat30DirectivesOfAnotherBranchAreRefused(t *testing.T) {
	author := newAuthor(t)
	a := apply(t, author.Begin(), author.Statement())
	branch := author.Fork()
	a = apply(t, a, author.Freeze())
	branch.Deny(machine("w1"), "stolen")
	for _, signed := range [][]byte{branch.Fork().Thaw(), branch.Fork().By("platform").Thaw(), branch.Fork().Statement()} {
		if next, err := a.Apply(signed); reasonOf(err) != authority.Forked || next != nil {
			t.Errorf("what follows another directive 2: %v", err)
		}
	}
}

// What was signed about another cluster, or by another owner, says nothing here.
func TestThreat30ForeignDirectivesAreRefused(t *testing.T) {
	here := newAuthor(t)
	elsewhere := authoritytest.New(t, authoritytest.Config{Seed: "test", Cluster: [32]byte{1}})
	stranger := authoritytest.New(t, authoritytest.Config{Seed: "stranger", Cluster: here.Cluster()})
	if here.Owner() != elsewhere.Owner() || here.Owner() == stranger.Owner() {
		t.Fatal("the fixture is not one owner with two clusters, and a stranger")
	}
	if _, err := here.Begin().Apply(elsewhere.Statement()); reasonOf(err) != authority.OtherCluster {
		t.Errorf("the owner's statement for another cluster: %v", err)
	}
	if _, err := here.Begin().Apply(stranger.Statement()); reasonOf(err) != authority.NotOwner {
		t.Errorf("another owner's statement for this cluster: %v", err)
	}
	a := apply(t, here.Begin(), here.Statement())
	if _, err := a.Apply(elsewhere.Freeze()); reasonOf(err) != authority.OtherCluster {
		t.Errorf("the owner's freeze of another cluster: %v", err)
	}
	moved := resigned(t, stranger.Freeze(), stranger, func(d *authority.Directive) { d.Previous = a.Head().Hash })
	if _, err := a.Apply(moved); reasonOf(err) != authority.NotDelegated {
		t.Errorf("another owner's freeze: %v", err)
	}
	// The owner's word about another cluster does not become one about this by
	// putting this cluster's name on the outside, or on the inside.
	foreign, _ := opened(t, elsewhere.Statement())
	mixed := resigned(t, here.Statement(), here, func(*authority.Directive) {})
	signed, _ := opened(t, mixed)
	signed.Attached = foreign.Attached
	if _, err := a.Apply(encoded(t, signed)); reasonOf(err) != authority.OtherCluster {
		t.Errorf("another cluster's statement in a directive of this one: %v", err)
	}
}

// Only who may say it is believed, and only whole.
func TestThreat30UnsignedDirectivesAreRefused(t *testing.T) {
	author := newAuthor(t)
	a := apply(t, author.Begin(), author.Statement())
	for _, say := range []func(*authoritytest.Author) []byte{
		func(w *authoritytest.Author) []byte { return w.Statement() },
		func(w *authoritytest.Author) []byte { return w.Policy() },
		func(w *authoritytest.Author) []byte { return w.JoinPolicy(*join.Default()) },
		func(w *authoritytest.Author) []byte { return w.Approve(machine("w1"), join.Worker) },
		func(w *authoritytest.Author) []byte { return w.Deny(machine("w1"), "stolen") },
		(*authoritytest.Author).Freeze,
		(*authoritytest.Author).Thaw,
	} {
		_, d := opened(t, say(author.Fork()))
		statement := d.Kind == authority.Statement
		for name, tt := range signers(author) {
			signed, _ := opened(t, say(author.Fork()))
			signed.Signatures = tt.sign(owner.DirectivePayload(signed.Directive))
			next, err := a.Apply(encoded(t, signed))
			want := tt.reason
			if statement && tt.forStatement != "" {
				want = tt.forStatement
			}
			if reasonOf(err) != want || (next == nil) != (want != "") {
				t.Errorf("%s by %s: %v, want %q", d.Kind, name, err, want)
			}
		}
	}
}

type signing struct {
	sign                 func(owner.Payload) []owner.Signature
	reason, forStatement authority.Reason
}

func signers(author *authoritytest.Author) map[string]signing {
	owners := author.OwnerKeys()
	platform, night, auditor, stranger := author.Key("platform"), author.Key("night-shift"), author.Key("auditor"), author.Key("stranger")
	by := authoritytest.Signatures
	other := owner.DirectivePayload([]byte("something else"))
	return map[string]signing{
		"two of the owner's keys":            {by(owners[0], owners[1]), "", ""},
		"all of the owner's keys":            {by(owners...), "", ""},
		"an administrator":                   {by(platform), "", authority.NotOwner},
		"nobody":                             {by(), authority.BadSignature, authority.BadSignature},
		"one of the owner's keys":            {by(owners[2]), authority.BadSignature, authority.BadSignature},
		"one of the owner's keys, twice":     {by(owners[0], owners[0]), authority.BadSignature, authority.BadSignature},
		"an administrator, twice":            {by(platform, platform), authority.BadSignature, authority.NotOwner},
		"two administrators":                 {by(platform, night), authority.BadSignature, authority.NotOwner},
		"an administrator and an owner":      {by(platform, owners[0]), authority.BadSignature, authority.NotOwner},
		"an administrator beside enough":     {by(platform, owners[0], owners[1]), authority.BadSignature, authority.NotOwner},
		"a reader":                           {by(auditor), authority.NotDelegated, authority.NotOwner},
		"a stranger":                         {by(stranger), authority.NotDelegated, authority.NotOwner},
		"a stranger beside enough":           {by(stranger, owners[0], owners[1]), authority.NotDelegated, authority.NotOwner},
		"a stranger beside an administrator": {by(stranger, platform), authority.NotDelegated, authority.NotOwner},
		"the owner, of something else":       {func(owner.Payload) []owner.Signature { return by(owners[0], owners[1])(other) }, authority.BadSignature, ""},
		"an administrator, of something else": {
			func(owner.Payload) []owner.Signature { return by(platform)(other) }, authority.BadSignature, authority.NotOwner,
		},
		"the ledger's key": {by(author.Key("ledger")), authority.NotDelegated, authority.NotOwner},
	}
}

// The document behind a signed directive cannot be exchanged.
func TestThreat30DirectivesComeWithTheirDocumentOnly(t *testing.T) {
	author := newAuthor(t)
	first, second, policy1, policy2 := author.Statement(), author.Statement(), author.Policy(), author.Policy()
	freeze := author.Freeze()
	attached := func(data []byte) []byte { s, _ := opened(t, data); return s.Attached }
	for name, tt := range map[string]struct {
		before   [][]byte
		with     []byte // the directive
		document []byte
		reason   authority.Reason
	}{
		"a later statement":               {nil, first, attached(second), authority.BadDocument},
		"an older statement":              {[][]byte{first}, second, attached(first), authority.Rollback},
		"no statement":                    {nil, first, nil, authority.BadDocument},
		"a policy for a statement":        {nil, first, attached(policy1), authority.BadDocument},
		"another policy":                  {[][]byte{first, second}, policy1, attached(policy2), authority.BadDocument},
		"no policy":                       {[][]byte{first, second}, policy1, nil, authority.BadDocument},
		"a statement for a policy":        {[][]byte{first, second}, policy1, attached(first), authority.BadDocument},
		"a policy with a byte behind":     {[][]byte{first, second}, policy1, append(slices.Clone(attached(policy1)), 0), authority.BadDocument},
		"a document where none should be": {[][]byte{first, second, policy1, policy2}, freeze, attached(policy1), authority.BadDocument},
	} {
		a := apply(t, author.Begin(), tt.before...)
		signed, _ := opened(t, tt.with)
		signed.Attached = tt.document
		if _, err := a.Apply(encoded(t, signed)); reasonOf(err) != tt.reason {
			t.Errorf("%s: %v, want %q", name, err, tt.reason)
		}
	}
}

// A document that the signers named by mistake is refused too.
func TestDirectivesNameTheirDocumentRightly(t *testing.T) {
	author := newAuthor(t)
	a := apply(t, author.Begin(), author.Statement())
	for name, tt := range map[string]struct {
		data   []byte
		change func(*authority.Directive)
	}{
		"statement's serial": {author.Fork().Statement(), func(d *authority.Directive) { d.Statement.Serial++ }},
		"statement's hash":   {author.Fork().Statement(), func(d *authority.Directive) { d.Statement.Hash = sha256Of("other") }},
		"policy's serial":    {author.Fork().Policy(), func(d *authority.Directive) { d.Policy.Serial++ }},
		"policy's hash":      {author.Fork().Policy(), func(d *authority.Directive) { d.Policy.Hash = sha256Of("other") }},
	} {
		if _, err := a.Apply(resigned(t, tt.data, author, tt.change)); reasonOf(err) != authority.BadDocument {
			t.Errorf("another %s: %v", name, err)
		}
		apply(t, a, resigned(t, tt.data, author, func(*authority.Directive) {}))
	}
}

// Nothing that is not signed changes anything: one flipped bit in what was signed
// is refused, or is in a part that says nothing new.
func TestThreat30AnyFlippedBitChangesNothing(t *testing.T) {
	author := newAuthor(t)
	all := history(author)
	var steps []*authority.Authority
	for i := range all {
		steps = append(steps, apply(t, author.Begin(), all[:i]...))
	}
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(all)-1).Draw(t, "directive")
		spoilt := slices.Clone(all[i])
		bit := rapid.IntRange(0, 8*len(spoilt)-1).Draw(t, "bit")
		spoilt[bit/8] ^= 1 << (bit % 8)
		if next, err := steps[i].Apply(spoilt); err == nil || next != nil || reasonOf(err)[0] == 'a' {
			t.Fatalf("bit %d of directive %d: %v", bit, i+1, err)
		}
	})
}

// However a store mixes what it has, what comes out is a beginning of what was
// said.
func TestThreat30AnyMixOfDirectivesFoldsToAPrefix(t *testing.T) {
	author := newAuthor(t)
	all := history(author)
	prefixes := map[uint64]string{}
	for i := range len(all) + 1 {
		prefixes[uint64(i)] = dump(t, apply(t, author.Begin(), all[:i]...))
	}
	pool := slices.Concat(all,
		history(authoritytest.New(t, authoritytest.Config{Seed: "test", Cluster: [32]byte{1}})),
		history(authoritytest.New(t, authoritytest.Config{Seed: "stranger", Cluster: author.Cluster()})))
	rapid.Check(t, func(rt *rapid.T) {
		a := author.Begin()
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(pool)-1), 0, 30).Draw(rt, "order") {
			if next, err := a.Apply(pool[i]); err == nil {
				a = next
			}
		}
		if got := dump(t, a); got != prefixes[a.Head().Serial] {
			rt.Fatalf("it is\n%s and not\n%s", got, prefixes[a.Head().Serial])
		}
	})
}
