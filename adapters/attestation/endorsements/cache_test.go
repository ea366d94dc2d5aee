package endorsements_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/endorsements"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
)

func TestContract(t *testing.T) {
	porttest.TestEndorsementCache(t, func(t *testing.T) func(*testing.T) ports.EndorsementCache {
		t.Helper()
		s := &store{folder: filepath.Join(t.TempDir(), "cache")}
		return func(t *testing.T) ports.EndorsementCache {
			t.Helper()
			return s.open(t)
		}
	})
}

// store is a folder that tests open again and again.
type store struct {
	folder string
	cache  *endorsements.Cache
}

func newStore(t testing.TB) *store {
	t.Helper()
	return &store{folder: t.TempDir()}
}

// open closes the cache that has the folder before it opens another.
func (s *store) open(t testing.TB) *endorsements.Cache {
	t.Helper()
	s.close(t)
	c, err := endorsements.Open(s.folder, endorsements.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	s.cache = c
	return c
}

func (s *store) close(t testing.TB) {
	t.Helper()
	if s.cache == nil {
		return
	}
	if err := s.cache.Close(); err != nil {
		t.Fatal(err)
	}
	s.cache = nil
}

// clock is that of the tests, half a year after the first list.
func clock() time.Time { return time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC) }

func list(number uint64) *ports.CachedEndorsement {
	day := time.Date(2026, 1, 1, 0, 0, int(number), 0, time.UTC)
	return &ports.CachedEndorsement{
		ID:     ports.EndorsementID{Kind: policy.RevocationList, Subject: "CRL of 01"},
		Number: number, Issued: day, Expires: day.AddDate(0, 1, 0), Data: []byte("list"),
	}
}

