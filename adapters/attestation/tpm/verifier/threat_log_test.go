package verifier_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/recordedtest"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// appraised is how policy sees evidence with that log, beside registers that were
// recorded with the genuine one.
type appraised struct {
	refused bool
	claims  policy.Claims
}

func appraiseLog(t *testing.T, v ports.Verifier, s *signer, values map[uint32][]byte, log []byte) appraised {
	t.Helper()
	verified, err := v.Verify(t.Context(), &ports.Submission{Evidence: wrap(t, s.attestation(t, values, log))})
	var refused *ports.EvidenceError
	if errors.As(err, &refused) {
		return appraised{refused: true}
	}
	if err != nil {
		t.Fatal(err)
	}
	c := verified.Claims
	return appraised{refused: len(measurement.Unexplained(c.Locality, c.Events, &c.Registers)) > 0, claims: c}
}

// TestThreat07EveryField alters each field of each event of real logs: then the
// log is refused, or all that changed is what no digest covers, and that is told
// as such.
func TestThreat07EveryField(t *testing.T) {
	for _, name := range []string{"cos-101-amd-sev", "arch-linux-workstation"} {
		t.Run(name, func(t *testing.T) {
			recording := recordedtest.FindLog(t, name)
			values, s, v := registersOf(t, &recording), newSigner(t), newVerifier(t, &ports.Trust{})
			want := appraiseLog(t, v, s, values, recording.Data)
			if want.refused || len(want.claims.Events) == 0 || want.claims.SecureBoot == nil {
				t.Fatalf("the genuine log is refused: %+v", want)
			}
			accepted := map[string]int{}
			for _, f := range recordedtest.Fields(recording.Data) {
				altered := slices.Clone(recording.Data)
				altered[f.From+f.Size/2] ^= 0x01
				got := appraiseLog(t, v, s, values, altered)
				if got.refused {
					continue
				}
				accepted[f.Name]++
				checkUncovered(t, f, &want.claims, &got.claims)
			}
			for name := range accepted {
				if !slices.Contains([]string{"type", "data", "sha1 digest", "sha384 digest"}, name) {
					t.Errorf("logs with another %s are taken", name)
				}
			}
		})
	}
}

// checkUncovered holds what an altered field that no digest covers may change
// against what it did.
func checkUncovered(t *testing.T, f recordedtest.Field, want, got *policy.Claims) {
	t.Helper()
	if len(got.Events) != len(want.Events) || got.Locality != want.Locality {
		t.Errorf("event %d, %s: %d events, locality %d", f.Event, f.Name, len(got.Events), got.Locality)
		return
	}
	if got.SecureBoot != nil && *got.SecureBoot != *want.SecureBoot {
		t.Errorf("event %d, %s: secure boot became %t", f.Event, f.Name, *got.SecureBoot)
	}
	for i := range want.Events {
		g, w := got.Events[i], want.Events[i]
		if g.Register != w.Register || g.Digest != w.Digest {
			t.Errorf("event %d, %s: event %d became %+v", f.Event, f.Name, i, g)
		}
		believed := g.Description != "" && g.Description[0] != 'u'
		if g.Description != w.Description && believed {
			t.Errorf("event %d, %s: event %d is believed to be %q", f.Event, f.Name, i, g.Description)
		}
	}
}

// TestThreat07SecureBoot tries to have secure boot told as on where it was off:
// by the variable's value, by a second variable, and by hiding the first.
func TestThreat07SecureBoot(t *testing.T) {
	recording := recordedtest.FindLog(t, "ubuntu-2104-no-secure-boot")
	values, s, v := registersOf(t, &recording), newSigner(t), newVerifier(t, &ports.Trust{})
	var variable, kind recordedtest.Field
	for _, f := range recordedtest.Fields(recording.Data) {
		if f.Name == "type" && variable.Size == 0 {
			kind = f
		}
		if f.Name == "data" && f.Size > 50 && string(recording.Data[f.From+32:f.From+34]) == "S\x00" && variable.Size == 0 {
			variable = f
		}
	}
	if genuine := appraiseLog(t, v, s, values, recording.Data).claims.SecureBoot; genuine == nil || *genuine {
		t.Fatalf("the genuine log says %v", genuine)
	}
	on := slices.Clone(recording.Data)
	on[variable.From+variable.Size-1] = 1
	hidden := slices.Clone(recording.Data)
	binary.LittleEndian.PutUint32(hidden[kind.From:], 5) // an action
	for name, log := range map[string][]byte{"value": on, "hidden": hidden} {
		if got := appraiseLog(t, v, s, values, log); got.refused || got.claims.SecureBoot != nil {
			t.Errorf("%s: %v", name, got.claims.SecureBoot)
		}
	}
	// Whoever runs later extends the register once more, with the variable on.
	event := slices.Clone(on[kind.From-4 : variable.From+variable.Size])
	if got := appraiseLog(t, v, s, extended(values, 7, on[variable.From:variable.From+variable.Size]), withDigest(event, recording.Data)); got.refused || got.claims.SecureBoot == nil || *got.claims.SecureBoot {
		t.Errorf("a second variable: refused %t, %v", got.refused, got.claims.SecureBoot)
	}
	// Without a replay that leads to the quoted value nothing is told.
	if got := appraiseLog(t, v, s, extended(values, 7, []byte("more")), recording.Data); got.claims.SecureBoot != nil {
		t.Errorf("a register that the log does not explain: %v", *got.claims.SecureBoot)
	}
}

// extended returns the registers after data was measured into one.
func extended(values map[uint32][]byte, index uint32, data []byte) map[uint32][]byte {
	changed := make(map[uint32][]byte, len(values))
	for i, value := range values {
		changed[i] = value
	}
	value := measurement.DigestSHA256([32]byte(values[index])).Extend(measurement.Sum(measurement.SHA256, data))
	changed[index] = value.Bytes()
	return changed
}

// withDigest appends to the log an event whose SHA-256 digest is of its data. All
// banks' digests are there; the others' do not matter.
func withDigest(event, log []byte) []byte {
	size := binary.LittleEndian.Uint32(event[12+2+20+2+32+2+48:])
	data := event[len(event)-int(size):]
	copy(event[12+2+20+2:], measurement.Sum(measurement.SHA256, data).Bytes())
	return append(slices.Clone(log), event...)
}
