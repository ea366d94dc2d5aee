package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

func TestVerifySound(t *testing.T) {
	for _, n := range []int{2, 3, 255, 256, 257, 511, 512, 700} {
		l, story := ledgertest.Filled(t, n), ledgertest.Story(n)
		a, next := l.Audit(), uint64(0)
		a.Visit = func(index uint64, e *ledger.Entry) {
			if index != next || e.Type != story[index].Type {
				t.Errorf("visited entry %d of type %s, want %d", index, e.Type, next)
			}
			next++
		}
		r := a.Verify(l)
		if !r.Sound() || r.Entries != uint64(n) || next != uint64(n) || r.Extra != nil || *r.Checkpoint != *l.Checkpoint() {
			t.Fatalf("%d entries: %+v", n, r)
		}
		want := map[ledger.Type]uint64{}
		for _, e := range story {
			want[e.Type]++
		}
		for _, c := range r.Counts {
			if c.Entries != want[c.Type] {
				t.Errorf("%d of type %s, want %d", c.Entries, c.Type, want[c.Type])
			}
		}
		if !r.From.Equal(ledgertest.Start()) || !r.To.Equal(l.Head.Time) {
			t.Errorf("from %v to %v", r.From, r.To)
		}
	}
}

// damage changes a file, which is there.
type damage func(data []byte) []byte

// damages returns what may happen to a file. Nil removes it.
func damages() map[string]damage {
	return map[string]damage{
		"first byte flipped": func(b []byte) []byte { b[0] ^= 1; return b },
		"last byte flipped":  func(b []byte) []byte { b[len(b)-1] ^= 0x80; return b },
		"cut in half":        func(b []byte) []byte { return b[:len(b)/2] },
		"cut by 32 bytes":    func(b []byte) []byte { return b[:len(b)-32] },
		"a byte more":        func(b []byte) []byte { return append(b, 0) },
		"emptied":            func([]byte) []byte { return []byte{} },
		"zeroed":             func(b []byte) []byte { return make([]byte, len(b)) },
		"removed":            func([]byte) []byte { return nil },
	}
}

// spoil returns a copy of files of which one is damaged.
func spoil(files map[string][]byte, path string, change damage) folder {
	spoilt := folder(maps.Clone(files))
	if data := change(bytes.Clone(files[path])); data != nil {
		spoilt[path] = data
	} else {
		delete(spoilt, path)
	}
	return spoilt
}

// tilePaths returns the paths of a ledger's files but its checkpoint, sorted.
func tilePaths(files map[string][]byte) []string {
	paths := slices.Sorted(maps.Keys(files))
	return slices.DeleteFunc(paths, func(p string) bool { return p == ledger.CheckpointPath })
}

// TestVerifyNamesTheDamagedFile damages each file of a ledger in turn, in every
// way. That file must be named, no other, and everything else must be verified.
func TestVerifyNamesTheDamagedFile(t *testing.T) {
	const size = 300
	l := ledgertest.Filled(t, size)
	for _, path := range tilePaths(l.Files) {
		for name, change := range damages() {
			spoilt := spoil(l.Files, path, change)
			a := l.Audit()
			a.Files = tilePaths(spoilt)
			wantNamed(t, path+" "+name, a.Verify(spoilt), path, size)
		}
	}
}

// wantNamed wants a report to name a file and no other, and all else verified.
func wantNamed(t *testing.T, name string, r *ledger.Report, path string, size uint64) {
	t.Helper()
	if !onlyIn(r, path) {
		t.Errorf("%s: %q", name, r.Problems)
	} else if err := wholeButFor(r, path, size); err != nil {
		t.Errorf("%s: %v: %q", name, err, r.Problems)
	}
}

// onlyIn says whether a report names a file and no other.
func onlyIn(r *ledger.Report, path string) bool {
	elsewhere := func(p ledger.Problem) bool { return p.Path != path }
	return len(r.Problems) > 0 && !slices.ContainsFunc(r.Problems, elsewhere)
}

