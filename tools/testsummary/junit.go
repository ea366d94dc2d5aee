package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxReport bounds one test.xml in bytes.
const maxReport = 256 << 20

// testCase is one testcase of a JUnit report as rules_go and Bazel write it.
type testCase struct {
	suite   string // the name of the testsuite around it
	Name    string `xml:"name,attr"`
	Time    string `xml:"time,attr"`
	Failure *note  `xml:"failure"`
	Error   *note  `xml:"error"`
	Skipped *note  `xml:"skipped"`
}

// note is the text of a failure, an error or a skip. rules_go writes the test's
// output as contents, Bazel itself only a message.
type note struct {
	Message  string `xml:"message,attr"`
	Contents string `xml:",chardata"`
}

var errNoReport = errors.New("the report holds no testsuite")

// readReport hands every testcase of a JUnit report to handle. A report without
// test cases is well formed; one without any suite element is not.
func readReport(r io.Reader, handle func(testCase) error) error {
	dec := xml.NewDecoder(io.LimitReader(r, maxReport))
	suiteName, known := "", false
	for {
		start, err := nextElement(dec)
		switch {
		case errors.Is(err, io.EOF) && known:
			return nil
		case errors.Is(err, io.EOF):
			return errNoReport
		case err != nil:
			return fmt.Errorf("reading a JUnit report: %w", err)
		}
		known = known || strings.HasPrefix(start.Name.Local, "testsuite")
		switch start.Name.Local {
		case "testsuite":
			suiteName = attribute(start, "name")
		case "testcase":
			if err := decodeCase(dec, start, suiteName, handle); err != nil {
				return err
			}
		}
	}
}

// nextElement skips to the start of the next element; at the end it is io.EOF.
func nextElement(dec *xml.Decoder) (xml.StartElement, error) {
	for {
		token, err := dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, ok := token.(xml.StartElement); ok {
			return start, nil
		}
	}
}

func decodeCase(dec *xml.Decoder, start xml.StartElement, suiteName string, handle func(testCase) error) error {
	c := testCase{suite: suiteName}
	if err := dec.DecodeElement(&c, &start); err != nil {
		return fmt.Errorf("reading a test case of %s: %w", suiteName, err)
	}
	if c.Name == "" {
		return fmt.Errorf("a test case of %s has no name", suiteName)
	}
	return handle(c)
}

func attribute(start xml.StartElement, name string) string {
	for _, attr := range start.Attr {
		if attr.Name.Local == name {
			return attr.Value
		}
	}
	return ""
}

// result translates the case. A malformed time is an error: the report is then
// not one of those this tool knows.
func (c testCase) result() (result, error) {
	r := result{outcome: passed}
	if c.Time != "" {
		seconds, err := strconv.ParseFloat(c.Time, 64)
		if err != nil {
			return result{}, fmt.Errorf("time of test case %s: %w", c.Name, err)
		}
		r.seconds = seconds
	}
	switch {
	case c.Failure != nil:
		r.fail(*c.Failure)
	case c.Error != nil:
		r.fail(*c.Error)
	case c.Skipped != nil:
		r.outcome = skipped
		r.reason = c.Skipped.reason()
	}
	return r, nil
}

func (r *result) fail(n note) {
	r.outcome = failed
	if n.Message != "" && n.Message != "Failed" {
		r.output.write(n.Message + "\n")
	}
	if n.Contents != "" {
		r.output.write(strings.TrimRight(n.Contents, "\n") + "\n")
	}
}

// reason is t.Skip's message, which rules_go leaves in the output; its message
// attribute is the constant "Skipped".
func (n note) reason() string {
	if reason := reasonOf(strings.Split(n.Contents, "\n")); reason != "" || n.Message == "Skipped" {
		return reason
	}
	return n.Message
}
