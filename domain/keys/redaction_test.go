package keys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/keys"
)

// outlet is one way in which a value gets printed by mistake.
type outlet struct {
	name  string
	print func(value any) string
}

// outlets lists every verb with every flag, and the encoders and loggers that
// programs use. An error of an encoder is part of what it prints.
func outlets() []outlet {
	encoders := []outlet{
		{"error", func(v any) string { return fmt.Errorf("opening: %w", fmt.Errorf("with %v", v)).Error() }},
		{"Sprint", func(v any) string { return fmt.Sprint(v, v) }},
		{"Sprintln", func(v any) string { return fmt.Sprintln(v) }},
		{"too many arguments", func(v any) string { return fmt.Sprintf("%d"[:0], v) }},
		{"text/template", printTextTemplate},
		{"html/template", printHTMLTemplate},
		{"slog text", func(v any) string {
			return printLog(v, func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) })
		}},
		{"slog JSON", func(v any) string {
			return printLog(v, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) })
		}},
		{"JSON", encoded(json.Marshal)},
		{"YAML", encoded(yaml.Marshal)},
		{"XML", encoded(xml.Marshal)},
		{"gob", encoded(func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return b.Bytes(), err
		})},
	}
	return append(encoders, verbs()...)
}

func verbs() []outlet {
	var all []outlet
	for _, flags := range []string{"", "+", "#", " ", "# ", "0", "-", "80.40", "+#"} {
		for c := 'A'; c <= 'z'; c++ {
			if c <= 'Z' || c >= 'a' {
				format := "%" + flags + string(c)
				all = append(all, outlet{format, func(v any) string { return fmt.Sprintf(format, v) }})
			}
		}
	}
	return all
}

func encoded(marshal func(any) ([]byte, error)) func(any) string {
	return func(v any) (out string) {
		// A yaml encoder panics on what it cannot encode; that is printed too.
		defer func() {
			if reason := recover(); reason != nil {
				out += fmt.Sprint(reason)
			}
		}()
		b, err := marshal(v)
		return string(b) + fmt.Sprint(err)
	}
}

func printTextTemplate(v any) string {
	var b strings.Builder
	t := template.Must(template.New("").Parse(`{{.}} {{printf "%x %s %#v" . . .}} {{js .}}`))
	err := t.Execute(&b, v)
	return b.String() + fmt.Sprint(err)
}

func printHTMLTemplate(v any) string {
	var b strings.Builder
	t := htmltemplate.Must(htmltemplate.New("").Parse(`<p title="{{.}}">{{.}}<script>let x = {{.}};</script>`))
	err := t.Execute(&b, v)
	return b.String() + fmt.Sprint(err)
}

func printLog(v any, handler func(*bytes.Buffer) slog.Handler) string {
	var b bytes.Buffer
	log := slog.New(handler(&b)).With("with", v)
	log.Info("message", "value", v, slog.Group("group", "value", v), "error", fmt.Errorf("with %v", v))
	return b.String()
}

// holder[T] nests a T in every way in which a program does.
type holder[T any] struct {
	Exported T
	hidden   T
	pointer  *T
	slice    []T
	array    [2]T
	table    map[string]T
	boxed    any
	inner    struct{ deep struct{ value T } }
}

func nest[T any](v T) holder[T] {
	h := holder[T]{
		Exported: v, hidden: v, pointer: &v, slice: []T{v}, array: [2]T{v, v}, table: map[string]T{"key": v}, boxed: v,
	}
	h.inner.deep.value = v
	return h
}

// wrapped returns v bare and nested.
func wrapped[T any](v T) map[string]any {
	pointer, nested := &v, nest(v)
	return map[string]any{
		"value": v, "pointer": pointer, "pointer to pointer": &pointer, "slice": []T{v}, "map": map[string]T{"key": v},
		"struct": nested, "pointer to struct": &nested, "slice of structs": []holder[T]{nested}, "any": []any{v, pointer},
	}
}

// traces returns every spelling in which four neighbouring bytes of a secret
// show up in some output.
func traces(secret []byte) []string {
	var all []string
	for i := 0; i+6 <= len(secret); i++ {
		part := secret[i : i+4]
		all = append(all, string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)))
		for _, format := range []string{"%d", "%x", "%X", "%#x", "%#v", "%o", "%#o", "%O", "%b", "%q", "%c", "%U", "%#U"} {
			for _, separator := range []string{" ", ", ", ",", " - "} {
				all = append(all, spell(part, format, separator))
			}
		}
		// Six bytes from each offset cover base64's three alignments.
		all = append(all, base64.RawStdEncoding.EncodeToString(secret[i:i+6]), base64.RawURLEncoding.EncodeToString(secret[i:i+6]))
	}
	return all
}

func spell(part []byte, format, separator string) string {
	words := make([]string, len(part))
	for i, c := range part {
		words[i] = fmt.Sprintf(format, c)
	}
	return strings.Join(words, separator)
}

// findTrace looks in the output as it is, and with every run of white space made
// one space.
func findTrace(output string, traces []string) (string, bool) {
	folded := strings.Join(strings.Fields(output), " ")
	for _, trace := range traces {
		if strings.Contains(output, trace) || strings.Contains(folded, trace) {
			return trace, true
		}
	}
	return "", false
}

