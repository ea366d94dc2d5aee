package policyfile

import (
	"reflect"
	"slices"
	"strings"
)

// field is a field of a struct as files name it.
type field struct {
	name     string
	index    int
	kind     reflect.Type
	required bool
}

type fields []field

// fieldsOf reads the JSON tags of a struct. A field that encoding/json never
// leaves out is required.
func fieldsOf(t reflect.Type) fields {
	var list fields
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		list = append(list, field{name, i, f.Type, !strings.HasPrefix(options, "omit")})
	}
	return list
}

func (fs fields) lookup(name string) (field, bool) {
	i := slices.IndexFunc(fs, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return fs[i], true
}

func (fs fields) names() []string {
	var names []string
	for _, f := range fs {
		names = append(names, f.name)
	}
	return names
}
