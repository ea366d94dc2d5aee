package frame

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Message is what a frame can hold: *Hello, *Statement, *Identity, *Challenge,
// *Evidence or *Verdict.
type Message interface {
	// Kind returns the kind of the frame.
	Kind() Kind
	// Validate says what keeps the message from being sent, with an *Error.
	Validate() error

	toWire() proto.Message // of a valid message
}

// Append appends the frame that holds the message. The error is an *Error.
func Append(dst []byte, m Message) ([]byte, error) {
	kind, start := m.Kind(), len(dst)
	dst, err := appendMessage(appendHeader(dst, kind), m)
	if err != nil {
		return nil, err
	}
	header, length := dst[start:], len(dst)-start-HeaderSize
	if length > kind.Bound() {
		return nil, &Error{kind, "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, length, kind.Bound())}
	}
	putLength(header, length)
	return dst, nil
}

// Marshal returns the message without a header, as a binding takes a hello. The
// error is an *Error.
func Marshal(m Message) ([]byte, error) { return appendMessage(nil, m) }

func appendMessage(dst []byte, m Message) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return appendWire(dst, m.Kind(), m.toWire())
}

func appendWire(dst []byte, k Kind, wire proto.Message) ([]byte, error) {
	dst, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, wire)
	if err != nil {
		return nil, &Error{k, "", err}
	}
	return dst, nil
}

// Unmarshal reads a message of the kind as Marshal writes it, and nothing else.
// Evidence aliases data, which is not to be changed as long as it is used; nothing
// else does. The error is an *Error.
func Unmarshal(k Kind, data []byte) (Message, error) {
	if len(data) > k.Bound() {
		return nil, &Error{k, "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(data), k.Bound())}
	}
	switch k {
	case KindHello:
		return unmarshal(data, helloFromWire)
	case KindStatement:
		return unmarshal(data, statementFromWire)
	case KindIdentity:
		return unmarshal(data, identityFromWire)
	case KindChallenge:
		return unmarshal(data, challengeFromWire)
	case KindEvidence:
		return evidenceFromWire(data)
	case KindVerdict:
		return unmarshal(data, verdictFromWire)
	default:
		return nil, &Error{k, "", ErrUnexpected}
	}
}

// unmarshal decodes, and encodes again: the bytes must be the same. Messages here
// are flat, without maps and unions, and in these protobuf has no freedom but
// what this takes away.
func unmarshal[W any, P interface {
	*W
	proto.Message
}, M Message](data []byte, convert func(P) (M, error)) (Message, error) {
	var none M
	kind, wire := none.Kind(), P(new(W))
	if err := proto.Unmarshal(data, wire); err != nil {
		return nil, &Error{kind, "", err}
	}
	again, err := appendWire(make([]byte, 0, len(data)), kind, wire)
	if err != nil {
		return nil, err
	}
	if len(wire.ProtoReflect().GetUnknown()) > 0 {
		return nil, &Error{kind, "", errUnknownFields}
	}
	if !bytes.Equal(again, data) {
		return nil, &Error{kind, "", errNotCanonical}
	}
	m, err := convert(wire)
	if err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

// AppendEncoded appends the frame of a message that Marshal has encoded. The
// error is an *Error.
func AppendEncoded(dst []byte, k Kind, message []byte) ([]byte, error) {
	if len(message) > k.Bound() {
		return nil, &Error{k, "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(message), k.Bound())}
	}
	start := len(dst)
	dst = append(appendHeader(dst, k), message...)
	putLength(dst[start:], len(message))
	return dst, nil
}
