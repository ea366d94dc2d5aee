package policyfile

import (
	"bytes"
	"errors"
	"path"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// MaxClaimsSize is the size of the largest file of claims in bytes.
const MaxClaimsSize = 4 << 20

// ParsePolicy reads a policy of at most policy.MaxSize bytes. The name of its
// file appears in errors and, if it ends in .json, .yaml or .yml, says what the
// data is; else data that begins with a brace is JSON. The error is an *Error
// with everything that is wrong.
func ParsePolicy(name string, data []byte) (*policy.Policy, error) {
	ps := &problems{file: name}
	var document policy.Document
	root := decode(ps, data, policy.MaxSize, reflect.ValueOf(&document).Elem())
	if err := ps.err(); err != nil {
		return nil, err
	}
	p, err := policy.New(document)
	if err != nil {
		addJudgement(ps, root, err)
		return nil, ps.err()
	}
	return p, nil
}

// ParseClaims reads claims of at most MaxClaimsSize bytes, as ParsePolicy reads
// policies. It checks their form only: what they say is for an appraisal.
func ParseClaims(name string, data []byte) (*policy.Claims, error) {
	ps := &problems{file: name}
	var claims policy.Claims
	decode(ps, data, MaxClaimsSize, reflect.ValueOf(&claims).Elem())
	if err := ps.err(); err != nil {
		return nil, err
	}
	return &claims, nil
}

// decode fills v from data, and returns the tree that data was.
func decode(ps *problems, data []byte, limit int, v reflect.Value) *node {
	if len(data) > limit {
		ps.add(place{}, "", "is too large: more than %d bytes", limit)
		return nil
	}
	if !checkText(ps, data) {
		return nil
	}
	read := readYAML
	if isJSON(ps.file, data) {
		read = readJSON
	}
	root := read(data, ps)
	if root == nil {
		return nil
	}
	d := decoder{ps}
	d.value("", root, v)
	return root
}

func isJSON(name string, data []byte) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".json":
		return true
	case ".yaml", ".yml":
		return false
	default:
		return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
	}
}

// checkText refuses what no editor writes into a text file on purpose.
func checkText(ps *problems, data []byte) bool {
	where := newCursor(data)
	for offset := 0; offset < len(data); {
		r, size := utf8.DecodeRune(data[offset:])
		switch {
		case r == utf8.RuneError && size == 1:
			ps.add(where.at(offset), "", "is not UTF-8 from here on")
		case r == '\ufeff' && offset == 0:
			ps.add(place{1, 1}, "", "begins with a byte order mark; save the file without one")
		case r < ' ' && r != '\t' && r != '\n' && r != '\r':
			ps.add(where.at(offset), "", "has the control character %U here; delete it", r)
		}
		if ps.found() {
			return false
		}
		offset += size
	}
	return true
}

// addJudgement gives the problems that package policy found their places.
func addJudgement(ps *problems, root *node, err error) {
	invalid, ok := errors.AsType[*policy.InvalidError](err)
	if !ok {
		ps.add(place{}, "", "%v", err)
		return
	}
	for _, p := range invalid.Problems {
		ps.add(root.find(p.Path).at, p.Path, "%s", p.Message)
	}
}