// wholeButFor wants all entries verified but some of a damaged bundle, and the
// problem to name the entries that the file covers.
func wholeButFor(r *ledger.Report, path string, size uint64) error {
	tile, err := ledger.ParseTile(path)
	if err != nil {
		return err
	}
	first, end := tile.Range()
	p := r.Problems[0]
	if p.First < first || p.End > end || p.First >= p.End {
		return fmt.Errorf("entries %d to %d, the file covers %d to %d", p.First, p.End, first, end)
	}
	want := size
	if tile.IsBundle() {
		want -= p.End - p.First
	}
	if r.Entries != want {
		return fmt.Errorf("%d entries verified, want %d", r.Entries, want)
	}
	return nil
}

// TestVerifyNamesTheDamagedFileAmongThousands does the same with three levels of
// tiles, where the files at the edge and some of the others are damaged.
func TestVerifyNamesTheDamagedFileAmongThousands(t *testing.T) {
	const size = 70_000
	l := ledgertest.New()
	l.AppendRaw(t, raw(0, size)...)
	for i, path := range tilePaths(l.Files) {
		tile, err := ledger.ParseTile(path)
		if err != nil {
			t.Fatal(err)
		}
		if tile.Level < 1 && tile.IsFull() && i%100 != 0 {
			continue
		}
		for _, name := range []string{"first byte flipped", "removed"} {
			wantNamed(t, path+" "+name, l.Audit().VerifyFiles(spoil(l.Files, path, damages()[name])), path, size)
		}
	}
}

func TestVerifySaysWhatIsWrong(t *testing.T) {
	l := ledgertest.Filled(t, 600)
	for _, tt := range []struct {
		path string
		damage
		kind ledger.ProblemKind
		want string
	}{
		{"tile/0/000", damages()["first byte flipped"], ledger.Mismatch, "tile/0/000: entries 0 to 255: it does not lead to the root that was signed, and what lies below it does"},
		{"tile/0/001", damages()["cut in half"], ledger.Malformed, "tile/0/001: entries 256 to 511: not a tile: tile/0/001 has 4096 bytes, want 8192"},
		{"tile/1/000.p/2", damages()["removed"], ledger.Missing, "tile/1/000.p/2: entries 0 to 511: there is no such file"},
		{"tile/0/002.p/88", damages()["last byte flipped"], ledger.Mismatch, "tile/0/002.p/88: entries 512 to 599: it does not lead to the root that was signed, and what lies below it does"},
		{"tile/entries/001", damages()["last byte flipped"], ledger.Mismatch, "tile/entries/001: entry 511: it is not what was signed"},
		{"tile/entries/001", damages()["removed"], ledger.Missing, "tile/entries/001: entries 256 to 511: there is no such file"},
		{"tile/entries/002.p/88", damages()["emptied"], ledger.Malformed, "tile/entries/002.p/88: entries 512 to 599: not a tile: tile/entries/002.p/88 has 0 entries, want 88"},
		{"tile/entries/000", swapEntries, ledger.Mismatch, "tile/entries/000: entries 0 to 1: 2 of them are not what was signed"},
	} {
		r := l.Audit().Verify(spoil(l.Files, tt.path, tt.damage))
		if len(r.Problems) != 1 || r.Problems[0].Kind != tt.kind || r.Problems[0].String() != tt.want {
			t.Errorf("%s: %q", tt.path, r.Problems)
		}
	}
}

// swapEntries exchanges the first two entries of a bundle.
func swapEntries(b []byte) []byte {
	one := 2 + int(b[0])<<8 + int(b[1])
	two := one + 2 + int(b[one])<<8 + int(b[one+1])
	return slices.Concat(b[one:two], b[:one], b[two:])
}

// A partial tile stands where a full one is due: its other half was never copied.
func TestVerifyPartialForFull(t *testing.T) {
	l := ledgertest.Filled(t, 600)
	older := ledgertest.Filled(t, 200)
	for full, partial := range map[string]string{"tile/0/000": "tile/0/000.p/200", "tile/entries/000": "tile/entries/000.p/200"} {
		spoilt := spoil(l.Files, full, damages()["removed"])
		spoilt[partial] = older.Files[partial]
		a := l.Audit()
		a.Files = tilePaths(spoilt)
		r := a.Verify(spoilt)
		if len(r.Problems) != 1 || r.Problems[0].Path != full || r.Problems[0].Message != "there is no such file, only "+partial {
			t.Errorf("%s: %q", full, r.Problems)
		}
		spoilt[full] = older.Files[partial] // or under the name of the full one
		r = l.Audit().Verify(spoilt)
		if len(r.Problems) != 1 || r.Problems[0].Path != full || r.Problems[0].Kind != ledger.Malformed {
			t.Errorf("%s as %s: %q", partial, full, r.Problems)
		}
	}
}