// canary has bytes that no output holds by chance, all of them printable so
// that %s and %q spell them as they are.
func canary(size int) []byte {
	const text = "zQ7xKw9vJ3yHq8ZfXj6WuVk5YbTgRm4PdNcLsGe2FaDoEiMhBtUrCnAlpIOS10~!"
	return []byte(text[:size])
}

// secretsOf returns one secret of every type, and the bytes that it holds.
func secretsOf(t *testing.T) map[string]struct {
	values map[string]any
	bytes  []byte
} {
	t.Helper()
	type sample = struct {
		values map[string]any
		bytes  []byte
	}
	master, err := keys.NewMasterSecret(keys.NewSecret(canary(keys.MasterSecretSize)))
	check(t, err)
	kek, err := keys.NewKEK(keys.NewSecret(canary(keys.KEKSize)), 1)
	check(t, err)
	measurement, err := keys.NewMeasurementSecret(keys.NewSecret(canary(keys.MeasurementSecretSize)))
	check(t, err)
	return map[string]sample{
		"Secret":            {wrapped(keys.NewSecret(canary(64))), canary(64)},
		"MasterSecret":      {wrapped(master), canary(keys.MasterSecretSize)},
		"KEK":               {wrapped(kek), canary(keys.KEKSize)},
		"MeasurementSecret": {wrapped(measurement), canary(keys.MeasurementSecretSize)},
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestThreat16SecretsRedactThemselves(t *testing.T) {
	for kind, sample := range secretsOf(t) {
		traces := traces(sample.bytes)
		for form, value := range sample.values {
			for _, outlet := range outlets() {
				if trace, found := findTrace(outlet.print(value), traces); found {
					t.Errorf("%s as %s through %s shows %q", kind, form, outlet.name, trace)
				}
			}
		}
	}
}

// The test above is worth nothing if it does not see bytes that are there.
func TestThreat16TracesAreFoundWhereBytesAreNotHidden(t *testing.T) {
	traces := traces(canary(64))
	names := []string{
		"%v", "%+v", "%#v", "%x", "%X", "%# x", "%s", "%q", "%d", "%o", "%b", "%c", "%U", "error",
		"text/template", "html/template", "slog text", "slog JSON", "JSON", "YAML", "XML", "gob",
	}
	type exposed struct{ Key []byte }
	seen := 0
	for _, outlet := range outlets() {
		if !slices.Contains(names, outlet.name) {
			continue
		}
		seen++
		if _, found := findTrace(outlet.print(exposed{canary(64)}), traces); !found {
			t.Errorf("bytes printed through %s are not found: %q", outlet.name, outlet.print(exposed{canary(64)}))
		}
	}
	if seen != len(names) {
		t.Errorf("%d outlets tried, want %d", seen, len(names))
	}
	if _, found := findTrace(fmt.Sprintf("%v", nest(canary(64))), traces); !found {
		t.Error("nested bytes are not found")
	}
}

// Printers that go through unexported fields and pointers get no further than
// the function that holds the bytes.
func TestThreat16BytesAreOutOfReflectionsReach(t *testing.T) {
	for _, kind := range []any{keys.Secret{}, keys.MasterSecret{}, keys.KEK{}, keys.MeasurementSecret{}} {
		if found := reachable(reflect.TypeOf(kind)); !cmp.Equal(found, []reflect.Kind{reflect.Func}) {
			t.Errorf("%T consists of %v, want one function", kind, found)
		}
	}
}

// reachable lists what a type consists of, numbers aside.
func reachable(kind reflect.Type) []reflect.Kind {
	switch kind.Kind() {
	case reflect.Struct:
		var all []reflect.Kind
		for field := range kind.Fields() {
			all = append(all, reachable(field.Type)...)
		}
		return all
	case reflect.Uint32:
		return nil
	default:
		return []reflect.Kind{kind.Kind()}
	}
}

func TestThreat16AnySecretShowsAsRedacted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := keys.NewSecret(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		verb := rapid.SampledFrom([]string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%08b", "%t", "%z"}).Draw(t, "verb")
		if got := fmt.Sprintf(verb, secret); got != "[redacted]" {
			t.Fatalf("%s shows %q", verb, got)
		}
	})
}

func TestRedactedFormsSayTheyAreRedacted(t *testing.T) {
	secret := secretOf(canary(32))
	document, err := json.Marshal(map[string]any{"key": secret, "list": []keys.Secret{secret}})
	if want := `{"key":"[redacted]","list":["[redacted]"]}`; err != nil || string(document) != want {
		t.Errorf("JSON %s, %v; want %s", document, err, want)
	}
	if got := secret.LogValue().String(); got != "[redacted]" {
		t.Errorf("LogValue %q", got)
	}
	if err := gob.NewEncoder(&bytes.Buffer{}).Encode(secret); err == nil {
		t.Error("gob encoded a secret")
	}
	if err := errors.Join(fmt.Errorf("with %s", secret)); err.Error() != "with [redacted]" {
		t.Errorf("error %v", err)
	}
}
