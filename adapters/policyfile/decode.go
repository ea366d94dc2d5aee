package policyfile

import (
	"encoding"
	"reflect"
	"strings"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// decoder fills Go values from trees. It goes on after a problem, so that all of
// them are found.
type decoder struct{ problems *problems }

// value fills v, which is addressable, from n. Types that read themselves from
// text do; of the others it knows those that documents are made of.
func (d *decoder) value(path string, n *node, v reflect.Value) {
	if n.kind == scalar && n.form == null {
		d.problems.add(n.at, path, "is null, want %s; drop the field or give it a value", want(v.Type()))
		return
	}
	switch target := v.Addr().Interface().(type) {
	case *measurement.Registers:
		d.registers(path, n, target)
		return
	case encoding.TextUnmarshaler:
		d.text(path, n, target)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, n, v.Elem())
	case reflect.Struct:
		d.structure(path, n, v)
	case reflect.Map:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	default:
		d.basic(path, n, v)
	}
}

// mismatch reports a node that cannot be a value of the type.
func (d *decoder) mismatch(path string, n *node, t reflect.Type, advice string) {
	d.problems.add(n.at, path, "is %s, want %s%s", n.describe(), want(t), advice)
}

func (d *decoder) structure(path string, n *node, v reflect.Value) {
	if n.kind != mapping {
		d.mismatch(path, n, v.Type(), "")
		return
	}
	fields := fieldsOf(v.Type())
	first := d.checkRepeats(path, n)
	for _, m := range n.members {
		f, known := fields.lookup(m.key.text)
		switch {
		case !known:
			d.unknown(path, m.key, fields, first)
		case first[m.key.text] == m.key:
			d.value(under(path, f.name), m.value, v.Field(f.index))
		}
	}
	for _, f := range fields {
		if _, given := first[f.name]; f.required && !given {
			d.problems.add(n.at, under(path, f.name), "is missing, want %s", want(f.kind))
		}
	}
}

// unknown reports a key that is no field. A field that was probably meant counts
// as given, so that it is not reported as missing too.
func (d *decoder) unknown(path string, key *node, fields fields, given map[string]*node) {
	meant := closest(key.text, fields.names())
	if meant == "" {
		d.problems.add(key.at, under(path, key.text), "is no field here, want one of %s", strings.Join(fields.names(), ", "))
		return
	}
	d.problems.add(key.at, under(path, key.text), "is no field here; did you mean %s?", meant)
	if given[meant] == nil {
		given[meant] = key
	}
}

// checkRepeats refuses keys that repeat, and returns the first of each.
func (d *decoder) checkRepeats(path string, n *node) map[string]*node {
	first := make(map[string]*node, len(n.members))
	for _, m := range n.members {
		if before, found := first[m.key.text]; found {
			d.problems.add(m.key.at, under(path, m.key.text), "repeats line %d; drop one of them", before.at.line)
			continue
		}
		first[m.key.text] = m.key
	}
	return first
}

func (d *decoder) mapping(path string, n *node, v reflect.Value) {
	if n.kind != mapping {
		d.mismatch(path, n, v.Type(), "")
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.members)))
	first := d.checkRepeats(path, n)
	for _, m := range n.members {
		if first[m.key.text] != m.key {
			continue
		}
		key, element := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		before := d.problems.count()
		d.value(under(path, m.key.text), &node{form: quoted, text: m.key.text, at: m.key.at}, key)
		if d.problems.count() > before {
			continue
		}
		d.value(under(path, m.key.text), m.value, element)
		v.SetMapIndex(key, element)
	}
}

func (d *decoder) list(path string, n *node, v reflect.Value) {
	if n.kind != sequence {
		d.mismatch(path, n, v.Type(), "")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		d.value(at(path, i), item, v.Index(i))
	}
}

// registers reads register values. Each bank takes digests of its own length.
func (d *decoder) registers(path string, n *node, target *measurement.Registers) {
	var values map[measurement.Register]measurement.Digest
	d.value(path, n, reflect.ValueOf(&values).Elem())
	for r, digest := range values {
		if digest.IsZero() {
			continue // a problem already
		}
		if err := target.Set(r, digest); err != nil {
			d.problems.add(n.member(r.Name()).at, under(path, r.Name()), "%v", err)
		}
	}
}
