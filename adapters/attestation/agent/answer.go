package agent

import (
	"fmt"
	"sync"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// encoder encodes evidence once for all who share it. A batch answers thousands of
// requests in one moment, with up to evidence.MaxSize bytes each.
type encoder struct {
	mu      sync.Mutex
	last    *evidence.Evidence
	encoded []byte // is never changed
}

func (e *encoder) attestation(a *ports.Attestation) (*agentpb.Attestation, error) {
	encoded, err := e.encode(a.Evidence)
	if err != nil {
		return nil, fmt.Errorf("encoding evidence: %w", err)
	}
	return &agentpb.Attestation{Evidence: encoded, Path: a.Path.Encode()}, nil
}

func (e *encoder) encode(shared *evidence.Evidence) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == shared {
		return e.encoded, nil
	}
	encoded, err := shared.Encode()
	if err != nil {
		return nil, err
	}
	e.last, e.encoded = shared, encoded
	return encoded, nil
}

// codec is gRPC's for protobuf, but for answers with evidence: those refer to it
// where it is, so that answers which wait to be sent do not hold a copy each.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Marshal encodes an answer as protobuf does.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	answer, ok := v.(interface{ GetAttestation() *agentpb.Attestation })
	if !ok || answer.GetAttestation() == nil {
		return c.CodecV2.Marshal(v)
	}
	const attestation, evidenceField, pathField = 1, 1, 2 // of agent.proto
	encoded, path := answer.GetAttestation().GetEvidence(), answer.GetAttestation().GetPath()
	size := fieldSize(evidenceField, encoded) + fieldSize(pathField, path)
	head := protowire.AppendTag(nil, attestation, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(size))
	head = protowire.AppendTag(head, evidenceField, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(encoded)))
	tail := protowire.AppendTag(nil, pathField, protowire.BytesType)
	tail = protowire.AppendBytes(tail, path)
	return mem.BufferSlice{mem.SliceBuffer(head), mem.SliceBuffer(encoded), mem.SliceBuffer(tail)}, nil
}

func fieldSize(number protowire.Number, data []byte) int {
	return protowire.SizeTag(number) + protowire.SizeBytes(len(data))
}
