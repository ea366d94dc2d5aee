package policy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func encodeVerdict(t testing.TB, v policy.Verdict) []byte {
	t.Helper()
	data, err := policy.EncodeVerdict(v)
	if err != nil {
		t.Fatalf("encoding a verdict: %v", err)
	}
	if len(data) > policy.MaxVerdictSize {
		t.Fatalf("%d bytes, at most %d", len(data), policy.MaxVerdictSize)
	}
	return data
}

func decodeVerdict(t testing.TB, data []byte) policy.Verdict {
	t.Helper()
	v, err := policy.DecodeVerdict(data)
	if err != nil {
		t.Fatalf("decoding %.200q: %v", data, err)
	}
	return v
}

// What appraisal finds travels as it is.
func TestVerdictRoundTrip(t *testing.T) {
	for _, c := range goldenCases() {
		want := c.session.Appraise(c.claims, newPolicy(t, c.policy), now)
		data := encodeVerdict(t, want)
		if diff := cmp.Diff(want, decodeVerdict(t, data), cmp.Comparer(func(a, b measurement.Register) bool { return a == b }),
			cmp.Comparer(func(a, b measurement.Digest) bool { return a == b })); diff != "" {
			t.Errorf("%s (-sent +received):\n%s", c.name, diff)
		}
		plain, err := json.Marshal(want)
		if err != nil || !sameJSON(plain, data) {
			t.Errorf("%s: the encoding is not the verdict's JSON: %s, %v", c.name, data, err)
		}
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
}

func refusal(subject string) policy.Finding {
	return policy.Finding{Code: policy.CodePCRMismatch, Severity: policy.Refuse, Subject: subject, Seen: "seen", Remedy: "Do so."}
}

func warning(subject string) policy.Finding {
	f := refusal(subject)
	f.Severity = policy.Warn
	return f
}

func TestEncodeVerdictSortsRefusalsFirst(t *testing.T) {
	sent := policy.Verdict{Findings: []policy.Finding{warning("a"), refusal("b"), warning("c"), refusal("d")}}
	got := decodeVerdict(t, encodeVerdict(t, sent))
	want := []string{"refuse PCR_MISMATCH b", "refuse PCR_MISMATCH d", "warn PCR_MISMATCH a", "warn PCR_MISMATCH c"}
	if diff := cmp.Diff(want, summary(got)); diff != "" || sent.Findings[0].Subject != "a" {
		t.Errorf("findings, or the caller's were sorted (-want +got):\n%s", diff)
	}
}

// Too many findings: warnings go first, then the last refusals, and it is said.
func TestEncodeVerdictOmitsTheLeastSevere(t *testing.T) {
	tests := []struct {
		name               string
		refusals, warnings int
		text               string
		wantRefusals       int // -1 where the size decides
		wantWarnings       int
	}{
		{"as many as may be", 200, 56, "", 200, 56},
		{"one too many", 200, 57, "", 200, 55},
		{"only refusals", 300, 0, "", 255, 0},
		{"the largest", 1, 0, strings.Repeat("x", 1024), 1, 0},
		{"too large", 100, 50, strings.Repeat("x", 1024), -1, 0},
		{"too large to escape", 100, 50, strings.Repeat(`"`, 1024), -1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sent policy.Verdict
			for i := range tt.refusals + tt.warnings {
				f := refusal(fmt.Sprint(i))
				if i >= tt.refusals {
					f = warning(fmt.Sprint(i))
				}
				f.Remedy += tt.text
				sent.Findings = append(sent.Findings, f)
			}
			checkOmitted(t, &sent, tt.wantRefusals, tt.wantWarnings)
		})
	}
}

