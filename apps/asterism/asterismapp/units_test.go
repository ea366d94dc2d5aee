package asterismapp

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func TestSafe(t *testing.T) {
	cases := map[string]string{
		"plain text":        "plain text",
		"Grüße 東京":          "Grüße 東京",
		`\EFI\BOOT\X.EFI`:   `\EFI\BOOT\X.EFI`,
		"\x1b[31mred":       `\x1b[31mred`,
		"\u009b31m":         `\u009b31m`,
		"a\tb\r\nc\x00":     `a\tb\r\nc\x00`,
		"admitted\u202edem": `admitted\u202edem`,
		"\xff\xc3":          `\xff\xc3`,
		"\u00a0\u200b":      `\u00a0\u200b`,
		"\x7f":              `\x7f`,
	}
	for in, want := range cases {
		if got := safe(in); got != want {
			t.Errorf("safe(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestSafeAlways holds that whatever comes in, what goes out is printable.
func TestSafeAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		for _, r := range safe(text) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", safe(text), r)
			}
		}
		json := string(safeJSON([]byte(strings.ToValidUTF8(text, ""))))
		if strings.ContainsFunc(json, func(r rune) bool { return r >= 0x7f && r < 0xa0 }) {
			t.Fatalf("%q holds a control character", json)
		}
	})
}

// TestWrap holds that nothing is lost and that no line is too long.
func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-zé]{1,100}`)).Draw(t, "words")
		width := rapid.IntRange(1, 90).Draw(t, "width")
		lines := wrap(strings.Join(words, " "), width)
		for _, line := range lines {
			if utf8.RuneCountInString(line) > width {
				t.Fatalf("%q is longer than %d", line, width)
			}
		}
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.Join(words, ""); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// TestLongDigestsBreakAlike lets people compare them line by line.
func TestLongDigestsBreakAlike(t *testing.T) {
	for _, width := range []int{66, 64, 146} {
		got := wrap(strings.Repeat("a", 96), width)
		if width < 96 && (len(got) != 2 || len(got[0]) != 64) {
			t.Errorf("at width %d: %q", width, got)
		}
		if width > 96 && len(got) != 1 {
			t.Errorf("at width %d: %q", width, got)
		}
	}
}

func TestVersionReport(t *testing.T) {
	built := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	if got := newVersionReport(built, true); got.Revision != "abc-dirty" || !strings.Contains(got.String(), "revision  abc-dirty\n") {
		t.Errorf("got %+v", got)
	}
	if got := newVersionReport(nil, false); got.Revision != "" || got.Version != version {
		t.Errorf("got %+v", got)
	}
}

func TestEscapeRoff(t *testing.T) {
	cases := map[string]string{
		".SH":   `\&.SH`,
		"'x":    `\&'x`,
		`a\b-c`: `a\eb\-c`,
		"3…":    `3\[u2026]`,
	}
	for in, want := range cases {
		if got := escapeRoff(in); got != want {
			t.Errorf("escapeRoff(%q) = %q, want %q", in, got, want)
		}
	}
	if got := quoteRoff(`a"b`); got != `"a\(dqb"` {
		t.Errorf("quoteRoff gives %s", got)
	}
}

// TestDetails shows what the examples do not hold: many values, an end of a log,
// several releases.
func TestDetails(t *testing.T) {
	p := newPage(80, false)
	writeFinding(p, 1, &policy.Finding{
		Code: policy.CodePCRMismatch, Subject: "PCR 4", Remedy: "Do something.",
		Expected:    []string{"a", "b", "c", "d", "e", "f"},
		ExplainedBy: []string{"v1", "v0 (old)"},
		Divergence:  &policy.Divergence{Position: 1, Seen: &measurement.Event{Digest: measurement.Sum(measurement.SHA256, nil)}},
	})
	got := p.String()
	want := `1. PCR_MISMATCH: PCR 4
   expected   a
   or         b
   or         c
   or         d
   or         2 more; -o json lists them
   seen       nothing
   diverges   at event 2 of this register
     expected no further event
     seen     e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
   known from release v1, v0 (old)
   to do      Do something.
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestChecked lists what hardware was checked for.
func TestChecked(t *testing.T) {
	e := &explanation{
		Platform: "x", document: &policy.Document{RequireSecureBoot: true},
		claims: &policy.Claims{
			SNP: &policy.SNPClaims{ProductLine: policy.Genoa},
			TDX: &policy.TDXClaims{TCBStatus: policy.UpToDate, PPID: policy.Hex{1}},
		},
		Verdict: policy.Verdict{Release: "v1"},
	}
	p := newPage(80, false)
	e.writeChecked(p)
	for _, want := range []string{"Secure Boot     enabled", "Genoa is accepted", "not told by the host", "UpToDate; debugging off", "01 is not denied"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("no %q in:\n%s", want, p.String())
		}
	}
	e.Findings = []policy.Finding{{Subject: "reported TCB", Severity: policy.Warn}}
	p = newPage(80, false)
	e.writeChecked(p)
	if slices.Contains(strings.Fields(p.String()), "floor") {
		t.Errorf("a TCB below its floor is listed as checked:\n%s", p.String())
	}
}

// TestStatement shows what a machine said, where it is more than that it was asked.
func TestStatement(t *testing.T) {
	for statement, want := range map[string]string{
		attestStatement:          "Not checked offline: the mark of the cluster.\n",
		"{\"cluster\":\"\x1b\"}": "Beside the nonce the machine said: {\"cluster\":\"\\x1b\"}\nNot checked offline: the mark of the cluster.\n",
	} {
		e := &explanation{Evidence: &evidenceTitle{Statement: statement, FreshnessChecked: true}}
		p := newPage(80, false)
		e.writeUnchecked(p)
		if p.String() != want {
			t.Errorf("got %q, want %q", p.String(), want)
		}
	}
}
