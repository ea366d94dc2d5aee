// Package framepb holds the generated messages of the attested-TLS handshake.
// Package frame reads and writes them; nobody else does.
package framepb

//go:generate ../../../../tools/protoc.sh frames.proto
