package governing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/governing"
)

func serial(n int) string { return fmt.Sprintf("%020d", n) }

func unavailable(at memstore.Moment, _ *memstore.Call) error {
	if at == memstore.Before {
		return ports.ErrStoreUnavailable
	}
	return nil
}

// hostile is a store that answers as it likes.
type hostile struct {
	ports.Store
	key  ports.Key // that get is about; zero: all
	get  func(*ports.Item, error) (*ports.Item, error)
	list func(*ports.Listing)
}

// Get implements ports.Store.
func (h *hostile) Get(ctx context.Context, key ports.Key) (*ports.Item, error) {
	item, err := h.Store.Get(ctx, key)
	if h.get == nil || h.key != (ports.Key{}) && h.key != key {
		return item, err
	}
	return h.get(item, err)
}

// List implements ports.Store.
func (h *hostile) List(ctx context.Context, c ports.Collection, after string, limit int) (*ports.Listing, error) {
	l, err := h.Store.List(ctx, c, after, limit)
	if err == nil && h.list != nil {
		h.list(l)
	}
	return l, err
}

// Where nothing is new, loading costs one Get; else it reads what is new.
func TestLoadReadsWhatIsNew(t *testing.T) {
	w := newWorld(t)
	writer := w.governor()
	var calls []string
	count := func(at memstore.Moment, c *memstore.Call) error {
		if at == memstore.Before {
			calls = append(calls, fmt.Sprintf("%s %s", c.Method, c.Key))
		}
		return nil
	}
	reader := w.governor(over(w.store.Client(count)))
	head := "get heads/authority"
	for _, step := range []struct {
		say  func() []byte
		want []string
	}{
		{nil, []string{head}},
		{func() []byte { return w.author.Statement() }, []string{head, "list directives/" + serial(0)}},
		{nil, []string{head}},
		{w.author.Freeze, []string{head, "list directives/" + serial(1)}},
		{nil, []string{head}},
	} {
		if step.say != nil {
			w.submit(writer, step.say())
		}
		calls = nil
		w.load(reader)
		if !slices.Equal(calls, step.want) {
			t.Errorf("after directive %d: %q, want %q", w.author.Head().Serial, calls, step.want)
		}
	}
}

// A long chain is read in pages.
func TestLoadReadsPages(t *testing.T) {
	w := newWorld(t)
	g := w.governor(func(c *governing.Config) { c.Now = func() time.Time { return now().Add(24 * time.Hour) } })
	w.submit(g, w.author.Statement())
	for i := range 100 {
		w.submit(g, w.author.By("platform").Deny(machine(fmt.Sprint(i)), ""))
	}
	a := w.load(w.governor())
	if a.Head() != w.author.Head() || len(a.Standing().Denials) != 100 {
		t.Errorf("%v, %d denials", a.Head(), len(a.Standing().Denials))
	}
}

func TestLoadSaysWhatFails(t *testing.T) {
	w := newWorld(t)
	w.submit(w.governor(), w.author.Statement())
	for number := range uint64(2) {
		client := w.store.Client(memstore.FailAt(memstore.Before, number+1, ports.ErrStoreUnavailable))
		g := w.governor(over(client))
		if a, revision, err := g.Load(t.Context()); !errors.Is(err, ports.ErrStoreUnavailable) || a != nil || revision != 0 {
			t.Errorf("call %d fails: %v at %d, %v", number+1, a, revision, err)
		}
		w.load(g)
		for _, ask := range []func() error{
			func() error {
				_, err := w.governor(over(w.store.Client(unavailable))).Submit(t.Context(), nil)
				return err
			},
			func() error {
				_, err := w.governor(over(w.store.Client(unavailable))).Next(t.Context(), authority.Directive{})
				return err
			},
		} {
			if err := ask(); !errors.Is(err, ports.ErrStoreUnavailable) {
				t.Errorf("%v", err)
			}
		}
	}
}

// deed is what a hostile store does, and what it is called by who has seen nothing
// and by who has seen everything up to directive 4.
type deed struct {
	store       func(w *world) *hostile
	fresh, seen error
	reason      authority.Reason
}

func onHead(change func(*ports.Item)) func(*world) *hostile {
	return func(w *world) *hostile {
		return &hostile{Store: w.store, key: governing.HeadKey(), get: func(i *ports.Item, err error) (*ports.Item, error) {
			change(i)
			return i, err
		}}
	}
}

func onList(change func(w *world, l *ports.Listing)) func(*world) *hostile {
	return func(w *world) *hostile {
		return &hostile{Store: w.store, list: func(l *ports.Listing) { change(w, l) }}
	}
}

// replace puts something else in the place of the directive with that serial.
func replace(n uint64, value func(w *world, old []byte) []byte) func(*world) *hostile {
	return onList(func(w *world, l *ports.Listing) {
		for _, item := range l.Items {
			if item.Key == governing.DirectiveKey(n) {
				item.Value = value(w, item.Value)
			}
		}
	})
}

func drop(n uint64) func(*world) *hostile {
	return onList(func(_ *world, l *ports.Listing) {
		l.Items = slices.DeleteFunc(l.Items, func(i *ports.Item) bool { return i.Key == governing.DirectiveKey(n) })
	})
}