// A partial file need not be there where a full one is, which is not all signed yet.
func TestVerifyFullForPartial(t *testing.T) {
	l, grown := ledgertest.Filled(t, 300), ledgertest.Filled(t, 600)
	files := folder(maps.Clone(grown.Files))
	files[ledger.CheckpointPath] = l.Files[ledger.CheckpointPath]
	a := grown.Audit()
	r := a.Verify(files)
	if len(r.Problems) != 1 || r.Problems[0].Path != "tile/1/000.p/1" {
		t.Errorf("without the upper partial tile: %q", r.Problems)
	}
	files["tile/1/000.p/1"] = l.Files["tile/1/000.p/1"]
	want := []string{"tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88"}
	if r = a.Verify(files); !r.Sound() || r.Entries != 300 || diff(want, r.Extra) != "" {
		t.Errorf("%q, extra %q", r.Problems, r.Extra)
	}
	files["tile/0/001"] = bytes.Clone(files["tile/0/001"])
	files["tile/0/001"][0]++
	if r = a.Verify(files); r.Sound() || r.Problems[0].Path != "tile/0/001.p/44" {
		t.Errorf("with a damaged full tile: %q", r.Problems)
	}
	files["tile/0/001"] = files["tile/0/001"][1:]
	if r = a.Verify(files); r.Sound() || r.Problems[0].Path != "tile/0/001.p/44" || r.Problems[0].Kind != ledger.Malformed {
		t.Errorf("with a full tile that was cut: %q", r.Problems)
	}
}

// Two files at once: both are named, and neither hides the other.
func TestVerifyDamagedTwice(t *testing.T) {
	l := ledgertest.New()
	l.AppendRaw(t, raw(0, 600)...)
	paths, flip := tilePaths(l.Files), damages()["first byte flipped"]
	for i, one := range paths {
		for _, two := range paths[i+1:] {
			r := l.Audit().VerifyFiles(spoil(spoil(l.Files, one, flip), two, flip))
			var named []string
			for _, p := range r.Problems {
				named = append(named, p.Path)
			}
			covers := strings.Replace(two, "tile/0/", "tile/entries/", 1) == one || strings.Replace(one, "tile/0/", "tile/entries/", 1) == two
			if !slices.Contains(named, one) && !slices.Contains(named, two) || !covers && (!slices.Contains(named, one) || !slices.Contains(named, two)) {
				t.Errorf("%s and %s: %q", one, two, r.Problems)
			}
		}
	}
}

// An upper tile and one below it: what was signed follows from the entries alone.
func TestVerifyRebuildsFromEntries(t *testing.T) {
	l := ledgertest.New()
	l.AppendRaw(t, raw(0, 70_000)...)
	flip, remove := damages()["first byte flipped"], damages()["removed"]
	for _, below := range []damage{flip, remove} {
		for _, upper := range []string{"tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"} {
			lower := map[string]string{"tile/1/000": "tile/0/007", "tile/1/001.p/17": "tile/0/260", "tile/2/000.p/1": "tile/1/000"}[upper]
			r := l.Audit().VerifyFiles(spoil(spoil(l.Files, upper, flip), lower, below))
			if len(r.Problems) != 2 || r.Problems[0].Path != upper || r.Problems[1].Path != lower || r.Entries != 70_000 {
				t.Errorf("%s and %s: %d entries, %q", upper, lower, r.Entries, r.Problems)
			}
		}
	}
}

