package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// variadics knows how many parameters stand before the variadic one, by the name
// that a call uses: "append", "lp.Append", or ".write" for a method. Methods are
// known by name alone; a wrong guess makes an invalid mutant and no harm.
type variadics map[string]int

// standardVariadics are those of the language and its library that put data
// together.
func standardVariadics() variadics {
	return variadics{"append": 1, "slices.Concat": 0, "errors.Join": 0, "path.Join": 0}
}

// fixedParameters returns how many arguments of a call come before the variadic
// ones, or false when the callee is not known to take any.
func (v variadics) fixedParameters(call *ast.CallExpr) (int, bool) {
	name := calleeName(call)
	if selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		if base, ok := selector.X.(*ast.Ident); ok {
			if fixed, ok := v[base.Name+"."+name]; ok {
				return fixed, true
			}
		}
		name = "." + name
	}
	fixed, ok := v[name]
	return fixed, ok
}

// findVariadics reads the declarations of the package of a file and of those
// packages of the module that the file imports.
func findVariadics(root, module, file string, source []byte) (variadics, error) {
	found := standardVariadics()
	if err := found.addPackage(root, path.Dir(file), ""); err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("reading imports: %w", err)
	}
	for _, spec := range parsed.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("import %s of %s: %w", spec.Path.Value, file, err)
		}
		dir, own := strings.CutPrefix(importPath, module+"/")
		if !own {
			continue
		}
		name := path.Base(dir)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if err := found.addPackage(root, dir, name+"."); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// addPackage adds the functions of a package under a prefix, and its methods.
func (v variadics) addPackage(root, dir, prefix string) error {
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*.go"))
	if err != nil {
		return fmt.Errorf("listing %s: %w", dir, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading declarations: %w", err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("reading declarations: %w", err)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				v.addFunction(f, prefix)
			}
		}
	}
	return nil
}

func (v variadics) addFunction(f *ast.FuncDecl, prefix string) {
	types := f.Type.Params.List
	if len(types) == 0 {
		return
	}
	if _, variadic := types[len(types)-1].Type.(*ast.Ellipsis); !variadic {
		return
	}
	fixed := 0
	for _, field := range types[:len(types)-1] {
		fixed += max(1, len(field.Names))
	}
	if f.Recv != nil {
		prefix = "."
	}
	v[prefix+f.Name.Name] = fixed
}