func checkOmitted(t *testing.T, sent *policy.Verdict, refusals, warnings int) {
	t.Helper()
	data := encodeVerdict(t, *sent)
	got := decodeVerdict(t, data)
	kept := got.Findings
	if last := got.Findings[len(got.Findings)-1]; last.Code == policy.CodeFindingsOmitted {
		kept = got.Findings[:len(got.Findings)-1]
		if want := fmt.Sprintf("%d more", len(sent.Findings)-len(kept)); last.Seen != want || last.Severity != policy.Warn {
			t.Errorf("the note is %+v, want %s", last, want)
		}
	} else if len(kept) != len(sent.Findings) {
		t.Errorf("%d of %d findings without a note", len(kept), len(sent.Findings))
	}
	for i, f := range kept {
		if f.Subject != sent.Findings[i].Subject {
			t.Fatalf("finding %d is %q", i, f.Subject)
		}
	}
	refused := 0
	for _, f := range kept {
		if f.Severity == policy.Refuse {
			refused++
		}
	}
	if refusals >= 0 && (refused != refusals || len(kept)-refused != warnings) {
		t.Errorf("%d refusals and %d warnings are left, want %d and %d", refused, len(kept)-refused, refusals, warnings)
	}
	if refusals < 0 && len(data) < policy.MaxVerdictSize*9/10 {
		t.Errorf("%d findings in %d bytes: there was room for more", len(kept), len(data))
	}
}

// sized returns a verdict of n findings, the first of which is longer by extra.
func sized(n, extra int) policy.Verdict {
	var v policy.Verdict
	for i := range n {
		f := refusal(fmt.Sprintf("%03d", i))
		f.Remedy = strings.Repeat("x", 500)
		v.Findings = append(v.Findings, f)
	}
	v.Findings[0].Seen += strings.Repeat("y", extra)
	return v
}

// There is room to the last byte, without a note and with one.
func TestEncodeVerdictUsesAllRoom(t *testing.T) {
	one, two := len(encodeVerdict(t, sized(1, 0))), len(encodeVerdict(t, sized(2, 0)))
	n := 1 + (policy.MaxVerdictSize-one)/(two-one)
	for name, n := range map[string]int{"without a note": n, "with a note": n + 150} {
		data := encodeVerdict(t, sized(n, 0))
		full := encodeVerdict(t, sized(n, policy.MaxVerdictSize-len(data)))
		kept := len(decodeVerdict(t, full).Findings)
		if len(full) != policy.MaxVerdictSize || kept != len(decodeVerdict(t, data).Findings) {
			t.Errorf("%s: %d bytes with %d findings, want %d", name, len(full), kept, policy.MaxVerdictSize)
		}
		over := decodeVerdict(t, encodeVerdict(t, sized(n, policy.MaxVerdictSize-len(data)+1)))
		if last := over.Findings[len(over.Findings)-1]; last.Code != policy.CodeFindingsOmitted || len(over.Findings) > kept {
			t.Errorf("%s, a byte more: %d findings, the last %+v", name, len(over.Findings), last)
		}
	}
}

// A finding that is too large by a byte is cut, and one that is not is left alone.
func TestEncodeVerdictCutsLargeFindings(t *testing.T) {
	large := func(extra int) policy.Finding {
		f := refusal("large")
		f.Expected = slices.Repeat([]string{strings.Repeat("x", 1000)}, 12)
		f.Seen = strings.Repeat("y", extra)
		return f
	}
	size := func(f policy.Finding) int {
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return len(data)
	}
	extra := 1 + 12<<10 - size(large(1))
	for extra, want := range map[int]int{extra: 1000, extra + 1: 128} {
		got := decodeVerdict(t, encodeVerdict(t, policy.Verdict{Findings: []policy.Finding{large(extra)}})).Findings[0]
		if len(got.Expected[11]) != want || len(got.Expected) != 12 {
			t.Errorf("%d texts of %d bytes, want 12 of %d", len(got.Expected), len(got.Expected[11]), want)
		}
	}
}

