package authority

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
)

func node(t testing.TB, i int) join.Identity {
	t.Helper()
	id, err := join.ParseIdentity(fmt.Sprintf("instance:%s:i-%d", evidence.QEMUSNP, i))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Words are what a map would be, and older words stay what they were.
func TestWordsAreAMap(t *testing.T) {
	var nodes []join.Identity
	for i := range 40 {
		nodes = append(nodes, node(t, i))
	}
	rapid.Check(t, func(t *rapid.T) {
		model := map[join.Identity]uint64{}
		var w *words
		var all []*words
		var sizes []int
		for serial, i := range rapid.SliceOfN(rapid.IntRange(0, len(nodes)-1), 0, 100).Draw(t, "nodes") {
			all, sizes = append(all, w), append(sizes, len(model))
			w = w.with(word{node: nodes[i], denial: &join.Denial{Serial: uint64(serial)}})
			model[nodes[i]] = uint64(serial)
		}
		for _, n := range nodes {
			want, found := model[n]
			got := w.of(n)
			if got.node != n || (got.denial != nil) != found || found && got.denial.Serial != want {
				t.Fatalf("%v: %+v, want %d", n, got, want)
			}
		}
		for i, older := range append(all, w) {
			n := 0
			older.each(func(word) { n++ })
			if want := append(sizes, len(model))[i]; n != want {
				t.Fatalf("after %d words there are %d, want %d", i, n, want)
			}
		}
	})
}

// Nobody makes a path long by choosing names: it is as long as that of random
// ones.
func TestWordsStayShallow(t *testing.T) {
	var w *words
	const n = 10_000
	for i := range n {
		w = w.with(word{node: node(t, i)})
	}
	if depth := depthOf(w); depth > 40 {
		t.Errorf("%d machines make a tree of depth %d", n, depth)
	}
}

func depthOf(w *words) int {
	if w == nil {
		return 0
	}
	return 1 + max(depthOf(w.left), depthOf(w.right))
}
