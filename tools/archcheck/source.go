package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// source is a parsed package whose own names are resolved.
type source struct {
	fset  *token.FileSet
	files []*ast.File
	info  *types.Info
	scope *types.Scope // package level
}

// parseSource parses the files of one package by name. A file that is not Go is an
// error. Type errors are none: imported packages are not loaded, so all uses of
// them are unknown, and it is the compiler's business to say what is wrong.
func parseSource(importPath string, files map[string]string) (*source, error) {
	s := &source{fset: token.NewFileSet(), info: &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file, err := parser.ParseFile(s.fset, name, files[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parsing a file of %s: %w", importPath, err)
		}
		s.files = append(s.files, file)
	}
	config := types.Config{Importer: emptyPackages{}, Error: func(error) {}}
	checked, _ := config.Check(importPath, s.fset, s.files, s.info) // see above
	s.scope = checked.Scope()
	return s, nil
}

// emptyPackages imports any path as a package without content.
type emptyPackages struct{}

// Import names the package by its path, major version aside.
func (emptyPackages) Import(importPath string) (*types.Package, error) {
	name := path.Base(importPath)
	if regexp.MustCompile(`^v\d+$`).MatchString(name) {
		name = path.Base(path.Dir(importPath))
	}
	empty := types.NewPackage(importPath, name)
	empty.MarkComplete()
	return empty, nil
}

// foreign returns the import path and name of an expression like time.Now.
func (s *source) foreign(n ast.Node) (importPath, name string, ok bool) {
	selector, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", "", false
	}
	ident, ok := selector.X.(*ast.Ident)
	if !ok {
		return "", "", false
	}
	imported, ok := s.info.Uses[ident].(*types.PkgName)
	if !ok {
		return "", "", false
	}
	return imported.Imported().Path(), selector.Sel.Name, true
}

// isBuiltin reports whether a call is one of the language's own functions.
func (s *source) isBuiltin(call *ast.CallExpr, names ...string) bool {
	ident, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	_, builtin := s.info.Uses[ident].(*types.Builtin)
	return builtin && slices.Contains(names, ident.Name)
}

// at is "file.go:12", with the file's base name.
func (s *source) at(n ast.Node) string {
	position := s.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", path.Base(strings.ReplaceAll(position.Filename, "\\", "/")), position.Line)
}

// inspect calls visit on every node of every file.
func (s *source) inspect(visit func(ast.Node)) {
	for _, file := range s.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if n != nil {
				visit(n)
			}
			return true
		})
	}
}
