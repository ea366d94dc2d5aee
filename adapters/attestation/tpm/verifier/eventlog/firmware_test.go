package eventlog_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/eventlog"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

const (
	noAction = 3
	action   = 5
	hcrtm    = 0x80000010
)

// firmwareLog is a log of the SHA-256 bank alone, with its header changed.
func firmwareLog(change func([]byte)) []byte {
	spec := append([]byte("Spec ID Event03\x00"), 0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 11, 0, 32, 0, 0)
	log := binary.LittleEndian.AppendUint32(nil, 0)
	log = binary.LittleEndian.AppendUint32(log, noAction)
	log = append(log, make([]byte, 20)...)
	log = binary.LittleEndian.AppendUint32(log, uint32(len(spec)))
	log = append(log, spec...)
	if change != nil {
		change(log)
	}
	return log
}

// appendEvent appends an event whose digest is of its data.
func appendEvent(log []byte, register, kind uint32, data []byte) []byte {
	log = binary.LittleEndian.AppendUint32(log, register)
	log = binary.LittleEndian.AppendUint32(log, kind)
	log = append(log, 1, 0, 0, 0, 11, 0)
	log = append(log, measurement.Sum(measurement.SHA256, data).Bytes()...)
	log = binary.LittleEndian.AppendUint32(log, uint32(len(data)))
	return append(log, data...)
}

func locality(n byte) []byte { return append([]byte("StartupLocality\x00"), n) }

// TestLocality: where the TPM was started from decides what PCR 0 starts with.
func TestLocality(t *testing.T) {
	empty := firmwareLog(nil)
	measured := func(log []byte) []byte { return appendEvent(log, 0, action, []byte("x")) }
	tests := map[string]struct {
		log  []byte
		want uint8
		fail bool
	}{
		"none":             {measured(empty), 0, false},
		"zero":             {measured(appendEvent(empty, 0, noAction, locality(0))), 0, false},
		"three":            {measured(appendEvent(empty, 0, noAction, locality(3))), 3, false},
		"four":             {measured(appendEvent(empty, 0, noAction, locality(4))), 4, false},
		"H-CRTM":           {appendEvent(empty, 0, hcrtm, []byte("HCRTM")), 4, false},
		"H-CRTM later":     {appendEvent(measured(empty), 0, hcrtm, []byte("HCRTM")), 0, false},
		"another register": {measured(appendEvent(empty, 1, noAction, locality(3))), 0, false},
		"one":              {measured(appendEvent(empty, 0, noAction, locality(1))), 0, true},
		"two bytes":        {appendEvent(empty, 0, noAction, append(locality(3), 0)), 0, true},
		"too late":         {appendEvent(measured(empty), 0, noAction, locality(3)), 0, true},
		"zero twice":       {appendEvent(appendEvent(empty, 0, noAction, locality(0)), 0, noAction, locality(0)), 0, true},
		"zero, then four":  {appendEvent(appendEvent(empty, 0, noAction, locality(0)), 0, noAction, locality(4)), 0, true},
		"twice":            {appendEvent(appendEvent(empty, 0, noAction, locality(3)), 0, noAction, locality(4)), 0, true},
	}
	for name, test := range tests {
		log, err := eventlog.Parse(test.log, nil, &measurement.Registers{})
		if test.fail {
			if !errors.Is(err, eventlog.ErrMalformed) {
				t.Errorf("%s: %v, want ErrMalformed", name, err)
			}
			continue
		}
		if err != nil || log.Locality != test.want {
			t.Errorf("%s: %+v (%v), want locality %d", name, log, err, test.want)
		}
	}
}

