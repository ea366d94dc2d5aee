package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

//go:embed domain-stdlib.txt
var domainStdlib string

func domainRules() []rule {
	return []rule{
		{"domain-imports", "domain imports domain and the packages of domain-stdlib.txt, none with a dot", domainImports},
		{"domain-clock", "domain reads no clock, sets no timer and knows no local time zone", inDomain(clock)},
		{"domain-concurrency", "domain has no goroutine, channel or select", inDomain(concurrency)},
		{"domain-randomness", "domain makes no random keys", inDomain(randomness)},
		{"domain-output", "domain prints and logs nothing; of log/slog only values and attributes", inDomain(output)},
		{"domain-init", "domain has no init function", inDomain(initFunctions)},
		{"domain-cgo", "domain has no cgo and no go:linkname", inDomain(cgo)},
		{"domain-state", "package variables in domain are sentinel errors, constant tables or assertions", inDomain(state)},
	}
}

// allowedStdlib is the written list.
func allowedStdlib() []string {
	var list []string
	for line := range strings.Lines(domainStdlib) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

func domainImports(t *tree) []violation {
	pure := allowedStdlib()
	var found []violation
	for _, p := range t.in("domain") {
		for _, importPath := range p.imports {
			_, own := t.own(importPath) // layer-order looks at these
			if !own && importPath != "C" && !slices.Contains(pure, importPath) {
				found = append(found, imports(p, importPath, "take its results as arguments, or argue for it in domain-stdlib.txt"))
			}
		}
	}
	return append(found, inDomain(dotImports)(t)...)
}

// inDomain applies a check to the source of every package of domain.
func inDomain(check func(*source) []violation) func(*tree) []violation {
	return func(t *tree) []violation {
		var found []violation
		for _, p := range t.in("domain") {
			for _, v := range check(p.source) {
				v.where = p.rel
				found = append(found, v)
			}
		}
		return found
	}
}

// breach is a violation at a place in the source.
func (s *source) breach(n ast.Node, what, do string) violation {
	return violation{what: fmt.Sprintf("%s at %s", what, s.at(n)), do: do}
}

// foreignUses refuses names of imported packages.
func (s *source) foreignUses(do string, refused func(importPath, name string) bool) []violation {
	var found []violation
	s.inspect(func(n ast.Node) {
		if importPath, name, ok := s.foreign(n); ok && refused(importPath, name) {
			found = append(found, s.breach(n, importPath+"."+name, do))
		}
	})
	return found
}

func dotImports(s *source) []violation {
	var found []violation
	s.inspect(func(n ast.Node) {
		if spec, ok := n.(*ast.ImportSpec); ok && spec.Name != nil && spec.Name.Name == "." {
			found = append(found, s.breach(n, "dot import of "+spec.Path.Value, "import it by name, so that its uses can be seen"))
		}
	})
	return found
}

func clock(s *source) []violation {
	refused := []string{
		"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick",
		"NewTimer", "NewTicker", "Timer", "Ticker", "Local", "LoadLocation",
	}
	const do = "take the time as an argument"
	found := s.foreignUses(do, func(importPath, name string) bool {
		return importPath == "time" && slices.Contains(refused, name)
	})
	s.inspect(func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) > 0 {
			return
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if _, _, foreign := s.foreign(call.Fun); ok && !foreign && method.Sel.Name == "Local" {
			found = append(found, s.breach(n, "Time.Local()", "use UTC"))
		}
	})
	return found
}

func concurrency(s *source) []violation {
	var found []violation
	s.inspect(func(n ast.Node) {
		if what := concurrent(n); what != "" {
			found = append(found, s.breach(n, what, "decide in one step and return; the caller owns concurrency"))
		}
	})
	return found
}

func concurrent(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "go statement"
	case *ast.SelectStmt:
		return "select"
	case *ast.ChanType:
		return "channel type"
	case *ast.SendStmt:
		return "send on a channel"
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return "receive from a channel"
		}
	}
	return ""
}

// randomness refuses what reads the system's random source without being handed
// it: key generation and encapsulation throughout crypto.
func randomness(s *source) []violation {
	return s.foreignUses("take the bytes or the key as an argument", func(importPath, name string) bool {
		return under(importPath, "crypto") && strings.HasPrefix(name, "Generate")
	})
}

// output refuses the standard streams, and all of log/slog but what a LogValue
// method needs: values and attributes are data, loggers are not.
func output(s *source) []violation {
	attributes := []string{
		"LogValuer", "Value", "Attr", "Kind", "Any", "Bool", "Duration", "Float64", "Group", "GroupAttrs", "Int", "Int64",
		"String", "Time", "Uint64", "AnyValue", "BoolValue", "DurationValue", "Float64Value", "GroupValue", "Int64Value",
		"IntValue", "StringValue", "TimeValue", "Uint64Value",
	}
	streams := []string{"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"}
	const do = "return it; the caller prints and logs"
	found := s.foreignUses(do, func(importPath, name string) bool {
		return importPath == "fmt" && slices.Contains(streams, name) ||
			importPath == "log/slog" && !slices.Contains(attributes, name)
	})
	s.inspect(func(n ast.Node) {
		if call, ok := n.(*ast.CallExpr); ok && s.isBuiltin(call, "print", "println") {
			found = append(found, s.breach(n, "print", do))
		}
	})
	return found
}

func initFunctions(s *source) []violation {
	var found []violation
	s.inspect(func(n ast.Node) {
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			found = append(found, s.breach(n, "init function", "compute it where it is needed, or write the table out"))
		}
	})
	return found
}

func cgo(s *source) []violation {
	var found []violation
	for _, file := range s.files {
		for _, spec := range file.Imports {
			if spec.Path.Value == `"C"` {
				found = append(found, s.breach(spec, "cgo", "write it in Go, or move it to an adapter"))
			}
		}
		for _, group := range file.Comments {
			for _, comment := range group.List {
				if strings.HasPrefix(comment.Text, "//go:linkname") {
					found = append(found, s.breach(comment, "go:linkname", "use what the package exports"))
				}
			}
		}
	}
	return found
}
