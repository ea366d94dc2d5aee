package frame

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// Errors about encodings that this package does not write.
var (
	errUnknownFields = errors.New("it has fields that are not known")
	errNotCanonical  = errors.New("it is not in its one encoding")
)

// consumeFields reads a message whose fields are all of the type bytes and numbered
// from 1 to last. It returns them by number, as parts of data, nil where one is not
// there. They ascend, and none of them is empty or written longer than need be.
func consumeFields(k Kind, data []byte, last protowire.Number) ([][]byte, error) {
	fields := make([][]byte, last+1)
	for previous := protowire.Number(0); len(data) > 0; {
		number, wireType, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, &Error{k, "", protowire.ParseError(n)}
		}
		if number > last || wireType != protowire.BytesType {
			return nil, &Error{k, "", errUnknownFields}
		}
		value, m := protowire.ConsumeBytes(data[n:])
		if m < 0 {
			return nil, &Error{k, "", protowire.ParseError(m)}
		}
		if number <= previous || len(value) == 0 || n+m != protowire.SizeTag(number)+protowire.SizeBytes(len(value)) {
			return nil, &Error{k, "", errNotCanonical}
		}
		fields[number] = value[:len(value):len(value)]
		data, previous = data[n+m:], number
	}
	return fields, nil
}