func put(t testing.TB, c *endorsements.Cache, e *ports.CachedEndorsement) {
	t.Helper()
	if err := c.Put(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// files returns the files of the folder that match.
func files(t testing.TB, folder, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// damage flips one bit of the file.
func damage(t testing.TB, path string, at int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[at%len(data)] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestThreat22DamagedEndorsement: whoever damages a list has it fetched again, and
// cannot put an older one in its place.
func TestThreat22DamagedEndorsement(t *testing.T) {
	s := newStore(t)
	put(t, s.open(t), list(7))
	file := files(t, s.folder, "*.endorsement")[0]
	size := len(must(os.ReadFile(file))(t))
	for at := range size {
		damage(t, file, at)
		c := s.open(t)
		if _, err := c.Get(t.Context(), list(7).ID); !errors.Is(err, ports.ErrLost) || errors.Is(err, ports.ErrNotCached) {
			t.Fatalf("byte %d damaged: %v, want ErrLost", at, err)
		}
		if err := c.Put(t.Context(), list(6)); !errors.Is(err, ports.ErrOlder) {
			t.Fatalf("byte %d damaged, then an older list: %v, want ErrOlder", at, err)
		}
		if floor, err := c.Floor(t.Context()); err != nil || !floor.Equal(list(7).Issued) {
			t.Fatalf("byte %d damaged: the floor is %v (%v)", at, floor, err)
		}
		damage(t, file, at)
	}
	damage(t, file, 100)
	c := s.open(t)
	put(t, c, list(7))
	if _, err := s.open(t).Get(t.Context(), list(7).ID); err != nil {
		t.Errorf("the same list, put again, does not mend the file: %v", err)
	}
}

// TestThreat22OlderFile: an intact file of yesterday is not taken for today's.
func TestThreat22OlderFile(t *testing.T) {
	s := newStore(t)
	c := s.open(t)
	put(t, c, list(6))
	file := files(t, s.folder, "*.endorsement")[0]
	yesterday := must(os.ReadFile(file))(t)
	put(t, c, list(7))
	if err := os.WriteFile(file, yesterday, 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err := s.open(t).Get(t.Context(), list(7).ID); !errors.Is(err, ports.ErrLost) || errors.Is(err, ports.ErrNotCached) {
		t.Errorf("got %+v (%v), want ErrLost", e, err)
	}
}

// TestThreat22OtherFile: a list of one issuer is not taken for another's.
func TestThreat22OtherFile(t *testing.T) {
	s := newStore(t)
	c := s.open(t)
	put(t, c, list(6))
	first := files(t, s.folder, "*.endorsement")[0]
	other := list(6)
	other.ID.Subject = "CRL of 02"
	put(t, c, other)
	for _, file := range files(t, s.folder, "*.endorsement") {
		if file != first {
			if err := os.WriteFile(file, must(os.ReadFile(first))(t), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if e, err := s.open(t).Get(t.Context(), other.ID); !errors.Is(err, ports.ErrLost) || errors.Is(err, ports.ErrNotCached) {
		t.Errorf("got %+v (%v), want ErrLost", e, err)
	}
}

func TestDamagedIndex(t *testing.T) {
	s := newStore(t)
	put(t, s.open(t), list(7))
	copies := files(t, s.folder, "index-*")
	if len(copies) != 2 {
		t.Fatalf("the index has the copies %v", copies)
	}
	for _, file := range copies {
		damage(t, file, 90)
		if err := s.open(t).Put(t.Context(), list(6)); !errors.Is(err, ports.ErrOlder) {
			t.Errorf("%s damaged: %v, want ErrOlder", filepath.Base(file), err)
		}
	}
	s.close(t)
	damage(t, copies[0], 90)
	damage(t, copies[1], 90)
	if _, err := endorsements.Open(s.folder); !errors.Is(err, endorsements.ErrDamaged) {
		t.Errorf("both damaged: %v, want ErrDamaged", err)
	}
	for _, file := range copies {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := endorsements.Open(s.folder); !errors.Is(err, endorsements.ErrDamaged) {
		t.Errorf("both gone: %v, want ErrDamaged", err)
	}
}

// TestForgotten: a folder that is deleted takes with it what was in it, and only
// what a program knows from elsewhere remains.
func TestForgotten(t *testing.T) {
	s := newStore(t)
	put(t, s.open(t), list(7))
	s.close(t)
	if err := os.RemoveAll(s.folder); err != nil {
		t.Fatal(err)
	}
	c := s.open(t)
	if floor, err := c.Floor(t.Context()); err != nil || !floor.IsZero() {
		t.Errorf("the floor is %v (%v)", floor, err)
	}
	put(t, c, list(6))
}

func TestBounds(t *testing.T) {
	c := newStore(t).open(t)
	change := map[string]func(*ports.CachedEndorsement){
		"no kind":         func(e *ports.CachedEndorsement) { e.ID.Kind = "" },
		"no subject":      func(e *ports.CachedEndorsement) { e.ID.Subject = "" },
		"long subject":    func(e *ports.CachedEndorsement) { e.ID.Subject = strings.Repeat("s", 257) },
		"no data":         func(e *ports.CachedEndorsement) { e.Data = nil },
		"too much data":   func(e *ports.CachedEndorsement) { e.Data = make([]byte, ports.MaxEndorsementSize+1) },
		"no date":         func(e *ports.CachedEndorsement) { e.Issued = time.Time{} },
		"never was valid": func(e *ports.CachedEndorsement) { e.Expires = e.Issued.Add(-time.Second) },
	}
	for name, f := range change {
		e := list(1)
		f(e)
		if err := c.Put(t.Context(), e); !errors.Is(err, endorsements.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

func TestFull(t *testing.T) {
	c := newStore(t).open(t)
	e := list(1)
	for i := range endorsements.MaxEndorsements {
		e.ID.Subject = "CRL of " + strconv.Itoa(i)
		put(t, c, e)
	}
	e.ID.Subject = "one more"
	if err := c.Put(t.Context(), e); !errors.Is(err, endorsements.ErrFull) {
		t.Errorf("one more: %v, want ErrFull", err)
	}
	e = list(2)
	e.ID.Subject = "CRL of 0"
	put(t, c, e)
}

// TestKilled kills a process that puts list after list, and opens what it leaves:
// nothing that it said was kept is gone, and nothing half written is there.
func TestKilled(t *testing.T) {
	s := newStore(t)
	if os.Getenv("ASTERISM_TEST_FOLDER") != "" {
		putForever(t)
		return
	}
	last := uint64(0)
	for round := range 8 {
		s.close(t)
		last = runAndKill(t, s.folder, last+1, round*7+3)
		c := s.open(t)
		e, err := c.Get(t.Context(), list(1).ID)
		if err != nil || e.Number < last {
			t.Fatalf("round %d: got %+v (%v), and number %d was kept", round, e, err, last)
		}
		if left := files(t, s.folder, "*.partial"); len(left) > 0 {
			t.Errorf("round %d: %v are left", round, left)
		}
		if err := c.Put(t.Context(), list(last-1)); last > 1 && !errors.Is(err, ports.ErrOlder) {
			t.Errorf("round %d: an older list: %v, want ErrOlder", round, err)
		}
		last = e.Number
	}
}

// runAndKill starts a process that puts numbers from first on, kills it after
// some were kept, and returns the last that it said was.
func runAndKill(t *testing.T, folder string, first uint64, after int) uint64 {
	t.Helper()
	cmd := exec.Command(must(os.Executable())(t), "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "ASTERISM_TEST_FOLDER="+folder, "ASTERISM_TEST_FIRST="+strconv.FormatUint(first, 10))
	output := must(cmd.StdoutPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	lines := bufio.NewScanner(io.LimitReader(output, 1<<20))
	for range after {
		if !lines.Scan() {
			t.Fatal("the process ended by itself")
		}
		last = must(strconv.ParseUint(lines.Text(), 10, 64))(t)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if number, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
			last = number
		}
	}
	_ = cmd.Wait() // it was killed
	return last
}

func putForever(t *testing.T) {
	t.Helper()
	c := (&store{folder: os.Getenv("ASTERISM_TEST_FOLDER")}).open(t)
	number := must(strconv.ParseUint(os.Getenv("ASTERISM_TEST_FIRST"), 10, 64))(t)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); number++ {
		put(t, c, list(number))
		fmt.Println(number)
	}
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
