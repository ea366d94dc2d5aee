package canonicaljson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
)

// write is Marshal as RFC 8785 has it: the value taken apart and put together.
func write(b *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			comma(b, i)
			write(b, key)
			b.WriteByte(':')
			write(b, v[key])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, element := range v {
			comma(b, i)
			write(b, element)
		}
		b.WriteByte(']')
	case string:
		b.WriteByte('"')
		for _, r := range v {
			b.WriteString(escaped(r))
		}
		b.WriteByte('"')
	case nil:
		b.WriteString("null")
	default:
		fmt.Fprint(b, v)
	}
}

func comma(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

func escaped(r rune) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	switch s, found := short[r]; {
	case found:
		return s
	case r < 0x20:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return string(r)
	}
}

// values draws what JSON can hold, with ASCII keys.
func values(depth int) *rapid.Generator[any] {
	texts := rapid.StringOfN(rapid.RuneFrom([]rune("a\"\\/<&\n\x01\u2028é€😀")), 0, 4, -1)
	simple := []*rapid.Generator[any]{
		rapid.Map(texts, func(s string) any { return s }),
		rapid.Map(rapid.Int64Range(-1<<53+1, 1<<53-1), func(n int64) any { return n }),
		rapid.SampledFrom([]any{true, false, nil}),
	}
	if depth == 0 {
		return rapid.OneOf(simple...)
	}
	keys := rapid.StringOfN(rapid.RuneFrom([]rune("ab \"\\{}:,<\n\x7f")), 0, 3, -1)
	nested := rapid.Deferred(func() *rapid.Generator[any] { return values(depth - 1) })
	return rapid.OneOf(append(simple,
		rapid.Map(rapid.SliceOfN(nested, 0, 4), func(s []any) any { return s }),
		rapid.Map(rapid.MapOfN(keys, nested, 0, 20), func(m map[string]any) any { return m }),
	)...)
}

func TestMarshalIsWhatTheRulesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values(3).Draw(t, "value")
		var want strings.Builder
		write(&want, v)
		got, err := canonicaljson.Marshal(v)
		if err != nil || string(got) != want.String() {
			t.Fatalf("Marshal = %s, %v; want %s", got, err, want.String())
		}
		again, err := canonicaljson.Marshal(json.RawMessage(got))
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("Marshal of %s = %s, %v", got, again, err)
		}
	})
}

// The members of structs come in the order of their fields, which is seldom that
// of their names.
func TestMarshalSortsFields(t *testing.T) {
	type inner struct {
		Z, A int
		M    []string
	}
	v := struct {
		C inner          `json:"c"`
		B map[string]any `json:"b"`
		A string         `json:"a<b"`
	}{inner{1, 2, []string{"x,y", "]}"}}, map[string]any{"q": "{", "p": nil}, "v"}
	const want = `{"a<b":"v","b":{"p":null,"q":"{"},"c":{"A":2,"M":["x,y","]}"],"Z":1}}`
	if got, err := canonicaljson.Marshal(v); err != nil || string(got) != want {
		t.Errorf("Marshal = %s, %v; want %s", got, err, want)
	}
}

func BenchmarkMarshal(b *testing.B) {
	v := struct {
		Version, Type, Time, By string
		Body                    map[string]any
	}{
		"asterism/ledger-entry/v1", "intent", "2026-01-01T00:00:00.000Z", "ek:" + strings.Repeat("0a", 32),
		map[string]any{"disk": "00000000-0000-4000-8000-000000000001", "name": "node-1", "policy": 7, "role": "worker"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canonicaljson.Marshal(v); err != nil {
			b.Fatal(err)
		}
	}
}

// What encoding/json never writes is an error, and no panic.
func TestRewriteRefuses(t *testing.T) {
	for _, src := range []string{
		"", ",", "]", "}", "[", "[1", "[1,", "[1,]", "[,1]", `["a"`, `["a" "b"]`, `[[1`, `[{"a":1]`,
		"{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{"a"1}`, `{1:2}`, `{"a":}`, `{"a":1,2}`, `{"a":[}`,
		`"`, `"abc`, `"\`, `"\"`, `"\q"`, `{"\q":1}`, `{"a`, `{"b":1,"a`, `{"a":"b`, `{"a":"b"`, `{"a":"b""c":1}`,
	} {
		if got, err := canonicaljson.Rewrite([]byte(src)); err == nil {
			t.Errorf("%q was rewritten as %q", src, got)
		}
	}
}

// Where it reads on does not depend on how it ends.
func TestRewriteOfWords(t *testing.T) {
	for _, src := range []string{"1", "-5", "true", "null", `""`, `"a"`, "[]", "{}", "[[],{}]", `{"":""}`, `{"a":[1,{"b":null}],"c":false}`} {
		if got, err := canonicaljson.Rewrite([]byte(src)); err != nil || string(got) != src {
			t.Errorf("%q was rewritten as %q, %v", src, got, err)
		}
	}
	// Keys are compared without their escapes.
	if got, err := canonicaljson.Rewrite([]byte(`{"a":1,"\u0021":2,"\"":3}`)); err != nil || string(got) != `{"!":2,"\"":3,"a":1}` {
		t.Errorf("rewritten as %s, %v", got, err)
	}
}
