package asterismapp

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

func TestPlatformOfMachine(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		want  evidence.Platform // empty where it must not be guessed
	}{
		"bare metal":             {machineFiles("Dell Inc.", "PowerEdge R7625", "fpu svm"), evidence.TPM},
		"nothing known":          {nil, evidence.TPM},
		"QEMU":                   {machineFiles("QEMU", "Standard PC (Q35 + ICH9, 2009)", "hypervisor"), evidence.QEMUVTPM},
		"KVM of Red Hat":         {machineFiles("Red Hat", "KVM", "hypervisor"), evidence.QEMUVTPM},
		"OpenStack":              {machineFiles("OpenStack Foundation", "OpenStack Nova", "hypervisor"), evidence.OpenStackVTPM},
		"OpenStack of Red Hat":   {machineFiles("Red Hat", "OpenStack Compute", "hypervisor"), evidence.OpenStackVTPM},
		"Azure":                  {machineFiles("Microsoft Corporation", "Virtual Machine", "fpu hypervisor"), ""},
		"a laptop of Microsoft":  {machineFiles("Microsoft Corporation", "Surface Laptop", "fpu"), evidence.TPM},
		"AWS on ARM":             {machineFiles("Amazon EC2", "m8g.large", ""), ""},
		"an unknown hypervisor":  {machineFiles("", "", "hypervisor"), ""},
		"hypervisor in a name":   {machineFiles("hypervisor.org", "no hypervisor", "nohypervisor"), evidence.TPM},
		"spaces around the name": {machineFiles(" QEMU\n", "x\n", ""), evidence.QEMUVTPM},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := readMachine(func(path string) ([]byte, error) {
				if text, found := c.files[path]; found {
					return []byte(text), nil
				}
				return nil, fs.ErrNotExist
			})
			got, err := m.platform()
			if got != c.want || errors.Is(err, errUnknownMachine) != (c.want == "") {
				t.Errorf("got %q and %v, want %q", got, err, c.want)
			}
		})
	}
}

func machineFiles(vendor, product, flags string) map[string]string {
	return map[string]string{
		"/sys/class/dmi/id/sys_vendor":   vendor,
		"/sys/class/dmi/id/product_name": product,
		"/proc/cpuinfo":                  "processor\t: 0\nflags\t\t: " + flags + "\n",
	}
}

func TestKernelEventLog(t *testing.T) {
	for address, want := range map[string]string{
		"/dev/tpmrm0": "/sys/kernel/security/tpm0/binary_bios_measurements",
		"/dev/tpm1":   "/sys/kernel/security/tpm1/binary_bios_measurements",
	} {
		if got := kernelEventLog(address); got != want {
			t.Errorf("of %s: %s", address, got)
		}
	}
}
