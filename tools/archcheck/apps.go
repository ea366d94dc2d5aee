package main

import (
	"path"
	"slices"
	"strings"
)

const devDefaults = "apps/internal/devdefaults"

func appRules() []rule {
	return []rule{
		{"apps-imports", "no program imports another one, except apps/node and apps/asterism; apps/internal is shared", appsImports},
		{"devdefaults", "only the single programs' mains and apps/asterism import " + devDefaults, onlyMainsHaveDefaults},
		{"node-release", "apps/node reaches neither development defaults nor test platforms, however far the path", nodeRelease},
	}
}

func appsImports(t *tree) []violation {
	var found []violation
	for _, p := range t.in("apps") {
		if p.second() == "node" || p.second() == "asterism" {
			continue
		}
		for _, rel := range t.ownImports(p.imports) {
			if to := element(rel, 1); under(rel, "apps") && to != "internal" && to != p.second() {
				found = append(found, imports(p, rel, "share it through apps/internal, or move it inward"))
			}
		}
	}
	return found
}

func onlyMainsHaveDefaults(t *tree) []violation {
	var found []violation
	for _, p := range t.packages {
		if mayHaveDefaults(p) {
			continue
		}
		for _, rel := range t.ownImports(p.imports) {
			if under(rel, devDefaults) {
				found = append(found, imports(p, rel, "hand the values in from the main of a single program"))
			}
		}
	}
	return found
}

func mayHaveDefaults(p *pkg) bool {
	singleMain := path.Dir(p.rel) == "apps" && p.name == "main" && p.second() != "node"
	return singleMain || under(p.rel, "apps/asterism") || under(p.rel, devDefaults)
}

// nodeRelease answers threat row 25: what ships in images holds no test verifier.
func nodeRelease(t *tree) []violation {
	graph := map[string][]string{}
	for _, p := range t.packages {
		graph[p.rel] = t.ownImports(p.imports)
	}
	var found []violation
	for _, p := range t.in("apps/node") {
		for _, way := range waysTo(graph, p.rel, isDevelopment) {
			found = append(found, violation{
				where: p.rel,
				what:  "reaches " + way[len(way)-1] + " by " + strings.Join(way, " -> "),
				do:    "cut that path: a release must not hold it",
			})
		}
	}
	return found
}

// isDevelopment knows what a release must not hold: platforms without hardware,
// what starts software TPMs, defaults, and verifiers for tests.
func isDevelopment(rel string) bool {
	process := under(rel, "adapters/attestation/platform") && strings.HasPrefix(element(rel, 3), "process")
	return process || under(rel, "adapters/attestation/tpm/swtpm") || under(rel, devDefaults) || slices.Contains(strings.Split(rel, "/"), "testplatform")
}

// waysTo returns a shortest path from start to each node that matches.
func waysTo(graph map[string][]string, start string, matches func(string) bool) [][]string {
	var found [][]string
	seen := map[string]bool{start: true}
	for queue := [][]string{{start}}; len(queue) > 0; queue = queue[1:] {
		way := queue[0]
		for _, next := range graph[way[len(way)-1]] {
			if seen[next] {
				continue
			}
			seen[next] = true
			longer := append(slices.Clone(way), next)
			if matches(next) {
				found = append(found, longer)
			}
			queue = append(queue, longer)
		}
	}
	return found
}
