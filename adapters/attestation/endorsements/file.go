package endorsements

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	magic = "asterism/endorsements/v1\n"
	// maxFile bounds what is read: an endorsement in base64 and what is said of it.
	maxFile = 4 << 20
	partial = ".partial" // the ending of files that are being written
)

// errDamaged is wrapped where a file is not what was written.
var errDamaged = errors.New("the file is damaged")

// writeFile puts value into the file durably, and all of it or nothing:
//
//	magic ‖ SHA-256 of the rest ‖ the value in JSON
func writeFile(path string, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(path), err)
	}
	sum := sha256.Sum256(payload)
	data := bytes.Join([][]byte{[]byte(magic), sum[:], payload}, nil)
	if err := writeSynced(path+partial, data); err != nil {
		return err
	}
	if err := os.Rename(path+partial, path); err != nil {
		return fmt.Errorf("replacing an endorsement's file: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing an endorsement: %w", err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("writing an endorsement: %w", err)
	}
	return nil
}

// syncFolder makes a rename last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing the folder of endorsements: %w", err)
	}
	defer folder.Close() //nolint:errcheck // it was only read
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("syncing the folder of endorsements: %w", err)
	}
	return nil
}

// readFile reads what writeFile wrote. The error wraps errDamaged where it is
// something else, and fs.ErrNotExist where there is none.
func readFile(path string, value any) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading an endorsement: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return fmt.Errorf("reading an endorsement: %w", err)
	}
	rest, found := bytes.CutPrefix(data, []byte(magic))
	if !found || len(rest) < sha256.Size || len(data) > maxFile {
		return fmt.Errorf("%w: %s", errDamaged, filepath.Base(path))
	}
	payload := rest[sha256.Size:]
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return fmt.Errorf("%w: %s does not have its checksum", errDamaged, filepath.Base(path))
	}
	if err := json.Unmarshal(payload, value); err != nil {
		return fmt.Errorf("%w: %s: %w", errDamaged, filepath.Base(path), err)
	}
	return nil
}
