package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// generator makes the mutants of one file.
type generator struct {
	file      string // relative to the module's root
	source    []byte
	fset      *token.FileSet
	variadics variadics

	function string         // being visited
	results  *ast.FieldList // of the innermost function
	mutants  []mutant
}

// generate returns the mutants of the functions that wanted selects, in the order
// of the file. The name of a method is "Type.Method".
func generate(file string, source []byte, known variadics, wanted func(function string) bool) ([]mutant, error) {
	g := generator{file: file, source: source, fset: token.NewFileSet(), variadics: known}
	parsed, err := parser.ParseFile(g.fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parsing what is to be mutated: %w", err)
	}
	for _, decl := range parsed.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil && wanted(functionName(f)) {
			g.function, g.results = functionName(f), f.Type.Results
			g.visit(f.Body)
		}
	}
	slices.SortStableFunc(g.mutants, func(a, b mutant) int { return cmp.Compare(a.start, b.start) })
	return g.mutants, nil
}

func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return r.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// visit mutates a function's body and, with their own results, the function
// literals in it.
func (g *generator) visit(body ast.Node) {
	ast.Inspect(body, func(n ast.Node) bool {
		if literal, ok := n.(*ast.FuncLit); ok {
			outer := g.results
			g.results = literal.Type.Results
			g.visit(literal.Body)
			g.results = outer
			return false
		}
		g.mutate(n)
		return true
	})
}

// mutate applies the operators that fit a node.
func (g *generator) mutate(n ast.Node) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		g.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			g.replace(n, g.text(n.X))
		}
	case *ast.Ident:
		g.boolean(n)
	case *ast.IfStmt:
		g.condition(n.Cond, "if ")
	case *ast.SwitchStmt:
		if n.Tag == nil {
			g.cases(n)
		}
	case *ast.ReturnStmt:
		g.returned(n)
	case *ast.ExprStmt:
		g.deletedCall(n)
	case *ast.AssignStmt:
		g.deletedAddition(n)
	case *ast.CallExpr:
		g.arguments(n)
	case *ast.CompositeLit:
		g.elements(n)
	}
}

func (g *generator) offset(p token.Pos) int { return g.fset.Position(p).Offset }

func (g *generator) text(n ast.Node) string {
	return string(g.source[g.offset(n.Pos()):g.offset(n.End())])
}

// with returns the text of outer in which inner is replaced.
func (g *generator) with(outer ast.Node, start, end token.Pos, replacement string) string {
	before := g.source[g.offset(outer.Pos()):g.offset(start)]
	after := g.source[g.offset(end):g.offset(outer.End())]
	return string(before) + replacement + string(after)
}

// replace adds the mutant that reads replacement where n was.
func (g *generator) replace(n ast.Node, replacement string) {
	g.add(n, replacement, g.text(n), replacement)
}

// add adds a mutant that is shown otherwise than it is written.
func (g *generator) add(n ast.Node, replacement, original, mutated string) *mutant {
	g.mutants = append(g.mutants, mutant{
		file:        g.file,
		line:        g.fset.Position(n.Pos()).Line,
		function:    g.function,
		start:       g.offset(n.Pos()),
		end:         g.offset(n.End()),
		replacement: replacement,
		original:    oneLine(original),
		mutated:     oneLine(mutated),
	})
	return &g.mutants[len(g.mutants)-1]
}

// calleeName is the last name of what is called: "Append" of lp.Append.
func calleeName(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	switch generic := fun.(type) {
	case *ast.IndexExpr:
		fun = generic.X
	case *ast.IndexListExpr:
		fun = generic.X
	}
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// grows reports a callee like append, lp.AppendUint32 or appendField, which
// returns its first argument with something added.
func grows(call *ast.CallExpr) bool {
	return strings.HasPrefix(strings.ToLower(calleeName(call)), "append")
}
