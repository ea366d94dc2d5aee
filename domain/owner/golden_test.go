package owner_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkTexts holds what refusals say to people against a golden file.
func checkTexts(t *testing.T, name string, refusals map[string]error) {
	t.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(refusals)) {
		fmt.Fprintf(&b, "%s: %v\n", name, refusals[name])
	}
	path := filepath.Join("testdata", "refusals", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("run with -update and look at the difference (-want +got):\n%s", diff)
	}
}
