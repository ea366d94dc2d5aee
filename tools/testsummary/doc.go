// Testsummary merges what several test runners reported and counts each test
// once, so that a run of many stages ends with one line that can be believed.
//
// It reads Bazel's build events (--build_event_json_file) together with the
// test.xml files they name, and the streams of go test -json. A test is known
// by its Go import path and its name; one that several sources ran failed if it
// failed anywhere, else passed if it passed anywhere, else was skipped.
//
// Subtests count and a parent with counted subtests does not, unless the parent
// failed or skipped on its own account. Fuzz targets count by their seeds,
// examples as tests, benchmarks only when they fail. A package that did not
// build, panicked outside a test or never ended is one failed test, and so is an
// input that cannot be read: a result that nobody saw is not a pass.
package main
