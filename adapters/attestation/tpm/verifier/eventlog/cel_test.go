package eventlog_test

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-eventlog/cel"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/eventlog"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// markContent is what a mark's digest is computed over.
type markContent struct {
	cluster keys.ClusterID
	owner   keys.OwnerID
}

func (m markContent) bytes() []byte {
	data := []byte("asterism/mark/v1")
	for _, id := range [][]byte{m.cluster[:], m.owner[:]} {
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(id))), id...)
	}
	return data
}

// TLV is the content as its record holds it.
func (m markContent) TLV() (cel.TLV, error) {
	return cel.TLV{Type: profile.MarkContentType, Value: m.bytes()}, nil
}

// GenerateDigest hashes the content.
func (m markContent) GenerateDigest(h crypto.Hash) ([]byte, error) {
	hash := h.New()
	hash.Write(m.bytes())
	return hash.Sum(nil), nil
}

// celOf is a log of marks in the registers.
func celOf(t testing.TB, m markContent, registers ...int) []byte {
	t.Helper()
	log := cel.NewPCR()
	for _, r := range registers {
		if err := log.AppendEvent(m, []crypto.Hash{crypto.SHA256}, r, func(crypto.Hash, int, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	var encoded bytes.Buffer
	if err := log.EncodeCEL(&encoded); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}

func TestMark(t *testing.T) {
	m := markContent{keys.ClusterID{1}, keys.OwnerID{2}}
	log, err := eventlog.Parse(nil, celOf(t, m, profile.MarkPCR), &measurement.Registers{})
	if err != nil || len(log.Events) != 1 {
		t.Fatalf("%+v (%v)", log, err)
	}
	e := log.Events[0]
	if e.Register != pcr(t, 15) || e.Digest != measurement.DigestSHA256(keys.MarkSHA256(m.cluster, m.owner)) {
		t.Errorf("the event is %+v", e)
	}
	if e.Type != "ASTERISM_MARK" || !strings.HasPrefix(e.Description, "cluster 0100") || !strings.Contains(e.Description, "owner 0200") {
		t.Errorf("it is told as %s %q", e.Type, e.Description)
	}
}

// TestThreat07ForgedMark: a record that says it is another cluster's mark than its
// digest is believed in its digest alone.
func TestThreat07ForgedMark(t *testing.T) {
	data := celOf(t, markContent{keys.ClusterID{1}, keys.OwnerID{2}}, profile.MarkPCR)
	data[len(data)-1] ^= 1
	log, err := eventlog.Parse(nil, data, &measurement.Registers{})
	if err != nil || len(log.Events) != 1 || log.Events[0].Type != "" || log.Events[0].Description != "" {
		t.Errorf("%+v (%v)", log, err)
	}
}

func TestMalformedCEL(t *testing.T) {
	genuine := celOf(t, markContent{}, 15, 12)
	change := func(at int, b byte) []byte {
		data := bytes.Clone(genuine)
		data[at] = b
		return data
	}
	for name, data := range map[string][]byte{
		"cut": genuine[:len(genuine)-1], "trailing byte": append(bytes.Clone(genuine), 0), "number": change(12, 1), "number's type": change(0, 1),
		"register": change(18, 24), "register's type": change(13, 108), "digests' type": change(19, 4), "bank": change(24, 12),
		"length": change(1, 255), "digest's length": change(28, 31),
	} {
		if _, err := eventlog.Parse(nil, data, &measurement.Registers{}); !errors.Is(err, eventlog.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

// TestTooLarge: neither many bytes nor many events are read.
func TestTooLarge(t *testing.T) {
	many := make([]int, eventlog.MaxEvents+1)
	if _, err := eventlog.Parse(nil, celOf(t, markContent{}, many...)[:eventlog.MaxCEL+1], &measurement.Registers{}); !errors.Is(err, eventlog.ErrTooLarge) {
		t.Errorf("a long run-time log: %v", err)
	}
	if _, err := eventlog.Parse(make([]byte, eventlog.MaxSize+1), nil, &measurement.Registers{}); !errors.Is(err, eventlog.ErrTooLarge) {
		t.Errorf("a long firmware log: %v", err)
	}
	log := firmwareLog(nil)
	for range eventlog.MaxEvents + 1 {
		log = appendEvent(log, 4, 0x0d, nil)
	}
	if _, err := eventlog.Parse(log, nil, &measurement.Registers{}); !errors.Is(err, eventlog.ErrTooLarge) {
		t.Errorf("many events: %v", err)
	}
}
