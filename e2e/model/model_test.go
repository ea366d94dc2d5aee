package model_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/model/attacks.md anew")

// spinVersion is whose shortest trails attacks.md quotes.
const spinVersion = "Spin Version 6.5.2"

func holds(t *testing.T, s search) {
	t.Helper()
	s.exhaustive = true
	found := s.run(t)
	if found.errors != "0" {
		t.Errorf("%v: an attack\n%s", s.defines, strings.Join(found.story, "\n"))
	}
	t.Logf("%s states, all of them visited", found.states)
}

// breaks runs a search that must end with the line, and returns its story.
func breaks(t *testing.T, s search, line string) []string {
	t.Helper()
	found := s.run(t)
	if found.errors != "1" || !strings.HasPrefix(found.story[len(found.story)-1], line) {
		t.Fatalf("%v: %s errors, want one that ends with %q:\n%s", s.defines, found.errors, line, strings.Join(found.story, "\n"))
	}
	return found.story
}

// The model with every countermeasure in place. Three honest ends of sessions
// are enough for a verifier, whom it is fooled with, and a machine that is used.
func TestNoClaimIsBroken(t *testing.T) {
	needSpin(t)
	t.Parallel()
	holds(t, search{strands: strands(), long: strands() > 2})
}

// strands is how many honest ends the whole search has.
func strands() int {
	if raced() {
		return 2
	}
	return 3
}

// sample returns all, or one under the race detector.
func sample[T any](all []T) []T {
	if raced() {
		return all[:1]
	}
	return all
}

// raced says whether the race detector watches: it would have every state
// searched a second time, and sees nothing of what Spin does.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Every purpose has an honest run that ends admitted at every end.
func TestHonestSessionsComplete(t *testing.T) {
	needSpin(t)
	t.Parallel()
	for _, purpose := range sample([]string{"init_", "recover_", "join", "rejoin", "attest", "admin"}) {
		t.Run(purpose, func(t *testing.T) {
			t.Parallel()
			s := search{strands: 2, defines: []string{"REACH=" + purpose, "ONLY=99"}}
			breaks(t, s, "REACHED "+purpose)
		})
	}
}

// So it has where a machine that is not marked shows its AK's certificate, and is
// not challenged.
func TestCertifiedMachinesComplete(t *testing.T) {
	needSpin(t)
	t.Parallel()
	for _, purpose := range sample([]string{"init_", "recover_", "join", "rejoin"}) {
		t.Run(purpose, func(t *testing.T) {
			t.Parallel()
			s := search{strands: 2, defines: []string{"REACH=" + purpose, "CERTIFIED", "ONLY=99"}}
			breaks(t, s, "REACHED "+purpose)
		})
	}
}

func TestEachCountermeasureIsNeeded(t *testing.T) {
	needSpin(t)
	stories := newStories()
	t.Run("attacks", func(t *testing.T) {
		for _, a := range sample(attacks()) {
			a.defines = append([]string{a.name}, a.defines...)
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				stories.tell(a, breaks(t, a.search(), "BROKEN "+a.breaks+":"))
			})
		}
		for _, s := range sample(spares()) {
			a := s.attack
			a.defines = append([]string{a.name}, s.companions...)
			t.Run(a.name+" and companions", func(t *testing.T) {
				t.Parallel()
				stories.tell(a, breaks(t, a.search(), "BROKEN "+a.breaks+":"))
			})
		}
	})
	if !t.Failed() && !raced() {
		stories.compare(t)
	}
}

// A spare part may be missing, and stands in where its companions are.
func TestSparePartsMayGoAlone(t *testing.T) {
	needSpin(t)
	t.Parallel()
	for _, s := range sample(spares()) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			holds(t, search{strands: 2, defines: []string{s.name}})
		})
		t.Run("only "+s.name+" left", func(t *testing.T) {
			t.Parallel()
			a := s.attack
			a.defines = s.companions
			holds(t, a.search())
		})
	}
}

func TestWhatTheAttackerNeeds(t *testing.T) {
	needSpin(t)
	t.Parallel()
	for _, defines := range sample(needs()) {
		t.Run(strings.Join(defines, " "), func(t *testing.T) {
			t.Parallel()
			holds(t, search{strands: 2, defines: defines})
		})
	}
}

// stories collects the attacks for attacks.md.
type stories struct {
	mu   sync.Mutex
	text map[string]string
}

func newStories() *stories { return &stories{text: make(map[string]string)} }

func (s *stories) tell(a attack, story []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text[a.name] = fmt.Sprintf("## %s\n\nTaken out: %s.\n\n```\n%s\n\n%s\n```\n",
		a.name, a.title, strings.Join(a.search().flags(), " "), strings.Join(story, "\n"))
}

const preface = `# Attacks on the model of attested TLS

Each is the shortest that ` + spinVersion + ` finds once a countermeasure is taken out of ` + "`attested_tls.pml`" + `. The number before a
line is the strand, the end of a session at an honest party, that acts; 9 is the attacker. Written by ` + "`go test ./e2e/model -update`" + `.

`

func (s *stories) render() string {
	var list []string
	for _, a := range attacks() {
		list = append(list, s.text[a.name])
	}
	for _, a := range spares() {
		list = append(list, s.text[a.name])
	}
	return preface + strings.Join(list, "\n")
}

// compare holds the attacks against attacks.md. Another version of Spin may find
// others of the same length.
func (s *stories) compare(t *testing.T) {
	t.Helper()
	path := filepath.Join(docs, "attacks.md")
	if *update {
		if err := os.WriteFile(path, []byte(s.render()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	version, err := exec.CommandContext(t.Context(), spin, "-V").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(version), spinVersion) {
		t.Logf("%s found the attacks; attacks.md quotes those of %s", strings.TrimSpace(string(version)), spinVersion)
		return
	}
	if diff := cmp.Diff(string(want), s.render()); diff != "" {
		t.Errorf("attacks.md is out of date; `go test ./e2e/model -update` writes it (-file +found):\n%s", diff)
	}
}
