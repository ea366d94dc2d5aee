package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/e2e/simulation/world"
)

// How many worlds are run. CI has the defaults; a failing seed is run alone with
// the command that it prints.
var (
	smallSeeds = flag.Uint64("simulation.small", 10_000, "worlds of 3 to 7 nodes")
	largeSeeds = flag.Uint64("simulation.large", 50, "worlds of 100 nodes")
	update     = flag.Bool("update", false, "write the story in docs/simulation.md anew")
	firstSeed  = flag.Uint64("simulation.first", 1, "the first seed")
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(800) // as the command does
	os.Exit(m.Run())
}

// raced says whether the race detector watches, under which a hundredth is run: a
// world is single-threaded, so that it finds what worlds share.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func sample(seeds uint64) uint64 {
	if raced() {
		return max(seeds/100, 1)
	}
	return seeds
}

// sound runs worlds and wants all of them sound.
func sound(t *testing.T, o *options) {
	t.Helper()
	var out bytes.Buffer
	if code := run(o, &out); code != exitSound {
		t.Error(out.String())
		return
	}
	t.Log(strings.TrimSpace(out.String()))
}

func TestSmallWorlds(t *testing.T) {
	sound(t, &options{seed: *firstSeed, seeds: sample(*smallSeeds), nodes: span{3, 7}})
}

func TestLargeWorlds(t *testing.T) {
	sound(t, &options{seed: *firstSeed, seeds: sample(*largeSeeds), nodes: span{100, 100}})
}

// On a day on which nothing goes wrong every node is a member, and nobody is
// refused, rebooted or nudged.
func TestNothingGoesWrong(t *testing.T) {
	for seed := range uint64(20) {
		r := world.Run(world.Options{Seed: seed, Nodes: 7, Faults: []world.Fault{}})
		c := r.Counts
		if len(r.Violations) > 0 || c.Members != 7 || c.Boots != 7 || c.Inits != 1 || c.Tickets != 6 || c.Nudges+c.Recoveries+c.Crashes != 0 {
			t.Errorf("seed %d: %v; %v", seed, c, r.Violations)
		}
	}
}

// Each fault alone is borne, and is there: what it does is in the story.
func TestEachFault(t *testing.T) {
	for _, fault := range world.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			sound(t, &options{seed: 1, seeds: sample(50), nodes: span{3, 7}, faults: []world.Fault{fault, world.TwoClusters}})
		})
	}
}

// One seed is one world, down to the last event.
func TestOneSeedIsOneWorld(t *testing.T) {
	traces := map[string]uint64{}
	for seed := range sample(200) {
		first := world.Run(world.Options{Seed: seed, Nodes: 5})
		second := world.Run(world.Options{Seed: seed, Nodes: 5})
		if first.Hash != second.Hash || first.Events != second.Events {
			t.Errorf("seed %d: %d events, %x, and then %d, %x", seed, first.Events, first.Hash, second.Events, second.Hash)
		}
		if other, seen := traces[string(first.Hash[:])]; seen {
			t.Errorf("seeds %d and %d have one trace", other, seed)
		}
		traces[string(first.Hash[:])] = seed
	}
}

// storyEnv has this test's binary be the command, so that seeds can be run in
// other processes.
const storyEnv = "ASTERISM_SIMULATION_STORY"

func TestOneSeedIsOneWorldInAnyProcess(t *testing.T) {
	if os.Getenv(storyEnv) != "" {
		o, err := parseOptions([]string{"-seed", "11", "-nodes", "7", "-trace"}, os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		os.Exit(run(o, os.Stdout))
	}
	first, second := story(t), story(t)
	if !bytes.Equal(first, second) {
		t.Errorf("two processes tell two stories; the second is %d bytes:\n%s", len(second), second)
	}
	if !regexp.MustCompile(`(?m)^trace [0-9a-f]{64}$`).Match(first) {
		t.Errorf("the story does not end with its hash:\n%s", first)
	}
}

func story(t *testing.T) []byte {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.run=^TestOneSeedIsOneWorldInAnyProcess$")
	command.Env = append(os.Environ(), storyEnv+"=1")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("telling a story: %v\n%s", err, out)
	}
	return out
}

// The story in docs/simulation.md is the one that the seed tells.
func TestStoryInDocs(t *testing.T) {
	const begin, end = "<!-- story: begin -->\n", "<!-- story: end -->"
	path := filepath.Join("..", "..", "docs", "simulation.md")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(doc), begin)
	shown, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("docs/simulation.md has no place for a story")
	}
	var told bytes.Buffer
	run(&options{seed: storySeed, seeds: 1, nodes: span{storyNodes, storyNodes}, trace: true}, &told)
	story := "```\n" + told.String() + "```\n"
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+story+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if story != shown {
		t.Errorf("docs/simulation.md does not tell the story of seed %d: make update-golden", storySeed)
	}
}

func TestOptions(t *testing.T) {
	for _, args := range [][]string{
		{"-nodes", "0"},
		{"-nodes", "7-3"},
		{"-nodes", "many"},
		{"-seeds", "0"},
		{"-faults", "crash,plague"},
		{"7"},
		{"-seed", "-1"},
	} {
		if _, err := parseOptions(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	o, err := parseOptions([]string{"-seed", "9", "-nodes", "3-7", "-faults", "crash,network"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if o.seed != 9 || o.nodes != (span{3, 7}) || !slices.Equal(o.faults, []world.Fault{world.Crash, world.Network}) {
		t.Errorf("%+v", o)
	}
}
