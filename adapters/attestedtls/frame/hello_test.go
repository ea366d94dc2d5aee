package frame_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// TestRolesAgree holds the table of servers against what evidence.Purpose has.
func TestRolesAgree(t *testing.T) {
	for _, p := range append(purposes(), "", "other") {
		for _, client := range roles() {
			for _, server := range roles() {
				can := p.CheckRoles(client, server) == nil
				if got := frame.IsClient(p, client) && server == frame.ServerRole(p); got != can {
					t.Errorf("%q from %q to %q: %v, want %v", p, client, server, got, can)
				}
			}
		}
	}
}

func purposes() []evidence.Purpose {
	return []evidence.Purpose{
		evidence.Init, evidence.Join, evidence.Rejoin, evidence.Recover, evidence.Attest, evidence.Admin, evidence.Unseal,
	}
}

func roles() []evidence.Role {
	return []evidence.Role{
		evidence.Owner, evidence.Administrator, evidence.Reader, evidence.Holder, evidence.Joiner,
		evidence.Locked, evidence.JoinService, evidence.Member, evidence.KMS, "", "other",
	}
}

// TestHelloByRole adds to, and takes from, the hello of every role in every
// session: the table of what each says of itself is exact.
func TestHelloByRole(t *testing.T) {
	for _, p := range purposes() {
		for _, r := range roles() {
			honest := sampleHello(p, r)
			may := r != "" && (frame.IsClient(p, r) || r == frame.ServerRole(p))
			if _, err := frame.Marshal(honest); (err == nil) != may {
				t.Errorf("%s of %s: %v", p, r, err)
			}
			if may {
				checkFields(t, honest)
			}
		}
	}
}

// changes are the other state of each field: there, or not.
func changes() map[string]func(*frame.Hello) {
	return map[string]func(*frame.Hello){
		"node_name":      func(h *frame.Hello) { h.NodeName = toggle(h.NodeName, "node-1") },
		"record_id":      func(h *frame.Hello) { h.RecordID = toggle(h.RecordID, "record-1") },
		"cluster_id":     func(h *frame.Hello) { h.Cluster = toggle(h.Cluster, keys.ClusterID{1}) },
		"owner_id":       func(h *frame.Hello) { h.Owner = toggle(h.Owner, keys.OwnerID{1}) },
		"disk_uuid":      func(h *frame.Hello) { h.DiskUUID = toggle(h.DiskUUID, "0b9a1bd4-6c9e-4e9e-9d0c-6a2f4f1c7a55") },
		"statement_hash": func(h *frame.Hello) { h.StatementHash = toggle(h.StatementHash, [32]byte{1}) },
		"share_set_id":   func(h *frame.Hello) { h.ShareSet = toggle(h.ShareSet, frame.ShareSetID{1}) },
		"nonce":          func(h *frame.Hello) { h.Nonce = [32]byte{} },
		"mark":           func(h *frame.Hello) { h.Mark = (h.Mark + 1) % 3 },
	}
}

func toggle[T comparable](now, other T) T {
	var zero T
	if now == zero {
		return other
	}
	return zero
}

func checkFields(t *testing.T, honest *frame.Hello) {
	t.Helper()
	for field, change := range changes() {
		h := *honest
		change(&h)
		_, err := frame.Marshal(&h)
		if field == "share_set_id" && h.Role == evidence.Locked {
			if err != nil { // not every disk has shares
				t.Errorf("%s of %s without shares: %v", h.Purpose, h.Role, err)
			}
			continue
		}
		requireField(t, field, err)
	}
}

func TestHelloGrammar(t *testing.T) {
	for field, list := range map[string][]func(*frame.Hello){
		"node_name": {
			func(h *frame.Hello) { h.NodeName = "Node" },
			func(h *frame.Hello) { h.NodeName = "-node" },
			func(h *frame.Hello) { h.NodeName = "node." },
			func(h *frame.Hello) { h.NodeName = "a..b" },
			func(h *frame.Hello) { h.NodeName = "node\n1" },
			func(h *frame.Hello) { h.NodeName = strings.Repeat("a", 64) },
			func(h *frame.Hello) { h.NodeName = strings.Repeat("abc.", 64) + "a" },
		},
		"record_id": {
			func(h *frame.Hello) { h.RecordID = "a.b" },
			func(h *frame.Hello) { h.RecordID = "ä" },
		},
		"formats": {
			func(h *frame.Hello) { h.Formats = []evidence.Platform{"tpm", "qemu-vtpm"} },
			func(h *frame.Hello) { h.Formats = []evidence.Platform{"tpm", "tpm"} },
			func(h *frame.Hello) { h.Formats = []evidence.Platform{""} },
			func(h *frame.Hello) { h.Formats = []evidence.Platform{"TPM"} },
			func(h *frame.Hello) {
				for i := range 33 {
					h.Formats = append(h.Formats, evidence.Platform(fmt.Sprintf("x%02d", i)))
				}
			},
		},
		"mark": {func(h *frame.Hello) { h.Mark = 3 }},
	} {
		for _, change := range list {
			h := sampleHello(evidence.Admin, evidence.Member)
			h.Formats = nil
			change(h)
			_, err := frame.Marshal(h)
			requireField(t, field, err)
		}
	}
	locked := sampleHello(evidence.Rejoin, evidence.Locked)
	for _, uuid := range []string{"disk", "0B9A1BD4-6C9E-4E9E-9D0C-6A2F4F1C7A55", "00000000-0000-0000-0000-000000000000"} {
		locked.DiskUUID = uuid
		_, err := frame.Marshal(locked)
		requireField(t, "disk_uuid", err)
	}
	h := sampleHello(evidence.Admin, evidence.Member)
	h.Formats = []evidence.Platform{"platform-of-2030"}
	if _, err := frame.Marshal(h); err != nil {
		t.Errorf("a format that is not known here: %v", err)
	}
}

// TestHelloOnTheWire writes by hand what no Hello holds.
func TestHelloOnTheWire(t *testing.T) {
	honest := marshalled(t, sampleHello(evidence.Init, evidence.Owner))
	for field, data := range map[string][]byte{
		"version":        append([]byte{0x08, 2}, honest[2:]...),
		"mark":           protowire.AppendVarint(protowire.AppendTag(honest[:len(honest):len(honest)], 10, protowire.VarintType), 3),
		"cluster_id":     protowire.AppendBytes(protowire.AppendTag(honest[:len(honest):len(honest)], 8, protowire.BytesType), []byte("short")),
		"statement_hash": protowire.AppendBytes(protowire.AppendTag(honest[:len(honest):len(honest)], 13, protowire.BytesType), make([]byte, 32)),
	} {
		_, err := frame.Unmarshal(frame.KindHello, data)
		requireField(t, field, err)
	}
}
