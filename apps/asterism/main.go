// Command asterism is the command-line tool of the engine: for those who run
// clusters, decide what may join them, and verify them from outside.
package main

import (
	"os"

	"github.com/asterism-k8s/asterism/apps/asterism/asterismapp"
)

func main() {
	os.Exit(asterismapp.Run(asterismapp.FromOS(), os.Args[1:]))
}
