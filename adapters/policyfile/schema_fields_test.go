package policyfile_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// TestSchemaNamesEveryField walks document and schema side by side: each has the
// fields of the other, the same ones are required, and all are described.
func TestSchemaNamesEveryField(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(policyfile.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	w := schemaWalker{t: t, root: schema}
	w.walk("policy", schema, reflect.TypeFor[policy.Document]())
	if w.structs < 10 {
		t.Errorf("saw only %d structs", w.structs)
	}
}

type schemaWalker struct {
	t       *testing.T
	root    map[string]any
	structs int
}

func (w *schemaWalker) walk(path string, schema map[string]any, goType reflect.Type) {
	schema = w.resolve(schema)
	for goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	if reflect.PointerTo(goType).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return
	}
	switch goType.Kind() {
	case reflect.Struct:
		w.structure(path, schema, goType)
	case reflect.Slice:
		w.walk(path+"[]", w.object(schema["items"]), goType.Elem())
	case reflect.Map:
		patterns, ok := schema["patternProperties"].(map[string]any)
		if !ok {
			patterns = map[string]any{"": schema["additionalProperties"]}
		}
		for pattern, element := range patterns {
			w.walk(path+pattern, w.object(element), goType.Elem())
		}
	default: // decided by its kind alone
	}
}

// object returns a part of the schema that is an object.
func (w *schemaWalker) object(part any) map[string]any {
	object, ok := part.(map[string]any)
	if !ok {
		w.t.Fatalf("%v is no object", part)
	}
	return object
}

func (w *schemaWalker) structure(path string, schema map[string]any, goType reflect.Type) {
	w.structs++
	properties := w.object(schema["properties"])
	var names, required []string
	for i := range goType.NumField() {
		name, options, _ := strings.Cut(goType.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		if !strings.HasPrefix(options, "omit") {
			required = append(required, name)
		}
		property, ok := properties[name].(map[string]any)
		if !ok {
			continue // reported below
		}
		if !w.described(property) {
			w.t.Errorf("%s.%s has no description", path, name)
		}
		w.walk(path+"."+name, property, goType.Field(i).Type)
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(properties))); diff != "" {
		w.t.Errorf("%s: fields (-document +schema):\n%s", path, diff)
	}
	var inSchema []string
	if list, ok := schema["required"].([]any); ok {
		for _, name := range list {
			inSchema = append(inSchema, fmt.Sprint(name))
		}
	}
	slices.Sort(required)
	slices.Sort(inSchema)
	if diff := cmp.Diff(required, inSchema); diff != "" {
		w.t.Errorf("%s: required (-document +schema):\n%s", path, diff)
	}
	if schema["additionalProperties"] != false {
		w.t.Errorf("%s allows unknown fields", path)
	}
}

func (w *schemaWalker) described(property map[string]any) bool {
	return property["description"] != nil || w.resolve(property)["description"] != nil
}

func (w *schemaWalker) resolve(schema map[string]any) map[string]any {
	reference, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	name := strings.TrimPrefix(reference, "#/$defs/")
	return w.resolve(w.object(w.object(w.root["$defs"])[name]))
}