// A tile of which nothing tells what it should have been: of those below it only
// the ones that contradict what lies below them are named.
func TestVerifyBelowALostTile(t *testing.T) {
	l := ledgertest.New()
	l.AppendRaw(t, raw(0, 70_000)...)
	flip, files := damages()["first byte flipped"], folder(l.Files)
	want := []string{"tile/1/000", "tile/0/009", "tile/entries/009"}
	for _, path := range want {
		files = spoil(files, path, flip)
	}
	files["tile/0/009.p/3"] = l.Files["tile/0/009"][:96] // cannot be held against anything
	a := l.Audit()
	a.Files = tilePaths(files)
	r := a.VerifyFiles(files)
	var named []string
	for _, p := range r.Problems {
		named = append(named, p.Path)
	}
	if diff(want, named) != "" || r.Entries != 70_000-65_536 {
		t.Errorf("%d entries, %q", r.Entries, r.Problems)
	}
	a.Known = &ledger.Checkpoint{Origin: origin(), Head: merkle.Head{Size: 300}}
	if r = a.Verify(files); len(r.Problems) == 0 || r.Problems[0].Kind != ledger.Untrusted {
		t.Errorf("%q", r.Problems[:1])
	}
}

// Somebody who cannot sign rewrote the ledger from one entry on: all its files
// agree with each other, and none with the checkpoint.
func TestVerifyRewrittenHistory(t *testing.T) {
	for _, n := range []int{3, 256, 600} {
		l, rewritten := ledgertest.Filled(t, n), ledgertest.New()
		story := ledgertest.Story(n)
		story[2] = ledgertest.IntentEntry(666, 1)
		rewritten.Append(t, story...)
		files := folder(maps.Clone(rewritten.Files))
		files[ledger.CheckpointPath] = l.Files[ledger.CheckpointPath]
		r := l.Audit().Verify(files)
		if len(r.Problems) != 1 || r.Problems[0].Kind != ledger.Mismatch || r.Entries != 0 {
			t.Fatalf("%d entries: %d verified, %q", n, r.Entries, r.Problems)
		}
		if !strings.Contains(r.Problems[0].Message, rewritten.Checkpoint().Head.Root.String()) {
			t.Errorf("%d entries: %s", n, r.Problems[0].Message)
		}
	}
}

// A bundle and its hashes were rewritten, and nothing above.
func TestVerifyRewrittenTile(t *testing.T) {
	l, rewritten := ledgertest.Filled(t, 600), ledgertest.New()
	story := ledgertest.Story(600)
	story[2] = ledgertest.IntentEntry(666, 1)
	for batch := range slices.Chunk(story, 100) {
		rewritten.Append(t, batch...)
	}
	files := folder(maps.Clone(l.Files))
	files["tile/0/000"], files["tile/entries/000"] = rewritten.Files["tile/0/000"], rewritten.Files["tile/entries/000"]
	r := l.Audit().Verify(files)
	if len(r.Problems) != 1 || r.Problems[0].Path != "tile/0/000" || r.Entries != 600-256 ||
		r.Problems[0].Message != "it does not lead to the root that was signed, and neither does what lies below it" {
		t.Errorf("%d entries, %q", r.Entries, r.Problems)
	}
}

