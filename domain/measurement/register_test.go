package measurement_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

func register(t testing.TB, name string) measurement.Register {
	t.Helper()
	r, err := measurement.ParseRegister(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegisterNamesRoundTrip(t *testing.T) {
	var last measurement.Register
	for i := range measurement.PCRCount + measurement.RTMRCount {
		bank, index := measurement.PCR, i
		if i >= measurement.PCRCount {
			bank, index = measurement.RTMR, i-measurement.PCRCount
		}
		r, err := measurement.NewRegister(bank, index)
		if err != nil || r.Bank() != bank || r.Index() != index {
			t.Fatalf("NewRegister(%d, %d) = %v, %v", bank, index, r, err)
		}
		if back := register(t, r.Name()); back != r {
			t.Errorf("ParseRegister(%s) = %v", r.Name(), back)
		}
		if i > 0 && last.Compare(r) >= 0 {
			t.Errorf("%v does not order before %v", last, r)
		}
		last = r
	}
}

func TestRegisterNamesForPeople(t *testing.T) {
	for name, want := range map[string]string{"pcr4": "PCR 4", "pcr15": "PCR 15", "rtmr3": "RTMR[3]"} {
		if got := register(t, name).String(); got != want {
			t.Errorf("String = %s, want %s", got, want)
		}
	}
}

func TestParseRegisterRefuses(t *testing.T) {
	for _, name := range []string{
		"", "pcr", "pcr24", "pcr-1", "pcr04", "pcr+4", "PCR4", "pcr 4", "rtmr4", "rtmr", "mrtd", "4",
		"pcr99999999999999999999", "pcr4\n",
	} {
		if _, err := measurement.ParseRegister(name); !errors.Is(err, measurement.ErrRegister) {
			t.Errorf("ParseRegister(%q) = %v, want ErrRegister", name, err)
		}
	}
	for _, bad := range []struct {
		bank  measurement.Bank
		index int
	}{{measurement.PCR, 24}, {measurement.PCR, -1}, {measurement.RTMR, 4}, {measurement.RTMR, -1}, {0, 0}, {3, 0}} {
		if _, err := measurement.NewRegister(bad.bank, bad.index); !errors.Is(err, measurement.ErrRegister) {
			t.Errorf("NewRegister(%d, %d) = %v, want ErrRegister", bad.bank, bad.index, err)
		}
	}
	if a := measurement.Bank(9).Algorithm(); a != 0 {
		t.Errorf("an unknown bank has algorithm %v", a)
	}
}

func TestPowerOnValues(t *testing.T) {
	tests := map[string]string{
		"pcr0": "00", "pcr16": "00", "pcr17": "ff", "pcr22": "ff", "pcr23": "00",
	}
	for name, digit := range tests {
		if got := register(t, name).PowerOn().String(); got != strings.Repeat(digit, 32) {
			t.Errorf("%s starts with %s", name, got)
		}
	}
	for _, name := range []string{"rtmr0", "rtmr3"} {
		if got := register(t, name).PowerOn().String(); got != strings.Repeat("00", 48) {
			t.Errorf("%s starts with %s", name, got)
		}
	}
}

func TestRegistersKeepValues(t *testing.T) {
	var rs measurement.Registers
	pcr4, rtmr1 := register(t, "pcr4"), register(t, "rtmr1")
	small, large := measurement.Sum(measurement.SHA256, nil), measurement.Sum(measurement.SHA384, nil)
	if err := errors.Join(rs.Set(pcr4, small), rs.Set(rtmr1, large)); err != nil {
		t.Fatal(err)
	}
	if rs.Get(pcr4) != small || rs.Get(rtmr1) != large || rs.Len() != 2 || !rs.Get(register(t, "pcr5")).IsZero() {
		t.Errorf("registers = %v", rs)
	}
	for r, d := range map[measurement.Register]measurement.Digest{pcr4: large, rtmr1: small, register(t, "pcr0"): {}} {
		if err := rs.Set(r, d); !errors.Is(err, measurement.ErrDigest) {
			t.Errorf("Set(%v, %v) = %v, want ErrDigest", r, d.Algorithm(), err)
		}
	}
	for range rs.All() {
		break // an iteration that stops early must not go on
	}
}

func TestRegistersJSON(t *testing.T) {
	var rs measurement.Registers
	for _, name := range []string{"pcr4", "pcr15", "rtmr0"} {
		r := register(t, name)
		if err := rs.Set(r, measurement.Sum(r.Bank().Algorithm(), []byte(name))); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(rs)
	if err != nil {
		t.Fatal(err)
	}
	var back measurement.Registers
	if err := json.Unmarshal(data, &back); err != nil || back != rs {
		t.Errorf("round trip of %s: %v", data, err)
	}
	for _, bad := range []string{`[]`, `{"pcr99":""}`, `{"pcr4":"ab"}`, `{"rtmr0":"` + strings.Repeat("00", 32) + `"}`} {
		kept := back
		if err := json.Unmarshal([]byte(bad), &kept); err == nil || kept != back {
			t.Errorf("%s: error %v, changed %v", bad, err, kept != back)
		}
	}
}

func TestRules(t *testing.T) {
	for _, name := range []string{"enforce", "warn", "ignore"} {
		rule, err := measurement.ParseRule(name)
		if err != nil || rule.String() != name {
			t.Errorf("ParseRule(%s) = %v, %v", name, rule, err)
		}
		var back measurement.Rule
		text, _ := rule.MarshalText()
		if err := back.UnmarshalText(text); err != nil || back != rule {
			t.Errorf("text of %s = %s, %v", name, text, err)
		}
	}
	kept := measurement.Warn
	if err := kept.UnmarshalText([]byte("Enforce")); err == nil || kept != measurement.Warn {
		t.Errorf("UnmarshalText of an unknown rule = %v, %v", err, kept)
	}
	if got := measurement.Rule(9).String(); got != "rule(9)" {
		t.Errorf("String of an unknown rule = %s", got)
	}
}
