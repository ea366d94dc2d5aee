package policyfile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
)

// compile checks the schema against its meta-schema, which the library holds,
// and makes a validator of it. Nothing is fetched.
func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(policyfile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	if err := compiler.AddResource("policy.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(schema *jsonschema.Schema, data []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// TestSchemaAcceptsPolicies holds what the parser accepts against the schema.
func TestSchemaAcceptsPolicies(t *testing.T) {
	schema := compile(t)
	for _, name := range []string{"policy.yaml", "policy-minimal.yaml"} {
		if err := validate(schema, parseExample(t, name).JSON()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		document := drawDocument(t)
		data, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, data); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
	})
}

// TestSchemaAcceptsExamplesAsEditorsReadThem takes what is not in quotes for a
// number or a boolean where it looks like one (YAML 1.2, core schema).
func TestSchemaAcceptsExamplesAsEditorsReadThem(t *testing.T) {
	schema := compile(t)
	for _, name := range []string{"policy.yaml", "policy-minimal.yaml"} {
		var document yaml.Node
		if err := yaml.Unmarshal(readFile(t, filepath.Join(examples, name)), &document); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(core(document.Content[0])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func core(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = core(n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, core(item))
		}
		return list
	default:
		return coreScalar(n)
	}
}

func coreScalar(n *yaml.Node) any {
	number := regexp.MustCompile(`^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$`)
	switch {
	case n.Style != 0:
		return n.Value
	case n.Value == "true" || n.Value == "false":
		return n.Value == "true"
	case number.MatchString(n.Value):
		return json.Number(n.Value)
	default:
		return n.Value
	}
}

// TestSchemaRefusesWhatTheParserRefuses changes one thing in a valid policy.
func TestSchemaRefusesWhatTheParserRefuses(t *testing.T) {
	schema := compile(t)
	zeros := strings.Repeat("0", 128)
	cases := map[string]struct {
		path  string // in a document that accepts all platforms of the example
		value any    // nil removes
	}{
		"unknown field":            {"unknown", 1},
		"unknown field in release": {"releases.0.unknown", 1},
		"unknown field in value":   {"releases.0.references.2.registers.pcr4.0.unknown", 1},
		"missing version":          {"version", nil},
		"missing serial":           {"serial", nil},
		"missing release name":     {"releases.0.name", nil},
		"missing references":       {"releases.0.references", nil},
		"missing value":            {"releases.0.references.2.registers.pcr4.0.value", nil},
		"missing event digest":     {"releases.0.references.2.registers.pcr4.0.events.0.digest", nil},
		"missing mark":             {"releases.0.references.2.mark", nil},
		"missing ekTrust":          {"tpm.ekTrust", nil},
		"missing requirements":     {"snp.require", nil},
		"missing floor":            {"snp.productLines.0.minimumTCB", nil},
		"missing component":        {"snp.productLines.0.minimumTCB.snp", nil},
		"missing end of grace":     {"tdx.grace.until", nil},
		"missing statuses":         {"tdx.tcbStatus", nil},
		"wrong version":            {"version", "asterism/policy/v2"},
		"serial 0":                 {"serial", 0},
		"serial as text":           {"serial", "7"},
		"serial too large":         {"serial", 1 << 53},
		"null":                     {"description", json.RawMessage("null")},
		"text too long":            {"description", strings.Repeat("a", 1025)},
		"platform":                 {"platforms.0", "azure"},
		"platforms repeat":         {"platforms.0", "qemu-tdx"},
		"no platform":              {"platforms", []any{}},
		"profile":                  {"profiles.0", "-"},
		"rule":                     {"registers.pcr0", "enforced"},
		"register":                 {"registers.pcr24", "warn"},
		"boolean as text":          {"requireEventLog", "yes"},
		"digest too short":         {"releases.0.references.2.registers.pcr4.0.value", zeros[:63]},
		"digest upper case":        {"releases.0.manifest", strings.Repeat("A", 64)},
		"digest of another bank":   {"releases.0.references.2.registers.pcr4.0.value", zeros[:96]},
		"launch digest":            {"releases.0.references.0.launchDigests.0", zeros[:64]},
		"mark":                     {"releases.0.references.2.mark", "pcr14"},
		"no value":                 {"releases.0.references.2.registers.pcr4", []any{}},
		"time":                     {"releases.1.notAfter", "2026-09-01"},
		"time zone":                {"releases.1.notAfter", "2026-09-01T00:00:00+02:00"},
		"duration":                 {"freshness.maxAge", "30 days"},
		"duration negative":        {"freshness.maxAge", "-1h"},
		"ekTrust":                  {"tpm.ekTrust", "any"},
		"product line":             {"snp.productLines.0.name", "Naples"},
		"Milan without chips":      {"snp.productLines.1.chips", nil},
		"component too large":      {"snp.productLines.0.minimumTCB.snp", 256},
		"VMPL":                     {"snp.maxVMPL", 4},
		"requirement":              {"snp.require.0", "sept-ve-disable"},
		"requirement of SNP":       {"tdx.require.0", "no-smt"},
		"chip of zeros":            {"deniedChips.0", zeros},
		"chip of odd length":       {"deniedChips.0", zeros[:31]},
		"status":                   {"tdx.tcbStatus.0", "Revoked"},
		"advisory":                 {"tdx.acceptedAdvisories.0", "SA-1"},
		"TEE_TCB_SVN":              {"tdx.minimumTEETCBSVN", "05"},
		"evidence bound":           {"bounds.evidenceBytes", 1<<20 + 1},
		"events bound":             {"bounds.events", -1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			data := changed(t, c.path, c.value)
			if _, err := policyfile.ParsePolicy("p.json", data); err == nil {
				t.Error("the parser accepts it")
			}
			if err := validate(schema, data); err == nil {
				t.Error("the schema accepts it")
			}
		})
	}
	if err := validate(schema, changed(t, "serial", 8)); err != nil {
		t.Errorf("a change that is right: %v", err)
	}
}

// changed returns the example with one value replaced, or removed.
func changed(t *testing.T, path string, value any) []byte {
	t.Helper()
	var root any
	if err := json.Unmarshal(parseExample(t, "policy.yaml").JSON(), &root); err != nil {
		t.Fatal(err)
	}
	steps := strings.Split(path, ".")
	at := root
	for _, step := range steps[:len(steps)-1] {
		at = descend(t, at, step)
	}
	last := steps[len(steps)-1]
	switch at := at.(type) {
	case map[string]any:
		if at[last] = value; value == nil {
			delete(at, last)
		}
	case []any:
		at[index(t, last)] = value
	default:
		t.Fatalf("%s leads nowhere", path)
	}
	data, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func descend(t *testing.T, at any, step string) any {
	t.Helper()
	switch at := at.(type) {
	case map[string]any:
		return at[step]
	case []any:
		return at[index(t, step)]
	default:
		t.Fatalf("no %s in %v", step, at)
		return nil
	}
}

func index(t *testing.T, text string) int {
	t.Helper()
	var i int
	if _, err := fmt.Sscan(text, &i); err != nil {
		t.Fatal(err)
	}
	return i
}
