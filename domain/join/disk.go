package join

import "github.com/asterism-k8s/asterism/domain/keys"

// checkDisk wants the one text form of a state disk's UUID, by which keys are
// named.
func checkDisk(disk string) error {
	_, err := keys.NewID(keys.StateDisk, disk)
	return err
}
