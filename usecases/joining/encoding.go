package joining

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrItem is wrapped where an item of the store is not what this package writes
// under its key.
var ErrItem = errors.New("not an item of the joining use case")

// encodeItem writes a value as JSON without escapes for HTML, in the order of its
// fields.
func encodeItem(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding an item: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decodeItem reads what encodeItem writes of a T, and nothing else.
func decodeItem[T any](data []byte, limit int) (*T, error) {
	if len(data) > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrItem, len(data), limit)
	}
	v := new(T)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrItem, err)
	}
	again, err := encodeItem(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrItem, err)
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("%w: not in its canonical form", ErrItem)
	}
	return v, nil
}
