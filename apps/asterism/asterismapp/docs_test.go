package asterismapp_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
)

// TestGeneratedDocs holds what is published against what the program generates.
func TestGeneratedDocs(t *testing.T) {
	folder := t.TempDir()
	runTool(t, system(t), 0, "gen-docs", folder)
	if *update {
		runTool(t, system(t), 0, "gen-docs", docs)
	}
	for _, pattern := range []string{"policy.schema.json", "man/*.1"} {
		want := contents(t, folder, pattern)
		if len(want) == 0 {
			t.Fatalf("nothing generated for %s", pattern)
		}
		if diff := cmp.Diff(want, contents(t, docs, pattern)); diff != "" {
			t.Errorf("run go generate (-generated +published):\n%s", diff)
		}
	}
}

func contents(t *testing.T, folder, pattern string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, path := range paths {
		files[filepath.Base(path)] = readDoc(t, path)
	}
	return files
}

func readDoc(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestManPages looks for lines that troff would take for something else.
func TestManPages(t *testing.T) {
	request := regexp.MustCompile(`^\.(TH|SH|PP|TP|B|nf|fi)( |$)`)
	for name, page := range contents(t, docs, "man/*.1") {
		for i, line := range strings.Split(page, "\n") {
			if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !request.MatchString(line) {
				t.Errorf("%s:%d: %q is no request of ours", name, i+1, line)
			}
			if i > 0 && regexp.MustCompile(`[^\\]-`).MatchString(line) {
				t.Errorf("%s:%d: %q has a hyphen that cannot be copied", name, i+1, line)
			}
		}
		for _, part := range []string{".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH OPTIONS\n"} {
			if strings.Count(page, part) != 1 {
				t.Errorf("%s lacks %q, or has several", name, part)
			}
		}
	}
}

// TestFindingsAreDocumented holds docs/findings.md against the codes that there
// are.
func TestFindingsAreDocumented(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| [^|]+ \\| [^|]+ \\|$")
	var documented []string
	for _, match := range row.FindAllStringSubmatch(readDoc(t, filepath.Join(docs, "findings.md")), -1) {
		documented = append(documented, match[1])
	}
	slices.Sort(documented)
	if diff := cmp.Diff(findingCodes(t), documented); diff != "" {
		t.Errorf("codes (-domain +documented):\n%s", diff)
	}
}

// findingCodes reads the constants of type Code out of the source.
func findingCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../domain/policy/finding.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		kind, ok := spec.Type.(*ast.Ident)
		if !ok || kind.Name != "Code" {
			return true
		}
		for _, value := range spec.Values {
			literal, ok := value.(*ast.BasicLit)
			if !ok {
				t.Fatalf("a code of %v is no literal", spec.Names)
			}
			code, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	if len(codes) < 30 {
		t.Fatalf("found only %d codes", len(codes))
	}
	slices.Sort(codes)
	return codes
}

// TestPolicyFieldsAreDocumented looks for each field of the schema in
// docs/policy.md. The fields of events are in the examples alone.
func TestPolicyFieldsAreDocumented(t *testing.T) {
	text := readDoc(t, filepath.Join(docs, "policy.md")) + readDoc(t, filepath.Join(docs, "examples", "policy.yaml"))
	var schema any
	if err := json.Unmarshal(policyfile.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	names := propertyNames(schema)
	if len(names) < 60 {
		t.Fatalf("found only %d fields", len(names))
	}
	for _, name := range names {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(text) {
			t.Errorf("docs/policy.md says nothing of %s", name)
		}
	}
}

func propertyNames(node any) []string {
	var names []string
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			names = append(names, propertyNames(element)...)
		}
	case map[string]any:
		properties, _ := node["properties"].(map[string]any)
		for name := range properties {
			names = append(names, name)
		}
		for _, child := range node {
			names = append(names, propertyNames(child)...)
		}
	}
	return names
}

// commands returns what is typed for each manual page: "asterism policy lint".
func commands(t *testing.T) []string {
	t.Helper()
	synopsis := regexp.MustCompile(`(?m)^\.B ((?:[a-z][a-z\\-]* ?)+)`)
	var list []string
	for name, page := range contents(t, docs, "man/*.1") {
		found := synopsis.FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("%s has no synopsis", name)
		}
		list = append(list, strings.TrimSpace(strings.ReplaceAll(found[1], `\-`, "-")))
	}
	return list
}

// TestHelpFits holds help against the width of a terminal.
func TestHelpFits(t *testing.T) {
	for _, command := range commands(t) {
		stdout, _ := runTool(t, system(t), 0, append(strings.Fields(command)[1:], "--help")...)
		for line := range strings.Lines(stdout) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
				t.Errorf("%s --help has a line of %d columns: %q", command, n, line)
			}
		}
	}
}

// TestCommandsAreDocumented looks for every command and exit code in docs/cli.md.
func TestCommandsAreDocumented(t *testing.T) {
	text := readDoc(t, filepath.Join(docs, "cli.md"))
	for _, command := range commands(t) {
		if !strings.Contains(text, "`"+command+" ") && !strings.Contains(text, "`"+command+"`") && command != "asterism policy" && command != "asterism" {
			t.Errorf("docs/cli.md says nothing of %q", command)
		}
	}
	for code := range 6 {
		if !strings.Contains(text, "\n| "+strconv.Itoa(code)+" | ") {
			t.Errorf("docs/cli.md says nothing of exit code %d", code)
		}
	}
}

// TestLinks follows the links between documents.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for _, name := range []string{"attesting.md", "auditing.md", "cli.md", "findings.md", "policy.md", "examples/README.md"} {
		path := filepath.Join(docs, name)
		for _, match := range link.FindAllStringSubmatch(readDoc(t, path), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), match[1])); err != nil {
				t.Errorf("%s links to %s: %v", name, match[1], err)
			}
		}
	}
}

// TestSchemaIsPublished makes sure that policy schema prints the published one.
func TestSchemaIsPublished(t *testing.T) {
	stdout, _ := runTool(t, system(t), 0, "policy", "schema")
	if !bytes.Equal([]byte(stdout), policyfile.Schema()) {
		t.Error("policy schema prints something else")
	}
}
