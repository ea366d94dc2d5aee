package main

import "strings"

// The parts of Bazel's build event protocol (build_event_stream.proto, in its
// JSON form, which leaves out default values) that tell how tests ended.

// buildEvent is one line of --build_event_json_file.
type buildEvent struct {
	ID          *eventID `json:"id"`
	LastMessage bool     `json:"lastMessage"`

	Aborted     *aborted        `json:"aborted"`
	Action      *actionExecuted `json:"action"`
	Completed   *completed      `json:"completed"`
	TestResult  *testResult     `json:"testResult"`
	TestSummary *testSummary    `json:"testSummary"`
	Finished    *finished       `json:"finished"`
}

type eventID struct {
	Pattern         *patternID `json:"pattern"`
	ActionCompleted *labelID   `json:"actionCompleted"`
	TargetCompleted *labelID   `json:"targetCompleted"`
	TestResult      *labelID   `json:"testResult"`
	TestSummary     *labelID   `json:"testSummary"`
}

type labelID struct {
	Label string `json:"label"`
}

type patternID struct {
	Pattern []string `json:"pattern"`
}

// label is what the event speaks of, or "" when it is no target or pattern.
func (id *eventID) label() string {
	for _, l := range []*labelID{id.ActionCompleted, id.TargetCompleted, id.TestResult, id.TestSummary} {
		if l != nil {
			return l.Label
		}
	}
	if id.Pattern != nil {
		return strings.Join(id.Pattern.Pattern, " ")
	}
	return ""
}

// aborted says why an announced event never came.
type aborted struct {
	Reason      string `json:"reason"`
	Description string `json:"description"`
}

type failureDetail struct {
	Message string `json:"message"`
}

type actionExecuted struct {
	Success       bool          `json:"success"`
	Type          string        `json:"type"`
	Stdout        file          `json:"stdout"`
	Stderr        file          `json:"stderr"`
	FailureDetail failureDetail `json:"failureDetail"`
}

type completed struct {
	Success       bool          `json:"success"`
	FailureDetail failureDetail `json:"failureDetail"`
}

type file struct {
	Name string `json:"name"`
	URI  string `json:"uri"`
}

// testResult is one attempt of one shard of one run of a test target.
type testResult struct {
	Status        string `json:"status"`
	StatusDetails string `json:"statusDetails"`
	CachedLocally bool   `json:"cachedLocally"`
	ExecutionInfo struct {
		CachedRemotely bool `json:"cachedRemotely"`
	} `json:"executionInfo"`
	TestActionOutput []file `json:"testActionOutput"`
}

// output returns the URI of a named output, "test.xml" or "test.log", or "".
func (r *testResult) output(name string) string {
	for _, f := range r.TestActionOutput {
		if f.Name == name {
			return f.URI
		}
	}
	return ""
}

func (r *testResult) passed() bool { return r.Status == "PASSED" || r.Status == "FLAKY" }

type testSummary struct {
	OverallStatus string `json:"overallStatus"`
}

type finished struct {
	ExitCode struct {
		Name string `json:"name"`
		Code int    `json:"code"`
	} `json:"exitCode"`
}
