package policyfile_test

import (
	"crypto/sha512"
	"fmt"
	"strings"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// boot is what a machine of the examples goes through: a release on a platform.
// Its digests are made up, but the same text always has the same digest.
type boot struct {
	release  string
	platform evidence.Platform
}

// step is one event of a boot. What is the same in every release has no release
// in its seed.
type step struct{ register, kind, description, seed string }

func (b boot) steps() []step {
	if b.platform == evidence.QEMUTDX {
		return []step{
			{"rtmr0", "EV_EFI_HANDOFF_TABLES2", "virtual hardware", "tdvf"},
			{"rtmr1", "EV_EFI_BOOT_SERVICES_APPLICATION", b.image(), b.image()},
			{"rtmr2", "EV_EVENT_TAG", "kernel command line", b.release + " cmdline"},
			{"rtmr2", "EV_EVENT_TAG", "initial ramdisk", b.release + " initrd"},
		}
	}
	firmware := string(b.platform) + " firmware"
	return []step{
		{"pcr0", "EV_S_CRTM_VERSION", "firmware version", firmware},
		{"pcr0", "EV_EFI_PLATFORM_FIRMWARE_BLOB2", "firmware volume", firmware + " volume"},
		{"pcr7", "EV_EFI_VARIABLE_DRIVER_CONFIG", "SecureBoot", "secure boot on"},
		{"pcr4", "EV_EFI_ACTION", "Calling EFI Application from Boot Option", "boot option"},
		{"pcr4", "EV_SEPARATOR", "end of firmware", "separator"},
		{"pcr4", "EV_EFI_BOOT_SERVICES_APPLICATION", b.image(), b.image()},
		{"pcr4", "EV_EFI_BOOT_SERVICES_APPLICATION", "kernel in " + b.image(), b.image() + " kernel"},
		{"pcr11", "EV_IPL", "section .linux", b.release + " linux"},
		{"pcr11", "EV_IPL", "section .cmdline", b.release + " cmdline"},
		{"pcr11", "EV_IPL", "section .initrd", b.release + " initrd"},
		{"pcr9", "EV_EVENT_TAG", "initial ramdisk", b.release + " initrd"},
	}
}

func (b boot) image() string { return "asterism-" + b.release + ".efi" }

// covered lists the registers that the examples have values for.
func (b boot) covered() []measurement.Register {
	names := []string{"pcr0", "pcr4", "pcr7", "pcr8", "pcr9", "pcr11", "pcr12", "pcr13", "pcr14"}
	if b.platform == evidence.QEMUTDX {
		names = []string{"rtmr0", "rtmr1", "rtmr2"}
	}
	var list []measurement.Register
	for _, name := range names {
		list = append(list, register(name))
	}
	return list
}

// log returns the boot's event log.
func (b boot) log() []measurement.Event {
	var events []measurement.Event
	for _, s := range b.steps() {
		events = append(events, s.event())
	}
	return events
}

func (s step) event() measurement.Event {
	r := register(s.register)
	return measurement.Event{Register: r, Digest: digest(r.Bank().Algorithm(), s.seed), Type: s.kind, Description: s.description}
}

// registers returns what a machine reports after the boot.
func (b boot) registers() measurement.Registers {
	values := measurement.Replay(0, b.log())
	for _, r := range b.covered() {
		if got := values.Get(r); got.IsZero() {
			setRegister(&values, r, r.PowerOn())
		}
	}
	return values
}

func setRegister(values *measurement.Registers, r measurement.Register, d measurement.Digest) {
	if err := values.Set(r, d); err != nil {
		panic(err)
	}
}

func (b boot) launch() measurement.Digest {
	return digest(measurement.SHA384, string(b.platform)+" launch")
}

func register(name string) measurement.Register {
	r, err := measurement.ParseRegister(name)
	if err != nil {
		panic(err)
	}
	return r
}

// digest stands for a measurement of what the seed describes.
func digest(a measurement.Algorithm, seed string) measurement.Digest {
	return measurement.Sum(a, []byte("asterism/example\n"+seed))
}

func chip(n int) policy.Hex {
	sum := sha512.Sum512(fmt.Appendf(nil, "asterism/example\nchip %d", n))
	return sum[:]
}

func endorsementKey(n int) measurement.Digest {
	return digest(measurement.SHA256, fmt.Sprintf("endorsement key %d", n))
}

// registersYAML returns the boot's reference values as a policy holds them.
func (b boot) registersYAML(withEvents bool) string {
	values, log := b.registers(), b.log()
	var out strings.Builder
	for _, r := range b.covered() {
		value := values.Get(r)
		fmt.Fprintf(&out, "          %s:\n            - value: %s\n", r.Name(), quoteZeros(value.String()))
		head := "              events:\n"
		for _, e := range log {
			if withEvents && e.Register == r {
				fmt.Fprintf(&out, "%s                - digest: %s\n                  type: %s\n                  description: %s\n", head, e.Digest, e.Type, e.Description)
				head = ""
			}
		}
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// quoteZeros puts quotes around what some editors would take for a number.
func quoteZeros(text string) string {
	if strings.Trim(text, "0") == "" {
		return `"` + text + `"`
	}
	return text
}
