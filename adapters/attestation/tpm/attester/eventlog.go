package attester

import (
	"fmt"
	"io"
	"os"
)

// maxEventLog bounds the firmware's log in bytes: evidence as a whole has a
// mebibyte. Logs of real machines have 10 to 100 kB.
const maxEventLog = 512 << 10

// readEventLog returns the firmware's log, nothing where path is empty.
func readEventLog(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the event log (is securityfs mounted? a machine without a log needs none configured): %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	log, err := io.ReadAll(io.LimitReader(f, maxEventLog+1))
	if err != nil {
		return nil, fmt.Errorf("reading the event log: %w", err)
	}
	if len(log) > maxEventLog {
		return nil, fmt.Errorf("the event log %s has more than %d bytes", path, maxEventLog)
	}
	return log, nil
}
