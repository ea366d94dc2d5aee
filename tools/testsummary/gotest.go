package main

import (
	"errors"
	"io"
	"strings"
)

// goEvent is an event of go test -json; see go doc test2json and go help buildjson.
type goEvent struct {
	Action      string
	Package     string
	Test        string
	Elapsed     float64 // seconds
	Output      string
	ImportPath  string // of build-output and build-fail; may end in " [pkg.test]"
	FailedBuild string // of a package's fail: the ImportPath whose build failed
}

// goStream follows one go test -json stream.
type goStream struct {
	suite   *suite
	running map[identity]bool  // tests, and packages under an empty test name
	outputs map[identity]*tail // of what has not ended
	builds  map[string]*tail   // output of builds by ImportPath
	broken  map[string]bool    // failed builds that no package has named yet
}

// readGoTest reads a stream of go test -json into s. Unknown actions are ignored.
// What started and never ended counts as failed, so a stream that was cut off, a
// panic and a timeout cannot look like a pass.
func readGoTest(r io.Reader, s *suite) error {
	stream := goStream{
		suite:   s,
		running: map[identity]bool{},
		outputs: map[identity]*tail{},
		builds:  map[string]*tail{},
		broken:  map[string]bool{},
	}
	err := eachEvent(r, stream.handle)
	stream.close()
	return err
}

func (g *goStream) handle(e goEvent) error {
	switch {
	case e.Action == "":
		return errors.New("an event without an action: is this the output of go test -json?")
	case strings.HasPrefix(e.Action, "build-"):
		g.handleBuild(e)
	case e.Package == "":
		return errors.New("event " + e.Action + " names no package")
	default:
		g.handleTest(e)
	}
	return nil
}

func (g *goStream) handleBuild(e goEvent) {
	if g.builds[e.ImportPath] == nil {
		g.builds[e.ImportPath] = &tail{}
	}
	g.builds[e.ImportPath].write(e.Output)
	if e.Action == "build-fail" {
		g.broken[e.ImportPath] = true
	}
}

// handleTest follows a test or, where the event names none, a package. What a
// benchmark prints belongs to its package: one that is well has no end event, so
// whether one ended cannot be told.
func (g *goStream) handleTest(e goEvent) {
	id := identity{Package: e.Package, Test: e.Test}
	benchmark := strings.HasPrefix(e.Test, "Benchmark")
	switch {
	case e.Action == "fail":
		g.fail(id, e)
	case benchmark && e.Action == "output":
		g.output(identity{Package: e.Package}).write(e.Output)
	case benchmark:
	case e.Action == "start", e.Action == "run":
		g.running[id] = true
		delete(g.outputs, id)
	case e.Action == "output":
		g.output(id).write(e.Output)
	case e.Action == "pass":
		g.end(id, result{outcome: passed, seconds: e.Elapsed})
	case e.Action == "skip":
		g.end(id, result{outcome: skipped, seconds: e.Elapsed, reason: reasonOf(g.output(id).text())})
	}
}

// output is where the text of a test goes. Text alone starts no test.
func (g *goStream) output(id identity) *tail {
	if g.outputs[id] == nil {
		g.outputs[id] = &tail{}
	}
	return g.outputs[id]
}

// ended forgets a test that is no longer running.
func (g *goStream) ended(id identity) {
	delete(g.running, id)
	delete(g.outputs, id)
}

// end records a test that passed or was skipped. A package as a whole counts only
// when it fails: its skip means that it has no test files.
func (g *goStream) end(id identity, r result) {
	if id.Test == "" {
		g.abandonTests(id.Package, "started and never ended, though its package did")
	} else {
		g.suite.record(id, r)
	}
	g.ended(id)
}

func (g *goStream) fail(id identity, e goEvent) {
	if id.Test == "" {
		g.failPackage(id, e)
		return
	}
	g.suite.record(id, result{outcome: failed, seconds: e.Elapsed, output: *g.output(id)})
	g.ended(id)
}

// failPackage ends a package that failed: its unfinished tests fail with it, and
// the package itself only when no test accounts for the failure.
func (g *goStream) failPackage(id identity, e goEvent) {
	g.abandonTests(id.Package, "started and never ended")
	if e.FailedBuild != "" {
		g.suite.fail(id, append([]string{"did not build"}, g.buildOutput(e.FailedBuild)...)...)
	} else if !g.hasFailure(id.Package) {
		g.suite.fail(id, append([]string{"failed outside any test"}, g.output(id).text()...)...)
	}
	g.ended(id)
}

func (g *goStream) abandonTests(pkg, why string) {
	for id := range g.running {
		if id.Package == pkg && id.Test != "" {
			g.abandon(id, why)
		}
	}
}

func (g *goStream) buildOutput(importPath string) []string {
	delete(g.broken, importPath)
	if g.builds[importPath] == nil {
		return nil
	}
	return g.builds[importPath].text()
}

func (g *goStream) hasFailure(pkg string) bool {
	for id, r := range g.suite.results {
		if id.Package == pkg && r.outcome == failed {
			return true
		}
	}
	return false
}

func (g *goStream) abandon(id identity, why string) {
	g.suite.fail(id, append([]string{why}, g.output(id).text()...)...)
	g.ended(id)
}

// close fails what is still open when the stream ends: tests before packages, for
// a package fails only when no test of it accounts for the failure.
func (g *goStream) close() {
	const why = "started and never ended: the stream stops here"
	for id := range g.running {
		if id.Test != "" {
			g.abandon(id, why)
		}
	}
	for id := range g.running {
		if !g.hasFailure(id.Package) {
			g.abandon(id, why)
		}
	}
	for importPath := range g.broken {
		pkg, _, _ := strings.Cut(importPath, " ")
		g.suite.fail(identity{Package: pkg}, append([]string{"did not build"}, g.buildOutput(importPath)...)...)
	}
}
