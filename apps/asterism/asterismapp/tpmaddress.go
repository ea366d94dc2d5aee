package asterismapp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

const (
	autoTPM    = "auto" // the kernel's resource manager
	noEventLog = "none"
)

// What the help of attest says of its flags.
const (
	tpmHelp = "The TPM is /dev/tpmrm0 (auto) if --tpm does not name another one: a device, or\n" +
		"a software TPM (swtpm) behind unix:PATH or tcp:HOST:PORT."
	platformHelp = "The platform says what vouches for the machine: tpm on bare metal, qemu-vtpm or\n" +
		"openstack-vtpm where a hypervisor provides the TPM, process-vtpm for a software\n" +
		"TPM on its own, which proves nothing and is for development. What the machine's\n" +
		"firmware says of itself (DMI) is the default for devices, process-vtpm for\n" +
		"sockets: give --platform where a virtual machine's TPM is behind one. A policy\n" +
		"decides which platforms are admitted, so a wrong one admits nobody."
	eventLogHelp = "The event log of the firmware says how the registers came about. The kernel's\n" +
		"copy, which only root may read, is the default for devices, where there is one."
)

// tpmAddress returns the address of --tpm as package device takes it.
func (s *System) tpmAddress(name string) (string, error) {
	scheme, rest, found := strings.Cut(name, ":")
	switch {
	case name == autoTPM:
		return device.Kernel, nil
	case filepath.IsAbs(name), found && scheme == "tcp" && rest != "":
		return name, nil
	case found && scheme == "unix" && rest != "":
		return "unix:" + s.resolve(rest), nil
	default:
		return "", fmt.Errorf("--tpm %q is no address of a TPM: want auto, a device such as %s, unix:PATH or tcp:HOST:PORT", name, device.Kernel)
	}
}

func isDevice(address string) bool { return filepath.IsAbs(address) }

// attestable names the platforms that evidence can be made for here.
func attestable() []string {
	var names []string
	for _, p := range newPlatforms(time.Now).Platforms() {
		names = append(names, string(p))
	}
	return names
}

// platformOf returns the platform of --platform, or the one of the address.
func (o *attestOptions) platformOf(address string) (evidence.Platform, error) {
	names := strings.Join(attestable(), ", ")
	switch {
	case o.platform != "" && !slices.Contains(attestable(), o.platform):
		return "", fmt.Errorf("--platform %q is not one of %s", o.platform, names)
	case o.platform != "":
		return evidence.Platform(o.platform), nil
	case !isDevice(address):
		return evidence.ProcessVTPM, nil
	}
	m := readMachine(os.ReadFile)
	platform, err := m.platform()
	if err != nil {
		return "", fmt.Errorf("%w: say with --platform what provides its TPM: %s", err, names)
	}
	return platform, nil
}

// kernelEventLog returns where Linux keeps the log of the TPM behind a device, in
// securityfs.
func kernelEventLog(address string) string {
	number := strings.TrimLeft(filepath.Base(address), "tpmr") // of tpm0 or tpmrm0
	return "/sys/kernel/security/tpm" + number + "/binary_bios_measurements"
}

// eventLogOf returns the path of the event log, empty for none. A log that was
// asked for must be there, the kernel's need not. The error is an *inputError.
func (s *System) eventLogOf(name, address string) (string, error) {
	switch {
	case name == noEventLog, name == "" && !isDevice(address):
		return "", nil
	case name == "":
		return kernelLog(kernelEventLog(address))
	}
	path := s.resolve(name)
	if err := readable(path); err != nil {
		return "", &inputError{&readError{name, reason(err)}, "Check the path; --event-log none makes evidence without a log."}
	}
	return path, nil
}

func kernelLog(path string) (string, error) {
	err := readable(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", &inputError{&readError{path, reason(err)}, "Run it as root, or with --event-log none: a refusal then cannot say what diverged."}
	}
	return path, nil
}

func readable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return file.Close()
}
