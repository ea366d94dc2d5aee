package asterismapp

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker in releases.
var version = "dev"

type versionReport struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source; ends in -dirty where it was changed
	Go       string `json:"go"`
	Platform string `json:"platform"` // as in linux/amd64
}

func newVersion(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		Example: "  asterism version\n  asterism version -o json",
		Args:    files(0, 0, "none"),
	}
	f := addFormat(c)
	c.ValidArgsFunction = cobra.NoFileCompletions
	c.RunE = func(*cobra.Command, []string) error {
		r := newVersionReport(debug.ReadBuildInfo())
		if f.name != table {
			return f.write(s.Stdout, r)
		}
		return write(s.Stdout, []byte(r.String()))
	}
	return c
}

func newVersionReport(info *debug.BuildInfo, ok bool) versionReport {
	r := versionReport{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if !ok {
		return r
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	r.Revision = settings["vcs.revision"]
	if r.Revision != "" && settings["vcs.modified"] == "true" {
		r.Revision += "-dirty"
	}
	return r
}

// String returns a line an item.
func (r versionReport) String() string {
	text := fmt.Sprintf("version   %s\n", r.Version)
	if r.Revision != "" {
		text += fmt.Sprintf("revision  %s\n", r.Revision)
	}
	return text + fmt.Sprintf("go        %s\nplatform  %s\n", r.Go, r.Platform)
}
