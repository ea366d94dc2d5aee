package asterismapp

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// Where Linux says what machine it runs on.
const (
	dmiFolder = "/sys/class/dmi/id" // sysfs-class-dmi; SMBIOS, section 7.2
	cpuInfo   = "/proc/cpuinfo"
)

// machine is what firmware says of a machine. Nothing vouches for it: it chooses
// a default, and the policy decides which platforms may be admitted.
type machine struct {
	vendor, product string
	virtual         bool
}

// readMachine asks Linux. What it does not say stays empty.
func readMachine(readFile func(string) ([]byte, error)) machine {
	read := func(name string) string {
		data, err := readFile(name)
		if err != nil {
			return ""
		}
		return string(bytes.TrimSpace(data))
	}
	return machine{
		vendor:  read(path.Join(dmiFolder, "sys_vendor")),
		product: read(path.Join(dmiFolder, "product_name")),
		virtual: slices.Contains(strings.Fields(read(cpuInfo)), "hypervisor"),
	}
}

// errUnknownMachine says that a virtual machine is of a kind that is not known:
// what vouches for its TPM must not be guessed.
var errUnknownMachine = errors.New("this virtual machine is of an unknown kind")

// platform returns the platform of a machine whose TPM is a device. The error
// wraps errUnknownMachine.
func (m *machine) platform() (evidence.Platform, error) {
	switch {
	case strings.HasPrefix(m.vendor, "OpenStack"), strings.HasPrefix(m.product, "OpenStack"):
		return evidence.OpenStackVTPM, nil
	case m.vendor == "QEMU", m.product == "KVM":
		return evidence.QEMUVTPM, nil
	case m.virtual, slices.Contains(otherHypervisors(), m.vendor):
		return "", fmt.Errorf("%w (vendor %q, product %q)", errUnknownMachine, m.vendor, m.product)
	default:
		return evidence.TPM, nil
	}
}

// otherHypervisors are vendors of virtual machines only. On processors of ARM
// nothing else tells them from bare metal.
func otherHypervisors() []string {
	return []string{"Amazon EC2", "Google", "Parallels Software International Inc.", "VMware, Inc.", "Xen", "innotek GmbH"}
}
