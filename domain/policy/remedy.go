package policy

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Around what a register covers stands the same advice.
const (
	covers = "It covers "
	advice = "; boot the release unchanged, or sign a policy with the new value if the change is intended."
)

// registerRemedy says what a register covers and what to do when it differs.
func registerRemedy(r measurement.Register, missing bool) string {
	switch {
	case missing:
		return "The evidence does not cover this register; the node must quote every register that the policy names."
	case r.Bank() == measurement.RTMR:
		return rtmrRemedy(r.Index())
	default:
		return pcrRemedy(r.Index())
	}
}

// pcrRemedy follows the TCG PC Client Platform Firmware Profile, section 3.3.4,
// and above PCR 7 what systemd-stub measures.
func pcrRemedy(index int) string {
	switch index {
	case 0:
		return covers + "the firmware's code" + advice
	case 1:
		return covers + "the firmware's configuration, memory size and devices" + advice
	case 2:
		return covers + "option ROMs and drivers from devices" + advice
	case 3:
		return covers + "the configuration of option ROMs" + advice
	case 4:
		return covers + "the boot loader and the kernel image" + advice
	case 5:
		return covers + "the partition table and the boot loader's configuration" + advice
	case 6:
		return covers + "events of the machine's manufacturer" + advice
	case 7:
		return covers + "the state and keys of Secure Boot" + advice
	case 8:
		return covers + "commands of a boot loader" + advice
	case 9:
		return covers + "the kernel command line and the initial ramdisk" + advice
	case 10:
		return covers + "files that the kernel measured (IMA)" + advice
	case 11:
		return covers + "the sections of the unified kernel image" + advice
	case 12:
		return covers + "parameters and credentials passed to the kernel from outside the image" + advice
	case 13:
		return covers + "extensions of the system image" + advice
	case 14:
		return covers + "shim's machine-owner keys" + advice
	default:
		return covers + "measurements of the operating system" + advice
	}
}

// rtmrRemedy follows Intel's Guest-Host-Communication Interface and the UEFI
// specification, section 38.4.1.
func rtmrRemedy(index int) string {
	switch index {
	case 0:
		return covers + "the firmware's configuration and the state of Secure Boot" + advice
	case 1:
		return covers + "the boot loader and the kernel image" + advice
	case 2:
		return covers + "the kernel command line and the initial ramdisk" + advice
	default:
		return covers + "measurements of the operating system" + advice
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
