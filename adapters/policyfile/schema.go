package policyfile

import (
	"bytes"
	_ "embed"
)

//go:embed policy.schema.json
var schema []byte

// Schema returns the JSON schema (draft 2020-12) of policies. It refuses what
// ParsePolicy refuses about the form of a document; what only a look at the
// whole shows, such as rules that contradict each other, is for ParsePolicy.
func Schema() []byte { return bytes.Clone(schema) }
