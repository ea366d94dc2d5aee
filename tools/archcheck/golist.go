package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listLimit bounds go list, which on a cold cache may have to fetch modules.
const listLimit = 10 * time.Minute

// listed is what go list -json says of a package.
type listed struct {
	ImportPath, Dir, Name string
	Module                *struct{ Path, Dir string }

	GoFiles, CgoFiles, IgnoredGoFiles  []string
	Imports, TestImports, XTestImports []string
}

const listFields = "ImportPath,Dir,Name,Module,GoFiles,CgoFiles,IgnoredGoFiles,Imports,TestImports,XTestImports"

// goList runs go list on every package of the module that dir is in. Whatever go
// list complains of is an error: a package that does not load was not checked.
func goList(ctx context.Context, dir string) ([]listed, error) {
	ctx, cancel := context.WithTimeout(ctx, listLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "list", "-json="+listFields, "./...")
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running go list ./... in %s: %w\n%s", dir, err, &stderr)
	}
	return decodeList(&stdout)
}

func decodeList(r io.Reader) ([]listed, error) {
	var all []listed
	dec := json.NewDecoder(r)
	for {
		var l listed
		err := dec.Decode(&l)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading go list's JSON after %d packages: %w", len(all), err)
		}
		all = append(all, l)
	}
}

// load makes a package of what go list said. Files that build constraints leave
// out on this machine count like the others: they are built on another one.
func (l listed) load() (*pkg, error) {
	if l.Module == nil {
		return nil, fmt.Errorf("%s belongs to no module", l.ImportPath)
	}
	rel, err := filepath.Rel(l.Module.Dir, l.Dir)
	if err != nil {
		return nil, fmt.Errorf("placing %s in its module: %w", l.ImportPath, err)
	}
	p := &pkg{rel: filepath.ToSlash(rel), name: l.Name, testImports: slices.Concat(l.TestImports, l.XTestImports)}
	ignored, err := ignoredImports(l)
	if err != nil {
		return nil, err
	}
	p.imports = slices.Compact(slices.Sorted(slices.Values(slices.Concat(l.Imports, ignored))))
	if p.layer() == "domain" {
		p.source, err = l.loadSource()
	}
	return p, err
}

func ignoredImports(l listed) ([]string, error) {
	var paths []string
	for _, name := range productionFiles(l.IgnoredGoFiles) {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(l.Dir, name), nil, parser.ImportsOnly)
		if err != nil {
			return nil, fmt.Errorf("reading the imports of a file that build constraints leave out: %w", err)
		}
		for _, spec := range file.Imports {
			importPath, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, fmt.Errorf("import %s of %s: %w", spec.Path.Value, name, err)
			}
			paths = append(paths, importPath)
		}
	}
	return paths, nil
}

func (l listed) loadSource() (*source, error) {
	files := map[string]string{}
	for _, name := range slices.Concat(l.GoFiles, l.CgoFiles, productionFiles(l.IgnoredGoFiles)) {
		text, err := os.ReadFile(filepath.Join(l.Dir, name))
		if err != nil {
			return nil, fmt.Errorf("reading the source of %s: %w", l.ImportPath, err)
		}
		files[name] = string(text)
	}
	return parseSource(l.ImportPath, files)
}

func productionFiles(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}