// TestThreat23Records: a log may hold no more records than it may hold events, of
// whatever kind, so that the work which a stranger's log makes is bounded. Where the
// register was measured into last or never decides what a look for it costs.
func TestThreat23Records(t *testing.T) {
	fill := func(kind uint32, data []byte, n int) []byte {
		log := firmwareLog(nil)
		for range n {
			log = appendEvent(log, 1, kind, data)
		}
		return log
	}
	for name, log := range map[string][]byte{
		"measured":     fill(action, nil, eventlog.MaxEvents+1),
		"not measured": fill(noAction, nil, eventlog.MaxEvents+1),
		"as many as fit, all localities of another register": fill(noAction, locality(0), eventlog.MaxSize/68),
	} {
		if len(log) > eventlog.MaxSize {
			t.Fatalf("%s: the test's log has %d bytes", name, len(log))
		}
		if _, err := eventlog.Parse(log, nil, &measurement.Registers{}); !errors.Is(err, eventlog.ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", name, err)
		}
	}
	for name, kind := range map[string]uint32{"measured": action, "not measured": noAction} {
		if _, err := eventlog.Parse(fill(kind, nil, eventlog.MaxEvents), nil, &measurement.Registers{}); err != nil {
			t.Errorf("as many as may be, %s: %v", name, err)
		}
	}
}

// TestThreat23Localities: half of a log is measured elsewhere, and the other half
// says the startup locality over and over, which was told once too often by then.
func TestThreat23Localities(t *testing.T) {
	log := firmwareLog(nil)
	for range eventlog.MaxEvents / 2 {
		log = appendEvent(log, 1, action, nil)
	}
	for range eventlog.MaxEvents / 2 {
		log = appendEvent(log, 0, noAction, locality(0))
	}
	_, err := eventlog.Parse(log, nil, &measurement.Registers{})
	if want := fmt.Sprintf("event %d: ", eventlog.MaxEvents/2+2); !errors.Is(err, eventlog.ErrMalformed) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want the second locality refused", err)
	}
}

func TestMalformedFirmwareLog(t *testing.T) {
	set := func(at int, b byte) []byte { return firmwareLog(func(log []byte) { log[at] = b }) }
	event := appendEvent(firmwareLog(nil), 4, action, []byte("x"))
	header := len(firmwareLog(nil))
	change := func(at int, b byte) []byte {
		data := slices.Clone(event)
		data[header+at] = b
		return data
	}
	for name, log := range map[string][]byte{
		"register of the header": set(0, 1), "type of the header": set(4, 4), "signature": set(40, 'x'), "version": set(53, 1),
		"minor version": set(52, 1), "no banks": set(56, 0), "many banks": set(56, 200), "SHA-1 only": set(60, 4), "length of the bank": set(62, 20),
		"vendor's data": set(64, 1), "cut header": firmwareLog(nil)[:50],
		"register 24": change(0, 24), "no digest": change(8, 0), "two digests": change(8, 2), "unknown bank": change(12, 12),
		"data beyond the end": change(46, 2), "cut": event[:len(event)-1], "trailing byte": append(slices.Clone(event), 0),
	} {
		if _, err := eventlog.Parse(log, nil, &measurement.Registers{}); !errors.Is(err, eventlog.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	if log, err := eventlog.Parse(event, nil, &measurement.Registers{}); err != nil || len(log.Events) != 1 {
		t.Errorf("the genuine one: %+v (%v)", log, err)
	}
}

// TestThreat07Types: a type that is not known, or says that its digest is of its
// data where it is not, is not told.
func TestThreat07Types(t *testing.T) {
	log := firmwareLog(nil)
	log = appendEvent(log, 4, 0x7777, []byte("unknown"))
	log = appendEvent(log, 4, action, []byte("true"))
	lie := appendEvent(log, 4, action, []byte("a lie"))
	lie[len(lie)-1] ^= 1
	lie = appendEvent(lie, 9, 0x0d, []byte("\x1b[31mred\x00"))
	parsed, err := eventlog.Parse(lie, nil, &measurement.Registers{})
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{{"", ""}, {"EV_ACTION", "true"}, {"", ""}, {"EV_IPL", ".[31mred"}}
	for i, e := range parsed.Events {
		if got := [2]string{e.Type, e.Description}; got != want[i] {
			t.Errorf("event %d is told as %q, want %q", i, got, want[i])
		}
	}
}
