package frame

import (
	"crypto/sha256"

	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame/framepb"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// Statement carries the cluster statement, encoded as owner.SignedStatement is.
type Statement struct{ Encoded []byte }

// Hash returns what the server's hello must have announced.
func (m *Statement) Hash() [sha256.Size]byte { return sha256.Sum256(m.Encoded) }

// Kind returns KindStatement.
func (*Statement) Kind() Kind { return KindStatement }

// Validate wants a statement of at most owner.MaxSignedStatementSize bytes.
func (m *Statement) Validate() error {
	return checkSize(KindStatement, "statement", m.Encoded, owner.MaxSignedStatementSize)
}

func (m *Statement) toWire() proto.Message {
	return &framepb.Statement{Statement: m.Encoded}
}

func statementFromWire(w *framepb.Statement) (*Statement, error) {
	return &Statement{w.GetStatement()}, nil
}

// checkSize wants at least a byte, and no more than the limit.
func checkSize(k Kind, field string, data []byte, limit int) error {
	if len(data) == 0 || len(data) > limit {
		return wrong(k, field, "%d bytes, want 1 to %d", len(data), limit)
	}
	return nil
}

// checkSizeIf wants exactly that many bytes, or none.
func checkSizeIf(k Kind, field string, data []byte, size int) error {
	if len(data) != 0 && len(data) != size {
		return wrong(k, field, "%d bytes, want %d or none", len(data), size)
	}
	return nil
}
