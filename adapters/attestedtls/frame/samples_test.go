package frame_test

import (
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// samples returns a valid message of each shape that there is.
func samples() map[string]frame.Message {
	proof := ports.Proof{1}
	return map[string]frame.Message{
		"hello of an owner":       sampleHello(evidence.Init, evidence.Owner),
		"hello of a joiner":       sampleHello(evidence.Join, evidence.Joiner),
		"hello of a joinservice":  sampleHello(evidence.Join, evidence.JoinService),
		"hello of a locked node":  sampleHello(evidence.Rejoin, evidence.Locked),
		"hello of a member":       sampleHello(evidence.Admin, evidence.Member),
		"hello of a kms":          sampleHello(evidence.Unseal, evidence.KMS),
		"statement":               &frame.Statement{Encoded: []byte("statement")},
		"identity without a TPM":  &frame.Identity{Identity: ports.Identity{Platform: evidence.QEMUSNP}},
		"identity of a new node":  &frame.Identity{Identity: ports.Identity{Platform: evidence.TPM, EKCertificate: []byte("ek"), EKPublic: []byte("ek"), AKPublic: []byte("ak")}},
		"identity of a member":    &frame.Identity{Identity: ports.Identity{Platform: evidence.TPM, AKPublic: []byte("ak"), AKCertificate: []byte("cert")}},
		"challenge":               &frame.Challenge{Blob: []byte("blob")},
		"evidence":                &frame.Evidence{Evidence: []byte("evidence"), Path: []byte("path")},
		"evidence with its proof": &frame.Evidence{Evidence: []byte("evidence"), Path: []byte("path"), Proof: &proof},
		"admission":               &frame.Verdict{Verdict: policy.Verdict{Admitted: true, Findings: []policy.Finding{}}},
		"refusal": &frame.Verdict{RetryAfter: 1500 * time.Millisecond, Verdict: policy.Verdict{Findings: []policy.Finding{
			{Code: policy.CodeServerBusy, Severity: policy.Refuse, Subject: "server", Remedy: "Wait."},
		}}},
	}
}

// sampleHello returns the truthful hello of a role.
func sampleHello(p evidence.Purpose, r evidence.Role) *frame.Hello {
	h := &frame.Hello{Purpose: p, Role: r, Nonce: [32]byte{1}, Formats: []evidence.Platform{evidence.ProcessVTPM, evidence.TPM}}
	switch r {
	case evidence.Joiner:
		h.Mark = frame.Unmarked
	case evidence.Locked:
		h.Claimed = frame.Claimed{Mark: frame.Unmarked, Cluster: [32]byte{2}, DiskUUID: "0b9a1bd4-6c9e-4e9e-9d0c-6a2f4f1c7a55", ShareSet: [32]byte{4}}
	case evidence.Member:
		h.Claimed = frame.Claimed{Mark: frame.Marked, Cluster: [32]byte{2}, Owner: [32]byte{3}, NodeName: "node-1.example", RecordID: "record-1"}
	case evidence.JoinService, evidence.KMS:
		h.Claimed = frame.Claimed{Mark: frame.Marked, Cluster: [32]byte{2}, Owner: [32]byte{3}}
	default:
	}
	if frame.ShowsStatement(p) && r == frame.ServerRole(p) {
		h.StatementHash = [32]byte{5}
	}
	return h
}

func marshalled(t testing.TB, m frame.Message) []byte {
	t.Helper()
	data, err := frame.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