// However a finding is, its verdict arrives.
func TestEncodeVerdictAlwaysFits(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.Just(strings.Repeat("<\"\u2028é\x00", 400)), rapid.Just("\xff\xfe\x1b[31m"), rapid.Just(strings.Repeat("é", 512)+"x"))
	event := rapid.Custom(func(t *rapid.T) *measurement.Event {
		digest := rapid.SampledFrom([]measurement.Digest{{}, sha256Of("e"), sha384Of("e")}).Draw(t, "digest")
		return &measurement.Event{Register: register("pcr4"), Digest: digest, Type: texts.Draw(t, "type"), Description: texts.Draw(t, "description")}
	})
	finding := rapid.Custom(func(t *rapid.T) policy.Finding {
		f := policy.Finding{
			Code: policy.CodePCRMismatch, Severity: rapid.SampledFrom([]policy.Severity{policy.Refuse, policy.Warn}).Draw(t, "severity"),
			Subject: texts.Draw(t, "subject"), Seen: texts.Draw(t, "seen"), Remedy: texts.Draw(t, "remedy"),
			Expected: rapid.SliceOfN(texts, 0, 18).Draw(t, "expected"), ExplainedBy: rapid.SliceOfN(texts, 0, 18).Draw(t, "explained"),
		}
		if rapid.Bool().Draw(t, "diverges") {
			f.Divergence = &policy.Divergence{Position: rapid.IntRange(-2, 9000).Draw(t, "position"), Seen: event.Draw(t, "seen")}
		}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		sent := policy.Verdict{Release: texts.Draw(t, "release"), Firmware: texts.Draw(t, "firmware"), Admitted: true}
		sent.Findings = rapid.SliceOfN(finding, 0, 9).Draw(t, "findings")
		for _, f := range sent.Findings {
			sent.Admitted = sent.Admitted && f.Severity == policy.Warn
		}
		data, err := policy.EncodeVerdict(sent)
		if err != nil || len(data) > policy.MaxVerdictSize {
			t.Fatalf("EncodeVerdict = %d bytes, %v", len(data), err)
		}
		got, err := policy.DecodeVerdict(data)
		if err != nil || got.Admitted != sent.Admitted {
			t.Fatalf("DecodeVerdict = %v, %v", got.Admitted, err)
		}
		if len(sent.Findings) > 0 && len(got.Findings) < min(5, len(sent.Findings)) {
			t.Fatalf("%d of %d findings arrived", len(got.Findings), len(sent.Findings))
		}
		checkTexts(t, &got)
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

// checkTexts holds every text against what a peer is promised.
func checkTexts(t failer, v *policy.Verdict) {
	texts := []string{v.Release, v.Firmware}
	for _, f := range v.Findings {
		texts = append(texts, f.Subject, f.Seen, f.Remedy)
		texts = slices.Concat(texts, f.Expected, f.ExplainedBy)
		if d := f.Divergence; d != nil && d.Seen != nil {
			texts = append(texts, d.Seen.Type, d.Seen.Description)
		}
	}
	for _, text := range texts {
		if len(text) > 1024 || strings.ContainsFunc(text, unicode.IsControl) {
			t.Fatalf("a text of %d bytes: %q", len(text), text)
		}
	}
}

// A text that is cut says so, and is cut between characters.
func TestEncodeVerdictCutsTexts(t *testing.T) {
	for _, tt := range []struct{ sent, want string }{
		{strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		{strings.Repeat("x", 1025), strings.Repeat("x", 1021) + "…"},
		{strings.Repeat("é", 513), strings.Repeat("é", 510) + "…"},
		{"bell \a, DEL \x7f, CSI \u009b, broken \xff", "bell �, DEL �, CSI �, broken �"},
	} {
		f := refusal("text")
		f.Seen = tt.sent
		got := decodeVerdict(t, encodeVerdict(t, policy.Verdict{Findings: []policy.Finding{f}}))
		if got.Findings[0].Seen != tt.want {
			t.Errorf("%.40q… became %q", tt.sent, got.Findings[0].Seen)
		}
	}
}

// What of a finding could not be read again is left out; the rest arrives.
func TestEncodeVerdictDropsWhatCannotBeRead(t *testing.T) {
	e := &measurement.Event{Register: register("pcr4"), Digest: sha256Of("e")}
	for name, tt := range map[string]struct{ sent, want *policy.Divergence }{
		"before the first event": {&policy.Divergence{Position: -1, Seen: e}, nil},
		"the first event":        {&policy.Divergence{Position: 0, Seen: e}, &policy.Divergence{Position: 0, Seen: e}},
		"the last event":         {&policy.Divergence{Position: policy.MaxEvents, Seen: e}, &policy.Divergence{Position: policy.MaxEvents, Seen: e}},
		"after the last":         {&policy.Divergence{Position: policy.MaxEvents + 1, Seen: e}, nil},
		"an event of no digest":  {&policy.Divergence{Position: 1, Seen: &measurement.Event{}, Expected: e}, &policy.Divergence{Position: 1, Expected: e}},
	} {
		f := refusal("PCR 4")
		f.Divergence = tt.sent
		f.Expected = slices.Repeat([]string{"a"}, 17)
		got := decodeVerdict(t, encodeVerdict(t, policy.Verdict{Findings: []policy.Finding{f}})).Findings[0]
		if !sameDivergence(t, got.Divergence, tt.want) || len(got.Expected) != 16 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func sameDivergence(t *testing.T, a, b *policy.Divergence) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	return err == nil && bytes.Equal(x, y)
}

func contradictions() map[string]policy.Verdict {
	with := func(admitted bool, change func(*policy.Finding)) policy.Verdict {
		f := refusal("PCR 4")
		change(&f)
		return policy.Verdict{Admitted: admitted, Findings: []policy.Finding{f}}
	}
	return map[string]policy.Verdict{
		"admitted with a refusal":          with(true, func(*policy.Finding) {}),
		"admitted with a refusal behind":   {Admitted: true, Findings: []policy.Finding{warning("a"), refusal("b")}},
		"refused without a finding":        {},
		"refused with a warning only":      with(false, func(f *policy.Finding) { f.Severity = policy.Warn }),
		"no severity":                      with(false, func(f *policy.Finding) { f.Severity = "" }),
		"a severity that nobody knows":     with(false, func(f *policy.Finding) { f.Severity = "praise" }),
		"no code":                          with(false, func(f *policy.Finding) { f.Code = "" }),
		"a code in lower case":             with(false, func(f *policy.Finding) { f.Code = "PCR_mismatch" }),
		"a code that begins with a digit":  with(false, func(f *policy.Finding) { f.Code = "1ST" }),
		"a code that begins with a stroke": with(false, func(f *policy.Finding) { f.Code = "_A" }),
		"a code that is too long":          with(false, func(f *policy.Finding) { f.Code = policy.Code(strings.Repeat("A", 65)) }),
	}
}

func TestEncodeVerdictRefusesContradictions(t *testing.T) {
	for name, v := range contradictions() {
		if data, err := policy.EncodeVerdict(v); !errors.Is(err, policy.ErrVerdict) || data != nil {
			t.Errorf("%s: %s, %v; want ErrVerdict", name, data, err)
		}
	}
	for _, code := range []policy.Code{"A", "Z9_", policy.Code(strings.Repeat("A", 64))} {
		f := refusal("of a newer peer")
		f.Code = code
		encodeVerdict(t, policy.Verdict{Findings: []policy.Finding{f}})
	}
}

func TestDecodeVerdictRefuses(t *testing.T) {
	valid := string(encodeVerdict(t, policy.Verdict{Release: "v1", Findings: []policy.Finding{refusal("PCR 4")}}))
	replaced := func(from, to string) string {
		if !strings.Contains(valid, from) {
			t.Fatalf("%s is not in %s", from, valid)
		}
		return strings.Replace(valid, from, to, 1)
	}
	_, behind, _ := strings.Cut(valid, `"admitted":false`)
	finding := valid[strings.Index(valid, "[")+1 : strings.LastIndex(valid, "]")]
	many := strings.TrimSuffix(strings.Repeat(finding+",", policy.MaxFindings+1), ",")
	tests := map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "no fields": "{}",
		"trailing data":     valid + "{}",
		"trailing space":    valid + "\n",
		"leading space":     " " + valid,
		"cut":               valid[:len(valid)-1],
		"unknown field":     replaced(`"admitted"`, `"hint":"","admitted"`),
		"unknown in depth":  replaced(`"code"`, `"hint":"","code"`),
		"repeated field":    replaced(`"admitted":false`, `"admitted":true,"admitted":false`),
		"field of any case": replaced(`"admitted"`, `"Admitted"`),
		"another order":     `{"findings":[],"admitted":false` + behind,
		"null for a list":   replaced("["+finding+"]", "null"),
		"admitted, refused": replaced(`"admitted":false`, `"admitted":true`),
		"refused for none":  replaced(finding, ""),
		"unknown severity":  replaced(`"refuse"`, `"maybe"`),
		"control character": replaced("Do so.", `Do\u001bso.`),
		"control above 127": replaced("Do so.", "Do\u009bso."),
		"escaped letter":    replaced("Do so.", `\u0044o so.`),
		"broken UTF-8":      replaced("Do so.", "Do\xff so."),
		"long text":         replaced("Do so.", strings.Repeat("x", 1025)),
		"warnings first":    replaced(finding, strings.Replace(finding, "refuse", "warn", 1)+","+finding),
		"too many findings": replaced(finding, many),
		"too large":         replaced("Do so.", strings.Repeat("x", policy.MaxVerdictSize)),
		"text for a number": replaced(`"remedy"`, `"divergence":{"position":"1"},"remedy"`),
	}
	for name, data := range tests {
		if v, err := policy.DecodeVerdict([]byte(data)); !errors.Is(err, policy.ErrVerdict) || v.Findings != nil || v.Admitted {
			t.Errorf("%s: %+v, %v; want ErrVerdict and nothing", name, v, err)
		}
	}
	for name, v := range contradictions() {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policy.DecodeVerdict(data); !errors.Is(err, policy.ErrVerdict) {
			t.Errorf("%s: %v, want ErrVerdict", name, err)
		}
	}
}

func FuzzDecodeVerdict(f *testing.F) {
	for _, c := range goldenCases() {
		f.Add(encodeVerdict(f, c.session.Appraise(c.claims, newPolicy(f, c.policy), now)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := policy.DecodeVerdict(data)
		if err != nil {
			if !errors.Is(err, policy.ErrVerdict) {
				t.Fatalf("error = %v", err)
			}
			return
		}
		again, err := policy.EncodeVerdict(v)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q decodes, but encodes to %q, %v", data, again, err)
		}
		refused := slices.ContainsFunc(v.Findings, func(f policy.Finding) bool { return f.Severity != policy.Warn })
		if v.Admitted == refused || len(v.Findings) > policy.MaxFindings {
			t.Fatalf("admitted %v with %v", v.Admitted, summary(v))
		}
		checkTexts(t, &v)
	})
}

func TestDecodeVerdictReadsNothingOverItsBound(t *testing.T) {
	_, err := policy.DecodeVerdict(make([]byte, policy.MaxVerdictSize+1))
	if !errors.Is(err, policy.ErrVerdict) || !strings.Contains(err.Error(), "65537 bytes") {
		t.Errorf("DecodeVerdict = %v, want a refusal for the size", err)
	}
}

func TestVerdictTextsStayAsTheyAre(t *testing.T) {
	f := refusal("<PCR> & co")
	f.Code = "A0Z9_"
	data := encodeVerdict(t, policy.Verdict{Findings: []policy.Finding{f}})
	if !strings.Contains(string(data), `"<PCR> & co"`) {
		t.Errorf("escaped: %s", data)
	}
	if got := decodeVerdict(t, data); got.Findings[0].Code != f.Code {
		t.Errorf("code %q, want %q", got.Findings[0].Code, f.Code)
	}
}
