package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// state refuses package variables that could hold anything but constants. Allowed
// are sentinel errors, tables that are written out and never changed, and
// assertions like "var _ Interface = T{}".
func state(s *source) []violation {
	var found []violation
	for _, values := range s.packageVars() {
		found = append(found, s.stateOf(values)...)
	}
	s.inspect(func(n ast.Node) {
		for _, target := range s.changed(n) {
			if v := s.packageVar(target); v != nil {
				found = append(found, s.breach(n, "change of package variable "+v.Name(), "copy it first; a table stays as it is written"))
			}
		}
	})
	return found
}

// packageVars lists the var declarations at package level.
func (s *source) packageVars() []*ast.ValueSpec {
	var all []*ast.ValueSpec
	for _, file := range s.files {
		for _, decl := range file.Decls {
			vars, ok := decl.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			for _, spec := range vars.Specs {
				if values, ok := spec.(*ast.ValueSpec); ok {
					all = append(all, values)
				}
			}
		}
	}
	return all
}

func (s *source) stateOf(spec *ast.ValueSpec) []violation {
	var found []violation
	for i, name := range spec.Names {
		what := "variable without a value"
		if i < len(spec.Values) {
			what = s.objection(name, spec.Values[i])
		}
		if what != "" {
			found = append(found, s.breach(name, what+" "+name.Name, "make it a constant, an unexported written-out table, a function or an argument"))
		}
	}
	return found
}

// objection says what is wrong with a package variable's value, or "".
func (s *source) objection(name *ast.Ident, value ast.Expr) string {
	table := s.isTable(value)
	switch {
	case name.Name == "_" && (table || s.isAssertion(value)):
		return ""
	case s.isSentinel(value):
		return ""
	case table && name.IsExported():
		return "exported table, which any package may change,"
	case table:
		return ""
	default:
		return "variable state"
	}
}

// isAssertion accepts T{}, &T{} and (*T)(nil).
func (s *source) isAssertion(value ast.Expr) bool {
	if address, ok := value.(*ast.UnaryExpr); ok && address.Op == token.AND {
		return s.isTable(address.X)
	}
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	_, pointer := ast.Unparen(call.Fun).(*ast.StarExpr)
	return pointer && len(call.Args) == 1
}

func (s *source) isSentinel(value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	importPath, name, _ := s.foreign(call.Fun)
	return importPath == "errors" && name == "New" || importPath == "fmt" && name == "Errorf"
}

// isTable accepts a composite literal whose elements are themselves written out,
// and the conversion of a constant, as []byte("label").
func (s *source) isTable(value ast.Expr) bool {
	switch value := value.(type) {
	case *ast.CompositeLit:
		return s.isWrittenOut(value)
	case *ast.CallExpr:
		return s.isConversion(value) && len(value.Args) == 1 && s.info.Types[value.Args[0]].Value != nil
	}
	return false
}

// isWrittenOut refuses calls and pointers in a literal. What a function literal
// does when it is called later is not looked at here.
func (s *source) isWrittenOut(literal *ast.CompositeLit) bool {
	pure := true
	ast.Inspect(literal, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			pure = pure && (s.isConversion(n) || s.isSentinel(n) || s.isBuiltin(n, "len"))
		case *ast.UnaryExpr:
			pure = pure && n.Op != token.AND
		}
		return pure
	})
	return pure
}

func (s *source) isConversion(call *ast.CallExpr) bool { return s.info.Types[call.Fun].IsType() }

// changed returns the expressions that a node assigns to, takes the address of, or
// hands to something that changes its argument.
func (s *source) changed(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.SelectorExpr:
		if s.takesAddress(n) {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if s.changesFirst(n) {
			return n.Args[:1]
		}
	}
	return nil
}

// takesAddress reports a pointer method of a value: x.Set() is (&x).Set().
func (s *source) takesAddress(n *ast.SelectorExpr) bool {
	selection := s.info.Selections[n]
	if selection == nil || selection.Kind() != types.MethodVal {
		return false
	}
	method, ok := selection.Obj().(*types.Func)
	if !ok {
		return false
	}
	_, wantsPointer := method.Signature().Recv().Type().(*types.Pointer)
	_, hasPointer := selection.Recv().(*types.Pointer)
	return wantsPointer && !hasPointer
}

// changesFirst reports calls that may write to their first argument.
func (s *source) changesFirst(call *ast.CallExpr) bool {
	if len(call.Args) == 0 {
		return false
	}
	changers := map[string][]string{
		"slices": {"Sort", "SortFunc", "SortStableFunc", "Reverse", "Delete", "DeleteFunc", "Compact", "CompactFunc", "Insert", "Replace"},
		"maps":   {"Copy", "DeleteFunc", "Insert"},
		"sort":   {"Ints", "Strings", "Float64s", "Slice", "SliceStable", "Sort", "Stable"},
	}
	importPath, name, _ := s.foreign(call.Fun)
	return s.isBuiltin(call, "append", "delete", "clear", "copy") || slices.Contains(changers[importPath], name)
}

// packageVar returns the package variable that an expression is a part of, or nil.
func (s *source) packageVar(expr ast.Expr) *types.Var {
	for {
		switch e := expr.(type) {
		case *ast.ParenExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.SliceExpr:
			expr = e.X
		case *ast.StarExpr:
			expr = e.X
		case *ast.SelectorExpr:
			expr = e.X
		case *ast.Ident:
			v, ok := s.info.Uses[e].(*types.Var)
			if !ok || v.Parent() != s.scope {
				return nil
			}
			return v
		default:
			return nil
		}
	}
}
