package main

import (
	"go/ast"
	"go/token"
	"strconv"
)

// This file holds the operators. Where a mutant drops an expression it keeps it in
// the text, unevaluated, so that no variable or import falls out of use and the
// mutant compiles.

// replacements are the comparisons that a comparison is confused with: its
// negation and its neighbour at the boundary.
func replacements(op token.Token) []token.Token {
	switch op {
	case token.EQL:
		return []token.Token{token.NEQ}
	case token.NEQ:
		return []token.Token{token.EQL}
	case token.LSS:
		return []token.Token{token.GEQ, token.LEQ}
	case token.LEQ:
		return []token.Token{token.GTR, token.LSS}
	case token.GTR:
		return []token.Token{token.LEQ, token.GEQ}
	case token.GEQ:
		return []token.Token{token.LSS, token.GTR}
	case token.LAND:
		return []token.Token{token.LOR}
	case token.LOR:
		return []token.Token{token.LAND}
	default:
		return nil
	}
}

func (g *generator) binary(n *ast.BinaryExpr) {
	for _, op := range replacements(n.Op) {
		operator := n.OpPos + token.Pos(len(n.Op.String()))
		g.replace(n, g.with(n, n.OpPos, operator, op.String()))
	}
	if n.Op == token.LAND || n.Op == token.LOR || replacements(n.Op) == nil {
		return
	}
	for _, operand := range []ast.Expr{n.X, n.Y} {
		g.boundary(n, operand)
	}
}

// boundary moves an integer that something is compared with by one.
func (g *generator) boundary(comparison *ast.BinaryExpr, operand ast.Expr) {
	literal, ok := operand.(*ast.BasicLit)
	if !ok || literal.Kind != token.INT {
		return
	}
	value, err := strconv.ParseInt(literal.Value, 0, 64)
	if err != nil {
		return // beyond 64 bits: the parser accepts it, a comparison hardly
	}
	for _, moved := range []int64{value - 1, value + 1} {
		g.replace(comparison, g.with(comparison, literal.Pos(), literal.End(), strconv.FormatInt(moved, 10)))
	}
}

// boolean flips the constants. A variable of that name would be a bad idea that
// shows up as an invalid mutant.
func (g *generator) boolean(n *ast.Ident) {
	switch n.Name {
	case "true":
		g.replace(n, "false")
	case "false":
		g.replace(n, "true")
	}
}

// condition forces the outcome of a condition.
func (g *generator) condition(cond ast.Expr, keyword string) {
	text := g.text(cond)
	if text == "true" || text == "false" {
		return // flipped as a constant
	}
	g.add(cond, "true || ("+text+")", keyword+text, keyword+"true")
	g.add(cond, "false && ("+text+")", keyword+text, keyword+"false")
}

func (g *generator) cases(n *ast.SwitchStmt) {
	for _, stmt := range n.Body.List {
		clause, ok := stmt.(*ast.CaseClause)
		if !ok {
			continue
		}
		for _, cond := range clause.List {
			g.condition(cond, "case ")
		}
	}
}

// failure is appended to a file in which nil becomes an error.
const failure = "type mutantFailure struct{}\n\nfunc (mutantFailure) Error() string { return \"made by a mutant\" }"

// returned forces returned booleans, drops a returned error and invents one.
func (g *generator) returned(n *ast.ReturnStmt) {
	types := flatten(g.results)
	if len(types) != len(n.Results) {
		return // naked, or the results of one call
	}
	for i, result := range n.Results {
		text := g.text(result)
		switch {
		case types[i] == "bool":
			g.condition(result, "return ")
		case types[i] == "error" && text == "nil":
			g.add(result, "error(mutantFailure{})", "return "+text, "return an error").epilogue = failure
		case types[i] == "error":
			g.add(result, "func() error { _ = "+text+"; return nil }()", "return "+text, "return nil")
		}
	}
}

// flatten lists the types of results, one a value. Types other than a plain name
// are "".
func flatten(results *ast.FieldList) []string {
	if results == nil {
		return nil
	}
	var types []string
	for _, field := range results.List {
		name := ""
		if ident, ok := field.Type.(*ast.Ident); ok {
			name = ident.Name
		}
		for range max(1, len(field.Names)) {
			types = append(types, name)
		}
	}
	return types
}

// deletedCall drops a call that is made for its effect, such as the recording of a
// finding.
func (g *generator) deletedCall(stmt *ast.ExprStmt) {
	if call, ok := stmt.X.(*ast.CallExpr); ok && calleeName(call) != "panic" {
		g.deletion(stmt)
	}
}

// deletedAddition drops an assignment of what append or its like returns.
func (g *generator) deletedAddition(stmt *ast.AssignStmt) {
	if call, ok := stmt.Rhs[0].(*ast.CallExpr); ok && stmt.Tok == token.ASSIGN && grows(call) {
		g.deletion(stmt)
	}
}

func (g *generator) deletion(stmt ast.Stmt) {
	text := g.text(stmt)
	g.add(stmt, "_ = func() { "+text+" }", text, "(deleted)")
}

// arguments drops one of several values given to a variadic parameter, so that a
// field left out of an encoding has to be noticed.
func (g *generator) arguments(call *ast.CallExpr) {
	fixed, ok := g.variadics.fixedParameters(call)
	if !ok || call.Ellipsis.IsValid() || len(call.Args)-fixed < 2 {
		return
	}
	g.dropEach(call, call.Args, fixed)
}

// elements drops one of several values of a slice that is written out.
func (g *generator) elements(literal *ast.CompositeLit) {
	array, ok := literal.Type.(*ast.ArrayType)
	if !ok || array.Len != nil || len(literal.Elts) < 2 {
		return
	}
	g.dropEach(literal, literal.Elts, 0)
}

// dropEach writes the list without each of its elements in turn, one mutant for
// each. A list has at least two.
func (g *generator) dropEach(whole ast.Node, list []ast.Expr, first int) {
	for i := first; i < len(list); i++ {
		start, end := list[i].Pos(), list[i].End()
		if i+1 < len(list) {
			end = list[i+1].Pos()
		} else {
			start = list[i-1].End()
		}
		g.add(whole, g.with(whole, start, end, ""), g.text(whole), g.with(whole, start, end, ""))
	}
}
