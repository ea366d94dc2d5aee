package asterismapp

import (
	"os"

	"golang.org/x/term"
)

// terminalWidth returns the columns of the terminal behind a file, 0 where there
// is none.
func terminalWidth(file *os.File) int {
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
