package asterismapp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
)

// The formats of output.
const (
	table      = "table"
	jsonFormat = "json"
	yamlFormat = "yaml"
)

// format is the value of --output.
type format struct{ name string }

// String returns the format's name.
func (f *format) String() string { return f.name }

// Type names the flag's argument in help.
func (f *format) Type() string { return "format" }

// Set takes a format that there is.
func (f *format) Set(name string) error {
	if !slices.Contains(formats(), name) {
		return fmt.Errorf("want %s", strings.Join(formats(), ", "))
	}
	f.name = name
	return nil
}

func formats() []string { return []string{table, jsonFormat, yamlFormat} }

// addFormat gives a command the flag --output.
func addFormat(c *cobra.Command) *format {
	f := &format{table}
	c.Flags().VarP(f, "output", "o", "how to print: "+strings.Join(formats(), ", "))
	complete := cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp)
	if err := c.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag is there: it was added above
	}
	return f
}

// write prints v for programs. Whoever calls it has dealt with table.
func (f *format) write(w io.Writer, v any) error {
	encode := encodeJSON
	if f.name == yamlFormat {
		encode = policyfile.EncodeYAML
	}
	data, err := encode(v)
	if err != nil {
		return fmt.Errorf("encoding the output: %w", err)
	}
	return write(w, data)
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return safeJSON(b.Bytes()), nil
}

func write(w io.Writer, data []byte) error {
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return nil
}
