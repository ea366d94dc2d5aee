package eventlog_test

import (
	"bytes"
	"crypto/sha256"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/eventlog"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/recordedtest"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// genuineLog is a recorded log that is read, and what a TPM would quote after it.
type genuineLog struct {
	recordedtest.Log

	parsed *eventlog.Log
	quoted measurement.Registers
}

// genuineLogs are the recordings with digests of the SHA-256 bank. Most have no
// registers recorded with them: those that the log leads to stand in for all, which
// TestRecorded holds against the recorded ones where there are some.
func genuineLogs(t *testing.T) []genuineLog {
	t.Helper()
	var logs []genuineLog
	for _, recording := range recordedtest.Logs(t) {
		if slices.Contains(sha1Only(), recording.Name) {
			continue
		}
		first, err := eventlog.Parse(recording.Data, nil, &recording.Registers)
		if err != nil {
			t.Fatal(err)
		}
		g := genuineLog{Log: recording, quoted: measurement.Replay(first.Locality, first.Events)}
		if g.parsed, err = eventlog.Parse(recording.Data, nil, &g.quoted); err != nil {
			t.Fatal(err)
		}
		logs = append(logs, g)
	}
	return logs
}

// read reads the log with the byte changed, beside the registers of the genuine
// one. It is nil where that is refused.
func (g *genuineLog) read(at int, b byte) *eventlog.Log {
	data := slices.Clone(g.Data)
	data[at] = b
	log, err := eventlog.Parse(data, nil, &g.quoted)
	if err != nil || len(measurement.Unexplained(log.Locality, log.Events, &g.quoted)) > 0 {
		return nil
	}
	return log
}

// hashesItsData are the types whose digest has to be of the data.
func hashesItsData() []uint32 {
	return []uint32{0x4, 0x5, 0x8, 0x11, 0x12, 0x80000001, 0x80000007}
}

// TestThreat07EveryRecording alters each event of all recorded logs: its register
// and its digest, which the quoted registers cover, and its data where the digest
// is of it. Then the log is refused, or what the data said is told no more.
//
// No digest of the SHA-256 bank covers the digests of other banks, the type of an
// event, and the data of types that hash something else. No claim comes from other
// banks' digests; types are of a known list or dropped; text of such data is told
// as unverified. Events that were never extended (EV_NO_ACTION) are covered by
// nothing: they change no claim, but for a locality that then does not replay.
func TestThreat07EveryRecording(t *testing.T) {
	const noAction = 3
	for _, g := range genuineLogs(t) {
		t.Run(g.Name, func(t *testing.T) {
			covered := coveredEvents(&g)
			tried, event := map[string]int{}, -1 // among those that were extended
			for _, f := range recordedtest.Fields(g.Data) {
				if f.Event == 0 || f.Name != "pcr" && f.Name != "data" && !strings.HasSuffix(f.Name, " digest") {
					continue
				}
				if f.Name == "pcr" && f.Kind != noAction {
					event++
				}
				at, value := f.From, g.Data[f.From]^1
				if f.Name == "pcr" {
					value = byte((f.Register + 1) % measurement.PCRCount)
				}
				log := g.read(at, value)
				tried[f.Name]++
				switch {
				case log == nil:
				case f.Kind == noAction:
					checkSame(t, &f, g.parsed, log)
				case f.Name == "pcr", f.Name == "sha256 digest":
					t.Errorf("event %d of PCR %d: another %s is taken", f.Event, f.Register, f.Name)
				case f.Name == "data" && covered[f.Event]:
					if e := log.Events[event]; e.Type != "" || e.Description != "" {
						t.Errorf("event %d: with other data it is told as %s %q", f.Event, e.Type, e.Description)
					}
				case strings.HasPrefix(f.Name, "sha") && strings.HasSuffix(f.Name, " digest"):
					checkSame(t, &f, g.parsed, log)
				}
				if log != nil && log.SecureBoot != nil && (g.parsed.SecureBoot == nil || *log.SecureBoot != *g.parsed.SecureBoot) {
					t.Errorf("event %d, %s: secure boot became %t", f.Event, f.Name, *log.SecureBoot)
				}
			}
			if tried["pcr"] == 0 || tried["pcr"] != tried["sha256 digest"] || event+1 != len(g.parsed.Events) {
				t.Errorf("tried %v, of %d events", tried, len(g.parsed.Events))
			}
		})
	}
}

// checkSame demands that nothing that is claimed became another.
func checkSame(t *testing.T, f *recordedtest.Field, want, got *eventlog.Log) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("event %d: with another %s the claims are others", f.Event, f.Name)
	}
}

// coveredEvents are those whose type demands that the digest is of the data, and
// whose digest is: some firmware breaks the rule. They are found without the code
// under test.
func coveredEvents(g *genuineLog) map[int]bool {
	covered, digests := map[int]bool{}, map[int][]byte{}
	for _, f := range recordedtest.Fields(g.Data) {
		content := g.Data[f.From : f.From+f.Size]
		switch f.Name {
		case "sha256 digest":
			digests[f.Event] = content
		case "data":
			sum := sha256.Sum256(content)
			covered[f.Event] = slices.Contains(hashesItsData(), f.Kind) && bytes.Equal(sum[:], digests[f.Event])
		}
	}
	return covered
}

// TestHashesItsData: the list of the test above is not empty talk: real logs have
// events of these types, and their digest is of their data.
func TestHashesItsData(t *testing.T) {
	events := 0
	for _, g := range genuineLogs(t) {
		for _, covered := range coveredEvents(&g) {
			if covered {
				events++
			}
		}
	}
	if events < 200 {
		t.Errorf("%d events have the digest of their data, want hundreds", events)
	}
}
