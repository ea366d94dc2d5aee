package main

import (
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "example.com/m"

// house builds a small tree that breaks no rule; a case adds to it.
type house struct {
	t    *testing.T
	tree *tree
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t, &tree{module: module, minPackages: 2}}
	h.domain("domain/clean", "package clean\n")
	h.add("apps/joinservice", "main")
	return h
}

// add adds a package with imports: "./x" is the module's own, "test:x" a test's.
func (h *house) add(rel, name string, imports ...string) *pkg {
	p := &pkg{rel: rel, name: name}
	for _, written := range imports {
		plain, test := strings.CutPrefix(written, "test:")
		if own, ok := strings.CutPrefix(plain, "./"); ok {
			plain = module + "/" + own
		}
		if test {
			p.testImports = append(p.testImports, plain)
		} else {
			p.imports = append(p.imports, plain)
		}
	}
	h.tree.packages = append(h.tree.packages, p)
	h.build(path.Join(rel, "BUILD.bazel"), "package(default_visibility = [\"//apps:__subpackages__\"])\n")
	return p
}

// domain adds a package with source, from which its imports are read.
func (h *house) domain(rel, text string, imports ...string) {
	h.t.Helper()
	p := h.add(rel, path.Base(rel), imports...)
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", text, parser.ImportsOnly)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, spec := range file.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			h.t.Fatal(err)
		}
		p.imports = append(p.imports, importPath)
	}
	if p.source, err = parseSource(module+"/"+rel, map[string]string{"x.go": text}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) build(rel, text string) {
	h.tree.buildFiles = append(h.tree.buildFiles, newBuildFile(rel, text))
}

// ruleCase breaks one rule, and has a twin that comes as close as is allowed.
type ruleCase struct {
	rule, name     string
	broken, twin   func(*house)
	wantViolations int // 0 stands for 1
}

// sourceCase makes a case of two files of one domain package.
func sourceCase(rule, name, broken, twin string) ruleCase {
	add := func(body string) func(*house) {
		return func(h *house) { h.domain("domain/x", "package x\n"+body) }
	}
	return ruleCase{rule: rule, name: name, broken: add(broken), twin: add(twin)}
}

// edge makes a case of one package whose imports differ.
func edge(rule, rel, broken, twin string) ruleCase {
	add := func(imported string) func(*house) {
		return func(h *house) {
			if strings.HasPrefix(rel, "domain/") {
				h.domain(rel, "package "+path.Base(rel)+"\n", imported)
				return
			}
			h.add(rel, path.Base(rel), imported)
		}
	}
	return ruleCase{rule: rule, name: rel + " imports " + broken, broken: add(broken), twin: add(twin)}
}

func allCases() []ruleCase {
	return slices.Concat(sourceCases(), stateCases(), edgeCases(), treeCases())
}

// TestEveryRuleBites breaks each rule in a tree that is otherwise clean, and holds
// that nothing but that rule speaks up and that the twin is clean.
func TestEveryRuleBites(t *testing.T) {
	for _, c := range allCases() {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			broken := newHouse(t)
			c.broken(broken)
			got := checkAll(broken.tree)
			if len(got) != max(c.wantViolations, 1) {
				t.Errorf("broken: %d violations %v, want %d", len(got), got, max(c.wantViolations, 1))
			}
			for _, v := range got {
				if v.rule != c.rule || v.where == "" || v.what == "" || v.do == "" {
					t.Errorf("broken: got %q, want a full violation of %s", v, c.rule)
				}
			}
			clean := newHouse(t)
			c.twin(clean)
			if got := checkAll(clean.tree); len(got) > 0 {
				t.Errorf("the twin is refused: %v", got)
			}
		})
	}
}

func TestEveryRuleHasACase(t *testing.T) {
	var tested []string
	for _, c := range allCases() {
		tested = append(tested, c.rule)
	}
	seen := map[string]bool{}
	for _, r := range rules() {
		if !slices.Contains(tested, r.name) {
			t.Errorf("rule %s has no case", r.name)
		}
		if seen[r.name] || r.says == "" {
			t.Errorf("rule %s is named twice or says nothing", r.name)
		}
		seen[r.name] = true
	}
}

func TestNodeReleaseShowsTheWay(t *testing.T) {
	h := newHouse(t)
	h.add("apps/node", "main", "./apps/node/nodeapp")
	h.add("apps/node/nodeapp", "nodeapp", "./apps/joinservice/app")
	h.add("apps/joinservice/app", "app", "./adapters/attestation/testplatform")
	h.add("adapters/attestation/testplatform", "testplatform")
	const want = "apps/node -> apps/node/nodeapp -> apps/joinservice/app -> adapters/attestation/testplatform"
	if got := checkAll(h.tree); len(got) != 2 || !strings.HasSuffix(got[1].what, want) {
		t.Errorf("got %v, want a way like %s", got, want)
	}
}

func TestAllowedStdlibIsSortedAndStandard(t *testing.T) {
	list := allowedStdlib()
	if len(list) < 20 || !slices.IsSorted(list) {
		t.Errorf("the list has %d entries, sorted: %t", len(list), slices.IsSorted(list))
	}
	for _, refused := range []string{"crypto/rand", "context", "os", "net", "reflect", "runtime", "sync", "syscall", "unsafe", "math/rand", "math/rand/v2"} {
		if slices.Contains(list, refused) {
			t.Errorf("%s is on the list", refused)
		}
	}
}
