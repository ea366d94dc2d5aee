// Package recordedtest holds what real machines handed over: event logs, the registers
// that go with them, and whole attestations. testdata/README.md says where each file
// is from. It is for tests; nothing else imports it.
package recordedtest

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

//go:embed testdata
var files embed.FS

// Log is the firmware's event log of a machine.
type Log struct {
	Name      string
	Data      []byte
	Registers measurement.Registers // recorded with it; empty where they were not
}

// Logs returns all logs, sorted by name.
func Logs(t testing.TB) []Log {
	t.Helper()
	registers := readRegisters(t)
	var logs []Log
	for name, data := range read(t, "logs", ".bin") {
		logs = append(logs, Log{Name: name, Data: data, Registers: registers[name]})
	}
	return logs
}

// FindLog returns the log of that name.
func FindLog(t testing.TB, name string) Log {
	t.Helper()
	for _, log := range Logs(t) {
		if log.Name == name {
			return log
		}
	}
	t.Fatalf("no log %q is recorded", name)
	return Log{}
}

// Attestation returns an encoded attest.Attestation by its name.
func Attestation(t testing.TB, name string) []byte {
	t.Helper()
	for found, data := range read(t, "attestations", ".pb") {
		if found == name {
			return data
		}
	}
	t.Fatalf("no attestation %q is recorded", name)
	return nil
}

// read iterates over the files of a folder, by their names without the ending.
func read(t testing.TB, folder, ending string) func(yield func(string, []byte) bool) {
	t.Helper()
	entries, err := fs.ReadDir(files, path.Join("testdata", folder))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(string, []byte) bool) {
		for _, entry := range entries {
			data, err := files.ReadFile(path.Join("testdata", folder, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if !yield(strings.TrimSuffix(entry.Name(), ending), data) {
				return
			}
		}
	}
}

func readRegisters(t testing.TB) map[string]measurement.Registers {
	t.Helper()
	data, err := files.ReadFile("testdata/registers.json")
	if err != nil {
		t.Fatal(err)
	}
	var registers map[string]measurement.Registers
	if err := json.Unmarshal(data, &registers); err != nil {
		t.Fatal(fmt.Errorf("reading the recorded registers: %w", err))
	}
	return registers
}
