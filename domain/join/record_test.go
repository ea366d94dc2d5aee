package join_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func fullRecord() *join.Record {
	s := controlPlane().joined()
	r := s.f.Own.Next(join.Withheld, "NODE_SILENT", "BOOT_MISMATCH")
	r.Chip = chip(3)
	return r
}

// The form is fixed: records of other versions are read again.
func TestRecordEncoding(t *testing.T) {
	r := fullRecord()
	r.Chip = policy.Hex{1, 2}
	want := `{"approval":8,"attested":"2026-07-01T11:00:00Z","boot":{"ak":"` + hashOf("AK 1").String() + `","resetCount":1,"restartCount":1},` +
		`"chip":"0102","codes":["NODE_SILENT","BOOT_MISMATCH"],"directive":9,"disk":"` + disk + `","evidence":"` + hashOf("evidence").String() + `",` +
		`"holder":{"ak":"` + hashOf("AK 1").String() + `","resetCount":1,"restartCount":1},` +
		`"identity":"` + machine("one").String() + `","joined":"2026-07-01T10:00:00Z","kind":"join","name":"node-1","platform":"qemu-vtpm","policy":4,` +
		`"release":"v1.2.3","request":"01000000000000000000000000000000","role":"control-plane","serial":3,"spent":8,"state":"withheld","version":"asterism/node-record/v1"}`
	if data := encode(t, r); string(data) != want {
		t.Errorf("encoding\n%s\nwant\n%s", data, want)
	}
}

func TestRecordsAreReadAgain(t *testing.T) {
	for _, r := range []*join.Record{fullRecord(), rejoin().decide().Record, teeRejoin().decide().Record, teeJoin().decide().Record, fullRecord().Next(join.Revoked)} {
		again, err := join.DecodeRecord(encode(t, r))
		if diff := cmp.Diff(r, again, comparables()); diff != "" || err != nil {
			t.Errorf("%v; (-want +got):\n%s", err, diff)
		}
	}
}

func TestInvalidRecords(t *testing.T) {
	const tooMuch = 1 << 53
	for _, tt := range []struct {
		path   string
		change func(*join.Record)
	}{
		{"version", func(r *join.Record) { r.Version = "asterism/node-record/v2" }},
		{"serial", func(r *join.Record) { r.Serial = 0 }},
		{"serial", func(r *join.Record) { r.Serial = tooMuch }},
		{"identity", func(r *join.Record) {
			r.Identity, r.Platform = join.Identity{}, evidence.QEMUSNP
			r.Boot = join.Boot{Session: r.Boot.AK}
		}},
		{"state", func(r *join.Record) { r.State = "gone" }},
		{"name", func(r *join.Record) { r.Name = "system:masters" }},
		{"role", func(r *join.Record) { r.Role = "" }},
		{"disk", func(r *join.Record) { r.Disk = "sda" }},
		{"platform", func(r *join.Record) { r.Platform = "abacus" }},
		{"platform", func(r *join.Record) { r.Platform = evidence.QEMUSNP }},
		{"chip", func(r *join.Record) { r.Chip = bytes.Repeat([]byte{1}, 65) }},
		{"boot", func(r *join.Record) { r.Boot.AK = measurement.Digest{} }},
		{"boot", func(r *join.Record) { r.Boot.AK = measurement.Sum(measurement.SHA384, nil) }},
		{"boot", func(r *join.Record) { r.Boot.Session = hashOf("session") }},
		{"holder", func(r *join.Record) { r.Holder.ResetCount++ }},
		{"holder", func(r *join.Record) { r.State, r.Codes, r.Holder.ResetCount = join.Member, nil, 0 }},
		{"holder", func(r *join.Record) { intended(r); r.Codes, r.Holder.AK = nil, measurement.Digest{} }},
		{"holder", func(r *join.Record) { intended(r); r.Codes, r.Holder.Session = nil, hashOf("session") }},
		{"request", func(r *join.Record) { r.Request = join.RequestID{} }},
		{"kind", func(r *join.Record) { r.Kind = "" }},
		{"release", func(r *join.Record) { r.Release = strings.Repeat("a", 65) }},
		{"release", func(r *join.Record) { r.Release = "v1 " }},
		{"release", func(r *join.Record) { r.Release = "v1\x7f" }},
		{"release", func(r *join.Record) { r.Release = "vé" }},
		{"policy", func(r *join.Record) { r.Policy = 0 }},
		{"policy", func(r *join.Record) { r.Policy = tooMuch }},
		{"directive", func(r *join.Record) { r.Directive, r.Approval, r.Spent = 0, 0, 0 }},
		{"directive", func(r *join.Record) { r.Directive = tooMuch }},
		{"approval", func(r *join.Record) { r.Approval = 9 }},
		{"approval", func(r *join.Record) { r.Spent = 10 }},
		{"evidence", func(r *join.Record) { r.Evidence = measurement.Sum(measurement.SHA384, nil) }},
		{"joined", func(r *join.Record) { r.Joined = time.Time{} }},
		{"joined", func(r *join.Record) { r.Joined = now.In(time.FixedZone("", 3600)) }},
		{"attested", func(r *join.Record) { r.Attested = now.Add(time.Microsecond) }},
		{"attested", func(r *join.Record) { r.Attested = now.AddDate(9000, 0, 0) }},
		{"attested", func(r *join.Record) { r.Attested = now.AddDate(-3000, 0, 0) }},
		{"codes", func(r *join.Record) { r.Codes = nil }},
		{"codes", func(r *join.Record) { r.State = join.Member }},
		{"codes", func(r *join.Record) { r.State = join.Intended }},
		{"codes", func(r *join.Record) { r.State, r.Codes = join.Member, r.Codes[:1] }},
		{"codes", func(r *join.Record) { r.Codes = make([]policy.Code, join.MaxCodes+1) }},
		{"codes[1]", func(r *join.Record) { r.Codes[1] = "" }},
		{"codes[1]", func(r *join.Record) { r.Codes[1] = "node_silent" }},
		{"codes[1]", func(r *join.Record) { r.Codes[1] = policy.Code(strings.Repeat("A", 65)) }},
	} {
		r := fullRecord()
		tt.change(r)
		_, err := r.Encode()
		var invalid *join.InvalidError
		if !errors.Is(err, join.ErrRecord) || !errors.As(err, &invalid) || invalid.Problems[0].Path != tt.path || strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: %v", tt.path, err)
		}
	}
	tee := teeJoin().decide().Record
	tee.Boot.ResetCount = 1
	if err := tee.Validate(); !errors.Is(err, join.ErrRecord) {
		t.Errorf("a machine without a TPM counts resets: %v", err)
	}
}