func deeds() map[string]deed {
	rolled, stored := governing.ErrRolledBack, governing.ErrStored
	headOf := func(n int) func(*world) *hostile { // and all that is behind is gone
		return func(w *world) *hostile {
			return &hostile{Store: w.store, key: governing.HeadKey(), get: func(i *ports.Item, err error) (*ports.Item, error) {
				a := w.author.Begin()
				for _, d := range w.author.All()[:n] {
					next, err := a.Apply(d)
					if err != nil {
						return nil, err
					}
					a = next
				}
				i.Value = w.encode(a.Head())
				return i, err
			}}
		}
	}
	return map[string]deed{
		"no head": {func(w *world) *hostile {
			return &hostile{Store: w.store, key: governing.HeadKey(), get: func(*ports.Item, error) (*ports.Item, error) { return nil, ports.ErrNoItem }}
		}, nil, rolled, ""},
		"yesterday's head":       {headOf(3), nil, rolled, ""},
		"a head that is no head": {onHead(func(i *ports.Item) { i.Value = []byte("{}") }), stored, stored, ""},
		"another head": {onHead(func(i *ports.Item) {
			i.Value = bytes.Replace(i.Value, []byte(`"hash":"`), []byte(`"hash":"0`), 1)[:len(i.Value)]
		}), stored, stored, ""},
		"a head without its end":        {drop(6), stored, stored, ""},
		"one in the middle less":        {drop(5), stored, stored, ""},
		"the first less":                {drop(1), stored, nil, ""},
		"nothing behind the head":       {onList(func(_ *world, l *ports.Listing) { l.Items = nil }), stored, stored, ""},
		"an unsigned one":               {replace(5, unsigned), stored, stored, authority.BadSignature},
		"one by a stranger":             {replace(5, strangers), stored, stored, authority.NotDelegated},
		"an older one":                  {replace(5, func(w *world, _ []byte) []byte { return w.author.All()[1] }), stored, stored, authority.Rollback},
		"the same one twice":            {replace(5, func(w *world, _ []byte) []byte { return w.author.All()[3] }), stored, stored, authority.Repeated},
		"a later one":                   {replace(5, func(w *world, _ []byte) []byte { return w.author.All()[5] }), stored, stored, authority.Gap},
		"something behind it":           {replace(5, func(_ *world, old []byte) []byte { return append(slices.Clone(old), 0) }), stored, stored, authority.Malformed},
		"of another cluster":            {replace(5, elsewhere), stored, stored, authority.OtherCluster},
		"the owner's, of another chain": {replace(6, func(w *world, _ []byte) []byte { return w.twin() }), stored, stored, ""},
		"one under another name": {onList(func(_ *world, l *ports.Listing) {
			l.Items[0].Key.Name = serial(99)
		}), stored, stored, ""},
		"more than asked for": {onList(func(w *world, l *ports.Listing) {
			next := w.author.Fork()
			l.Items = append(l.Items, &ports.Item{Key: governing.DirectiveKey(7), Value: next.Freeze(), Revision: 1})
		}), stored, stored, ""},
	}
}

// twin returns another directive 6 that the owner signed.
func (w *world) twin() []byte {
	w.Helper()
	s, err := authority.DecodeSigned(w.author.All()[5])
	if err != nil {
		w.Fatal(err)
	}
	d, err := authority.DecodeDirective(s.Directive)
	if err != nil {
		w.Fatal(err)
	}
	d.Comment = "another one"
	return w.author.Fork().Sign(*d, nil)
}

func unsigned(w *world, old []byte) []byte {
	s, err := authority.DecodeSigned(old)
	if err != nil {
		w.Fatal(err)
	}
	s.Signatures = nil
	return w.encode(s)
}

func strangers(w *world, old []byte) []byte {
	s, err := authority.DecodeSigned(old)
	if err != nil {
		w.Fatal(err)
	}
	d, err := authority.DecodeDirective(s.Directive)
	if err != nil {
		w.Fatal(err)
	}
	return w.author.Fork().By("stranger").Sign(*d, nil)
}

func elsewhere(w *world, _ []byte) []byte {
	return history(authoritytest.New(w, authoritytest.Config{Seed: "governing", Cluster: [32]byte{1}}))[4]
}

// A store that shows something else than what the owner has said is found out, and
// leads to no authority at all; what was seen before stays what it was.
func TestThreat30HostileStores(t *testing.T) {
	for name, tt := range deeds() {
		w := newWorld(t)
		all := say(w.author, 6)
		w.submit(w.governor(), all[:4]...)
		fourth := w.store.Copy()
		w.submit(w.governor(), all[4:]...)
		for who, want := range map[string]error{"fresh": tt.fresh, "seen": tt.seen} {
			switcher := &hostile{Store: w.store}
			g := w.governor(over(switcher))
			if who == "seen" {
				switcher.Store = fourth
				if head := w.load(g).Head(); head.Serial != 4 {
					t.Fatalf("%s: %v was seen", name, head)
				}
			}
			*switcher = *tt.store(w)
			a, revision, err := g.Load(t.Context())
			switch {
			case want == nil && err != nil, want != nil && (!errors.Is(err, want) || a != nil || revision != 0):
				t.Errorf("%s, %s: %v at %d, %v", name, who, a, revision, err)
			case want != nil && tt.reason != "" && reasonOf(err) != tt.reason:
				t.Errorf("%s, %s: %v", name, who, err)
			}
			*switcher = hostile{Store: w.store}
			if head := w.load(g).Head(); head != w.author.Head() {
				t.Errorf("%s, %s: then %v", name, who, head)
			}
		}
	}
}

