package asterismapp

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

func TestRegisterList(t *testing.T) {
	for text, want := range map[string]string{
		"0":         "pcr0",
		"0,pcr7,23": "pcr0,pcr7,pcr23",
		"none":      "none",
		"":          "error", "24": "error", "15": "error", "pcr15": "error", "0,": "error", "07": "error", "-1": "error", "rtmr0": "error", "0-7": "error",
	} {
		var l registerList
		got := "error"
		if err := l.Set(text); err == nil {
			got = l.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// TestSteadyRegisters leaves out firmware that measures nothing, and everything
// that changes.
func TestSteadyRegisters(t *testing.T) {
	all := &policy.Claims{}
	for i := range measurement.PCRCount {
		set(t, all, i, measurement.Sum(measurement.SHA256, nil))
	}
	none := &policy.Claims{}
	for i := range measurement.PCRCount {
		set(t, none, i, pcrs(i)[0].PowerOn())
	}
	for want, claims := range map[string]*policy.Claims{
		"PCR 0, 2, 3, 4, 7, 8, 9, 11, 12, 13, 14": all,
		"PCR 4, 8, 9, 11, 12, 13, 14":             none,
	} {
		var l registerList
		if got := listRegisters(l.choose(pcrs(11), claims)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func set(t *testing.T, c *policy.Claims, index int, value measurement.Digest) {
	t.Helper()
	if err := c.Registers.Set(pcrs(index)[0], value); err != nil {
		t.Fatal(err)
	}
}

// someDraft is of a member of a cluster, with more measured than is looked at.
func someDraft(t *testing.T) *draft {
	t.Helper()
	claims := policy.Claims{
		Platform: evidence.ProcessVTPM,
		TPM:      &policy.TPMClaims{EK: measurement.Sum(measurement.SHA256, []byte("ek")), ResetCount: 7},
	}
	for i := range measurement.PCRCount {
		set(t, &claims, i, measurement.Sum(measurement.SHA256, nil))
	}
	secureBoot := true
	claims.SecureBoot = &secureBoot
	o := fromEvidenceOptions{release: "v1", profile: "release"}
	d, err := o.draft(&examination{
		record: &evidence.Record{Nonce: []byte("sixteen bytes ok")}, hash: "00", verified: &ports.Verified{Claims: claims},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestHeader makes sure that whatever a file is called, what it says stays a
// comment, and that what is left out is named.
func TestHeader(t *testing.T) {
	d := someDraft(t)
	rapid.Check(t, func(t *rapid.T) {
		header := d.header(rapid.String().Draw(t, "name")+"\x1b[2J\nversion: x\n"+strings.Repeat("n", 100), time.Now())
		for line := range strings.Lines(header) {
			if !strings.HasPrefix(line, "#") || utf8.RuneCountInString(line) > 80 {
				t.Fatalf("%q", line)
			}
			if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Fatalf("%q has at %d what does not print", line, i)
			}
		}
	})
	text := strings.Join(strings.Fields(strings.ReplaceAll(d.header("x", time.Now()), "#", "")), " ")
	for _, want := range []string{
		"Measured, and not looked at: PCR 1, 5, 6, 10; add what should not change.",
		"PCR 15 was not zero: the machine was a member of a cluster then.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if !d.document.RequireSecureBoot {
		t.Error("the machine had Secure Boot on, and the draft does not ask for it")
	}
}

// TestEventText holds that texts of any machine fit into a policy.
func TestEventText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")), rapid.IntRange(1, 500).Draw(t, "times"))
		if got := eventText(text); len(got) > maxEventText || !utf8.ValidString(got) {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
	})
	if diff := cmp.Diff("kernel", eventText("kernel")); diff != "" {
		t.Error(diff)
	}
}

func TestNonce(t *testing.T) {
	for text, valid := range map[string]bool{
		strings.Repeat("00", 16): true, strings.Repeat("aF", 64): true,
		"": false, strings.Repeat("00", 15): false, strings.Repeat("00", 65): false, strings.Repeat("0", 33): false, strings.Repeat("zz", 16): false,
	} {
		var n nonce
		if err := n.Set(text); (err == nil) != valid || valid && n.String() != strings.ToLower(text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestRecordsAreRecognised holds the prefix against what records begin with.
func TestRecordsAreRecognised(t *testing.T) {
	binding, err := evidence.NewVerificationBinding(make([]byte, 16), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := evidence.NewBatch([]evidence.Leaf{binding.Leaf()}, evidence.AttestationKey{})
	if err != nil {
		t.Fatal(err)
	}
	path, err := batch.Path(0)
	if err != nil {
		t.Fatal(err)
	}
	record := evidence.Record{
		Nonce: make([]byte, 16), Statement: []byte("{}"), Path: path, Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: []byte{1}},
	}
	data, err := record.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !isRecord(data) || isRecord([]byte(`{"platform": "tpm"}`)) || isRecord(nil) {
		t.Error("records and claims are not told apart")
	}
}
