package canonicaljson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrForm is wrapped by Check's refusals.
var ErrForm = errors.New("not the canonical form")

// Decode reads the first value of data into v, and refuses fields that v does
// not have. Whatever else is not canonical is left for Check to find.
func Decode(data []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(v)
}

// Check says whether data is the canonical form of what was decoded from it. The
// error wraps ErrForm and names the first byte that differs.
func Check(canonical, data []byte) error {
	if bytes.Equal(canonical, data) {
		return nil
	}
	return fmt.Errorf("%w: it differs from byte %d on", ErrForm, commonPrefix(canonical, data))
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