// What a node knew when it was last up counts.
func TestThreat30KnownHeadIsNeverForgotten(t *testing.T) {
	w := newWorld(t)
	all := history(w.author)
	w.submit(w.governor(), all[:6]...)
	sixth := w.store.Copy()
	heads := map[uint64]authority.Head{}
	a := w.author.Begin()
	for _, d := range all {
		next, err := a.Apply(d)
		if err != nil {
			t.Fatal(err)
		}
		a = next
		heads[a.Head().Serial] = a.Head()
	}
	for name, tt := range map[string]struct {
		known authority.Head
		want  error
	}{
		"nothing":                    {authority.Head{}, nil},
		"the first":                  {heads[1], nil},
		"the newest":                 {heads[6], nil},
		"a later one":                {heads[7], governing.ErrRolledBack},
		"another newest":             {authority.Head{Serial: 6, Hash: sha256Of("another")}, governing.ErrRolledBack},
		"another one in the middle":  {authority.Head{Serial: 4, Hash: sha256Of("another")}, governing.ErrRolledBack},
		"another one with no future": {authority.Head{Serial: 1, Hash: heads[2].Hash}, governing.ErrRolledBack},
	} {
		g := w.governor(func(c *governing.Config) { c.Store, c.Known = sixth.Copy(), tt.known })
		if _, _, err := g.Load(t.Context()); !errors.Is(err, tt.want) {
			t.Errorf("%s is known: %v", name, err)
		}
		if _, err := g.Submit(t.Context(), all[5]); !errors.Is(err, tt.want) {
			t.Errorf("%s is known, and one is submitted again: %v", name, err)
		}
	}
}

// branches are two stores that each tell a true story of two directives, and
// another one.
func branches(t *testing.T) (one, two *world) {
	t.Helper()
	one, two = newWorld(t), newWorld(t)
	statement := one.author.Statement()
	two.author.Statement()
	one.submit(one.governor(), statement, one.author.Freeze())
	two.submit(two.governor(), statement, two.author.Deny(machine("w1"), "stolen"))
	return one, two
}

// Two stories are not believed both, wherever the second one ends.
func TestThreat30TwoStoriesOfOneSerial(t *testing.T) {
	one, two := branches(t)
	both := &hostile{Store: one.store}
	g := one.governor(over(both))
	one.load(g)
	both.Store = two.store
	if a, _, err := g.Load(t.Context()); a != nil || !errors.Is(err, governing.ErrRolledBack) {
		t.Errorf("the same length: %v, %v", a, err)
	}
	two.submit(two.governor(), two.author.Freeze())
	if a, _, err := g.Load(t.Context()); a != nil || !errors.Is(err, governing.ErrStored) || reasonOf(err) != authority.Forked {
		t.Errorf("a longer one: %v, %v", a, err)
	}
}

// Nor are they when they are told at the same time to two callers.
func TestThreat30TwoStoriesAtOnce(t *testing.T) {
	one, two := branches(t)
	both := &hostile{Store: one.store}
	g := one.governor(over(both))
	both.list = func(*ports.Listing) {
		both.list, both.Store = nil, two.store
		two.load(g)
	}
	if a, _, err := g.Load(t.Context()); a != nil || !errors.Is(err, governing.ErrRolledBack) {
		t.Errorf("%v, %v", a, err)
	}
}

// Of two that load at the same time, the one that is slower gets what the other
// found, not what was true before.
func TestLoadNeverGoesBack(t *testing.T) {
	w := newWorld(t)
	w.submit(w.governor(), w.author.Statement())
	store := &hostile{Store: w.store}
	g := w.governor(over(store))
	store.list = func(*ports.Listing) {
		store.list = nil
		w.submit(g, w.author.Freeze())
	}
	if a, revision, err := g.Load(t.Context()); err != nil || a.Head() != w.author.Head() || revision != w.store.Revision() {
		t.Errorf("%v at %d, %v", a.Head(), revision, err)
	}
}

func TestNextRefusesWhatIsNotADirective(t *testing.T) {
	w := newWorld(t)
	g := w.governor()
	var invalid *authority.InvalidDirectiveError
	if _, err := g.Next(t.Context(), authority.Directive{Kind: authority.Freeze}); !errors.As(err, &invalid) {
		t.Errorf("a freeze before everything: %v", err)
	}
	w.submit(g, w.author.Statement())
	if _, err := g.Next(t.Context(), authority.Directive{Kind: authority.Deny}); !errors.As(err, &invalid) {
		t.Errorf("a denial of nobody: %v", err)
	}
}
