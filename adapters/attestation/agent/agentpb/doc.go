// Package agentpb is the protocol between the attestation agent and the services
// of its node: protobuf messages and two gRPC services, written by protoc from
// agent.proto. What the fields must hold is said there, and checked by package
// agent on either end.
package agentpb

//go:generate ../../../../tools/protoc.sh agent.proto
