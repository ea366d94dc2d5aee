package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/e2e/simulation/world"
)

// removal takes one rule out of the code.
type removal struct {
	rule   string
	edits  []edit
	faults string // of the worlds in which it shows
	seeds  int
	breaks world.Invariant
}

// edit replaces text that is in a file once.
type edit struct{ file, old, replacement string }

// removals are the rules that the invariants rest on, at least one an invariant.
func removals() []removal {
	return []removal{
		{
			rule:  "a node accepts one init a boot",
			edits: []edit{{"domain/lifecycle/fresh.go", "case s.Init != InitID{} && s.Init != e.ID:", "case false:"}},
			// Somebody presses Ctrl-C, and types another init.
			faults: "govern,network", seeds: 600, breaks: world.OneInit,
		},
		{
			rule:   "a first join needs a listed or an approved machine",
			edits:  []edit{{"domain/join/decide.go", "\t\tj.joins()\n", "\t\t_ = j.joins\n"}},
			faults: "hostile", seeds: 100, breaks: world.OnlyAdmitted,
		},
		{
			rule: "a release is in the ledger before the keys leave",
			edits: []edit{{
				"usecases/joining/releaser.go", "\t\terr = r.record(ctx, caller, g)\n", "\t\t_ = r.record\n",
			}},
			faults: "none", seeds: 10, breaks: world.OnlyAdmitted,
		},
		{
			rule:   "who is denied is refused",
			edits:  []edit{{"domain/join/decide.go", "\tj.revoked()\n", "\t_ = j.revoked\n"}},
			faults: "govern,power", seeds: 300, breaks: world.NotRevoked,
		},
		{
			rule:   "keys are released on what the store says at that moment",
			edits:  []edit{{"usecases/joining/releaser.go", "\t\tIf:   g.rests,\n", ""}},
			faults: "govern", seeds: 1500, breaks: world.NotRevoked,
		},
		{
			rule:   "a locked node asks its own cluster only",
			edits:  []edit{{"domain/lifecycle/sealed.go", "case e.Mark != s.Disk.Seal.Mark:\n\t\treturn s.refuse(e, OtherCluster)", "case false:"}},
			faults: "divert,power,two-clusters", seeds: 600, breaks: world.OneCluster,
		},
		{
			rule: "after the mark only a reboot leads back",
			edits: []edit{{
				"domain/lifecycle/failure.go", "return s.reboot(append([]Effect{told, Forget{}}, s.wipeOwn()...))", "return s.backToFresh(told, 0)",
			}},
			faults: "io,store,network", seeds: 200, breaks: world.OneCluster,
		},
		{
			rule: "only a disk of this boot's own is wiped",
			edits: []edit{{
				"domain/lifecycle/failure.go", "\tif !s.Disk.Own {\n\t\treturn nil\n\t}\n", "",
			}},
			faults: "io,power", seeds: 300, breaks: world.SealedUntouched,
		},
		{
			rule:   "names and disks stay with whoever holds them",
			edits:  []edit{{"domain/join/decide.go", "\tj.holders()\n", "\t_ = j.holders\n"}},
			faults: "hostile", seeds: 300, breaks: world.OneHolder,
		},
		{
			rule: "of two clones one is refused",
			edits: []edit{{
				"domain/join/decide.go", "\tj.liveness()\n", "\t_ = j.liveness\n",
			}},
			faults: "clone", seeds: 200, breaks: world.OneLife,
		},
		{
			rule: "a batch goes on from the head that was read",
			edits: []edit{{
				"usecases/sequencing/attempt.go", "[]ports.Condition{{Key: headKey(), Revision: a.base.revision}}",
				`[]ports.Condition{{Key: ports.Key{Collection: ports.Heads, Name: "another"}}}`,
			}},
			faults: "unknown,network", seeds: 300, breaks: world.LedgerWhole,
		},
		{
			rule: "a failed join goes on looking",
			edits: []edit{{
				"domain/lifecycle/failure.go", "return s, []Effect{Forget{}, told, Announce{Phase: Fresh}, s.lookAgain(after)}, nil",
				"return s, []Effect{Forget{}, told, Announce{Phase: Fresh}}, nil",
			}},
			faults: "network,hostile", seeds: 100, breaks: world.Progress,
		},
	}
}

// Each invariant is broken by worlds in whose code a rule is missing: it is looked
// at, and the worlds lead to where it matters.
func TestInvariantsBite(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("go build cannot run here: %v", err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range removals() {
		t.Run(r.rule, func(t *testing.T) {
			program := r.build(t, root)
			out, err := exec.CommandContext(t.Context(), program, "-seeds", fmt.Sprint(r.seeds), "-nodes", "3-7", "-stop", "-faults", r.faults).CombinedOutput()
			if err == nil {
				t.Fatalf("nothing was broken by %d worlds without it:\n%s", r.seeds, out)
			}
			if !strings.Contains(string(out), "   "+string(r.breaks)+" at ") {
				t.Errorf("%s was not broken:\n%s", r.breaks, tail(string(out)))
			}
		})
	}
}

// Every invariant but the one that is about surprises has a rule that it rests on.
func TestRemovalsAreComplete(t *testing.T) {
	covered := map[world.Invariant]bool{world.NoSurprise: true}
	for _, r := range removals() {
		covered[r.breaks] = true
	}
	for _, i := range world.Invariants() {
		if !covered[i] {
			t.Errorf("no rule is taken out to break %s", i)
		}
	}
}

// build builds the command without the rule, and leaves the tree as it is.
func (r *removal) build(t *testing.T, root string) string {
	t.Helper()
	folder := t.TempDir()
	replaced := map[string]string{}
	for i, e := range r.edits {
		path := filepath.Join(root, e.file)
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), e.old); n != 1 {
			t.Fatalf("%s holds %d times %q: the removal has to follow the code", e.file, n, e.old)
		}
		changed := filepath.Join(folder, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(changed, []byte(strings.Replace(string(source), e.old, e.replacement, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		replaced[path] = changed
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	description, program := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "simulation")
	if err := os.WriteFile(description, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", description, "-o", program, "./e2e/simulation")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building without the rule: %v\n%s", err, out)
	}
	return program
}

// tail is the end of an output.
func tail(out string) string {
	const limit = 4000
	return out[max(0, len(out)-limit):]
}