func TestVerifyCheckpoint(t *testing.T) {
	l := ledgertest.Filled(t, 10)
	other := l.Clone()
	other.Cluster = keys.ClusterID{1}
	for name, tt := range map[string]struct {
		note []byte
		kind ledger.ProblemKind
	}{
		"missing":            {nil, ledger.Missing},
		"empty":              {[]byte{}, ledger.Untrusted},
		"of another key":     {l.SignAs(t, l.Head.Tree(), ledgertest.Signer("other")), ledger.Untrusted},
		"of another cluster": {other.SignAs(t, l.Head.Tree(), ledgertest.Key()), ledger.Untrusted},
	} {
		files := spoil(l.Files, ledger.CheckpointPath, func([]byte) []byte { return tt.note })
		r := l.Audit().Verify(files)
		if len(r.Problems) != 1 || r.Problems[0].Kind != tt.kind || r.Problems[0].Path != ledger.CheckpointPath || r.Checkpoint != nil || r.Entries != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	a := l.Audit()
	a.Witnesses, a.Need = witnesses("alice"), 1
	if r := a.Verify(l); r.Sound() || r.Problems[0].Kind != ledger.Untrusted {
		t.Errorf("without a witness: %q", r.Problems)
	}
	l.Files[ledger.CheckpointPath] = cosignAs(t, l.Files[ledger.CheckpointPath], "example.com/alice", "alice")
	if r := a.Verify(l); !r.Sound() {
		t.Errorf("with a witness: %q", r.Problems)
	}
}

func TestVerifyEmptyLedger(t *testing.T) {
	l := ledgertest.New()
	l.Files[ledger.CheckpointPath] = l.SignAs(t, l.Head.Tree(), ledgertest.Key())
	if r := l.Audit().Verify(l); len(r.Problems) != 1 || r.Problems[0].Kind != ledger.BadHistory {
		t.Errorf("%q", r.Problems)
	}
}

// A large ledger of which nothing is there must not take long, nor fill memory.
func TestVerifyOfNothing(t *testing.T) {
	l := ledgertest.New()
	for _, size := range []uint64{1 << 20, ledger.MaxSize, 1 << 52} {
		l.Files[ledger.CheckpointPath] = l.SignAs(t, merkle.Head{Size: size}, ledgertest.Key())
		r := l.Audit().Verify(l)
		if r.Sound() || r.Problems[0].Kind != ledger.Missing || len(r.Problems) > 7 {
			t.Errorf("%d entries: %q", size, r.Problems)
		}
	}
}

func TestVerifyBoundsProblems(t *testing.T) {
	l := ledgertest.New()
	l.AppendRaw(t, raw(0, 300)...)
	r := l.Audit().Verify(l)
	if len(r.Problems) != ledger.MaxProblems || r.Omitted != 300-ledger.MaxProblems || r.Problems[0].Kind != ledger.BadEntry || r.Entries != 0 {
		t.Errorf("%d problems, %d omitted, %d entries", len(r.Problems), r.Omitted, r.Entries)
	}
	a := l.Audit()
	a.Known = &ledger.Checkpoint{Origin: origin(), Head: merkle.Head{Size: 301}}
	r = a.Verify(l)
	if len(r.Problems) != ledger.MaxProblems || r.Omitted != 301-ledger.MaxProblems || r.Problems[0].Kind != ledger.RolledBack {
		t.Errorf("%d problems, %d omitted, first %q", len(r.Problems), r.Omitted, r.Problems[0].Kind)
	}
}

// What is left of older and newer sizes must agree with what was signed.
func TestVerifyLeftovers(t *testing.T) {
	l, older := ledgertest.Filled(t, 600), ledgertest.Filled(t, 200)
	forked := ledgertest.New()
	story := ledgertest.Story(200)
	story[150] = ledgertest.OtherKeysEntry(9)
	forked.Append(t, story[:100]...)
	forked.Append(t, story[100:]...)
	files := folder(maps.Clone(l.Files))
	check := func(name string, problems, extra []string) {
		t.Helper()
		a := l.Audit()
		a.Files = tilePaths(files)
		r := a.Verify(files)
		var named []string
		for _, p := range r.Problems {
			named = append(named, p.Path)
		}
		if diff(problems, named) != "" || diff(extra, r.Extra) != "" || r.Entries != 600 {
			t.Errorf("%s: %q, extra %q", name, r.Problems, r.Extra)
		}
	}
	for _, path := range []string{"tile/0/000.p/200", "tile/entries/000.p/200"} {
		files[path] = older.Files[path]
		check("of an older size: "+path, nil, nil)
		files[path] = forked.Files[path]
		check("of another ledger: "+path, []string{path}, nil)
		files[path] = older.Files[path][1:]
		check("cut: "+path, []string{path}, nil)
		delete(files, path)
	}
	for _, path := range []string{"tile/0/003", "tile/2/000.p/1", "tile/7/000", "tile/readme", "tile/entries/003.p/1"} {
		files[path] = []byte("x")
		check("of nothing: "+path, nil, []string{path})
		delete(files, path)
	}
}

// unreadable fails for one path.
type unreadable struct {
	folder
	path string
}

func (u unreadable) Tile(path string) ([]byte, error) {
	if path == u.path {
		return nil, errors.New("input/output error")
	}
	return u.folder.Tile(path)
}

func TestVerifyUnreadableFile(t *testing.T) {
	l := ledgertest.Filled(t, 260)
	for _, path := range append(tilePaths(l.Files), ledger.CheckpointPath) {
		r := l.Audit().Verify(unreadable{l.Files, path})
		if !onlyIn(r, path) || !strings.Contains(r.Problems[0].Message, "input/output error") {
			t.Errorf("%s: %q", path, r.Problems)
		}
	}
}