// The bounds themselves are within them.
func TestLargestRecord(t *testing.T) {
	r := fullRecord()
	r.Serial, r.Policy, r.Directive, r.Approval, r.Spent = 1<<53-1, 1<<53-1, 1<<53-1, 1<<53-1, 1<<53-1
	r.Release, r.Name = strings.Repeat("~", 64), join.NodeName(strings.Repeat("a", 63))
	r.Codes = slicesOf(join.MaxCodes, policy.Code(strings.Repeat("A", 64)))
	if data := encode(t, r); len(data) > join.MaxRecordSize {
		t.Errorf("%d bytes", len(data))
	}
}

func slicesOf[T any](n int, v T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func TestDecodeRecordRefuses(t *testing.T) {
	data := string(encode(t, fullRecord()))
	for name, bad := range map[string]string{
		"nothing":         "",
		"a field more":    strings.Replace(data, `{`, `{"admin":true,`, 1),
		"space":           data + " ",
		"another value":   data + "{}",
		"another order":   strings.Replace(data, `"resetCount":1,"restartCount":1`, `"restartCount":1,"resetCount":1`, 1),
		"a field twice":   strings.Replace(data, `"serial":3`, `"serial":2,"serial":3`, 1),
		"another case":    strings.Replace(data, `"role"`, `"Role"`, 1),
		"another state":   strings.Replace(data, `"withheld"`, `"gone"`, 1),
		"upper-case hex":  strings.Replace(data, `"0303`, `"0A03`, 1),
		"no codes":        strings.Replace(data, `["NODE_SILENT","BOOT_MISMATCH"]`, `null`, 1),
		"a fraction":      strings.Replace(data, `"serial":3`, `"serial":3.0`, 1),
		"another zone":    strings.Replace(data, `T11:00:00Z`, `T11:00:00+00:00`, 1),
		"another version": strings.Replace(data, `record/v1`, `record/v2`, 1),
		"too large":       data + strings.Repeat(" ", join.MaxRecordSize),
	} {
		if bad == data {
			t.Fatalf("%s changes nothing", name)
		}
		if r, err := join.DecodeRecord([]byte(bad)); !errors.Is(err, join.ErrRecord) || r != nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestNextRecord(t *testing.T) {
	r := fullRecord()
	before := r.Clone()
	n := r.Next(join.Member)
	if n.Serial != r.Serial+1 || n.State != join.Member || len(n.Codes) != 0 {
		t.Errorf("serial %d, %s, %v", n.Serial, n.State, n.Codes)
	}
	n.Chip[0], n = 9, r.Next(join.Revoked)
	for _, state := range []join.State{join.Intended, join.Member, join.Withheld} {
		if after := n.Next(state, "NODE_SILENT"); after.State != join.Revoked || len(after.Codes) != 0 || after.Serial != n.Serial+1 {
			t.Errorf("a revoked node is %s because of %v", after.State, after.Codes)
		}
	}
	c := r.Clone()
	c.Codes[0], c.Chip[0] = "X", 8
	if diff := cmp.Diff(before, r, comparables()); diff != "" {
		t.Errorf("what a copy changes shows in the record:\n%s", diff)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(encode(f, fullRecord()))
	f.Add(encode(f, teeJoin().decide().Record))
	f.Add([]byte(`{"version":"asterism/node-record/v1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := join.DecodeRecord(data)
		if err != nil {
			if r != nil || !errors.Is(err, join.ErrRecord) {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		if !bytes.Equal(encode(t, r), data) {
			t.Fatalf("%q is written as %q", data, encode(t, r))
		}
	})
}
