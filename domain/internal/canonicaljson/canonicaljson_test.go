package canonicaljson_test

import (
	"errors"
	"math"
	"testing"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
)

// The texts are RFC 8785's own where it has one (sections 3.2.2.2 and 3.2.3).
func TestMarshal(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{uint64(1<<53 - 1), `9007199254740991`},
		{-1, `-1`},
		{[]string{}, `[]`},
		{map[string]int{}, `{}`},
		{[]any{1, "a", nil, false}, `[1,"a",null,false]`},
		{map[string]any{"peach": "x", "Peach": 1, "1": []int{1, 2}, "": map[string]int{"b": 2, "a": 1}}, `{"":{"a":1,"b":2},"1":[1,2],"Peach":1,"peach":"x"}`},
		{"€$\u000f\nA'B\"\\\\\"/", "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""},
		{"\b\f\r\t\x00\x1f\x20\x7f<>&\u2028", `"\b\f\r\t\u0000\u001f ` + "\x7f<>&\u2028\""},
		{struct {
			B int `json:"b"`
			A int `json:"a"`
		}{1, 2}, `{"a":2,"b":1}`},
	} {
		got, err := canonicaljson.Marshal(tt.value)
		if err != nil || string(got) != tt.want {
			t.Errorf("Marshal(%#v) = %s, %v; want %s", tt.value, got, err, tt.want)
		}
	}
	if got, err := canonicaljson.Marshal(math.NaN()); err == nil {
		t.Errorf("NaN = %s, want an error", got)
	}
}

func TestDecode(t *testing.T) {
	var v struct {
		A int `json:"a"`
	}
	if err := canonicaljson.Decode([]byte(`{"a":7}`), &v); err != nil || v.A != 7 {
		t.Errorf("Decode = %+v, %v", v, err)
	}
	for _, data := range []string{"", "{", `{"a":"7"}`, `{"b":7}`, `[]`} {
		if err := canonicaljson.Decode([]byte(data), &v); err == nil {
			t.Errorf("%q was read as %+v", data, v)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := canonicaljson.Check([]byte("abc"), []byte("abc")); err != nil {
		t.Errorf("one and the same: %v", err)
	}
	for data, want := range map[string]string{
		"abd": "from byte 2 on", "ab": "from byte 2 on", "abcd": "from byte 3 on", "": "from byte 0 on", "xbc": "from byte 0 on",
	} {
		err := canonicaljson.Check([]byte("abc"), []byte(data))
		if !errors.Is(err, canonicaljson.ErrForm) || err.Error() != "not the canonical form: it differs "+want {
			t.Errorf("%q: %v, want ErrForm %s", data, err, want)
		}
	}
}
