package evidence

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// ErrPlatform is wrapped by every error about the name of a platform.
var ErrPlatform = errors.New("not a platform")

// Platform names a kind of machine by what vouches for it.
type Platform string

// The platforms.
const (
	TPM                Platform = "tpm" // bare metal
	QEMUVTPM           Platform = "qemu-vtpm"
	OpenStackVTPM      Platform = "openstack-vtpm"
	ProcessVTPM        Platform = "process-vtpm" // a process with a software TPM, for development
	QEMUSNP            Platform = "qemu-snp"
	QEMUTDX            Platform = "qemu-tdx"
	AzureSNP           Platform = "azure-snp"
	AzureTDX           Platform = "azure-tdx"
	AzureTrustedLaunch Platform = "azure-trustedlaunch"
	GCPSNP             Platform = "gcp-snp"
	GCPTDX             Platform = "gcp-tdx"
	AWSSNP             Platform = "aws-snp"
	AWSNitroTPM        Platform = "aws-nitrotpm"
)

// TEE is the trusted execution environment that protects a machine's memory.
type TEE uint8

// The environments. NoTEE means that memory is readable to the host.
const (
	NoTEE TEE = iota
	SNP       // AMD SEV-SNP
	TDX       // Intel TDX
)

// String returns the vendor's name of the environment.
func (t TEE) String() string {
	switch t {
	case SNP:
		return "AMD SEV-SNP"
	case TDX:
		return "Intel TDX"
	default:
		return "none"
	}
}

// AKTrust says what makes a verifier believe in an attestation key.
type AKTrust uint8

// The ways in which an attestation key earns trust.
const (
	AKNone            AKTrust = iota // the platform has no attestation key
	AKActivated                      // credential activation against a trusted endorsement key
	AKCertified                      // a certificate chain of the provider
	AKInReport                       // the TEE report covers it
	AKInNitroDocument                // the NitroTPM attestation document covers it
)

// Traits is what is fixed about a platform.
type Traits struct {
	TEE     TEE
	TPM     bool // PCRs are part of the evidence
	AKTrust AKTrust
	// LaunchDecides says that the TEE's launch digest, or the key that signed
	// it, must be in policy.
	LaunchDecides bool
	// Boot lists the registers that cover everything that can run. A policy
	// without a reference value for one of them has a hole.
	Boot []measurement.Register
}

// Traits returns what is fixed about the platform. The error wraps ErrPlatform
// where the name is unknown.
func (p Platform) Traits() (Traits, error) {
	switch p {
	case TPM, QEMUVTPM, OpenStackVTPM:
		return Traits{TPM: true, AKTrust: AKActivated, Boot: unifiedKernelPCRs()}, nil
	case ProcessVTPM:
		return Traits{TPM: true, AKTrust: AKActivated, Boot: registers(measurement.PCR, 11)}, nil
	case AzureTrustedLaunch:
		return Traits{TPM: true, AKTrust: AKCertified, Boot: unifiedKernelPCRs()}, nil
	case AWSNitroTPM:
		return Traits{TPM: true, AKTrust: AKInNitroDocument, Boot: unifiedKernelPCRs()}, nil
	case QEMUSNP:
		return Traits{TEE: SNP, LaunchDecides: true}, nil
	case QEMUTDX:
		return Traits{TEE: TDX, LaunchDecides: true, Boot: registers(measurement.RTMR, 0, 1, 2)}, nil
	case AzureSNP:
		return Traits{TEE: SNP, TPM: true, AKTrust: AKInReport, LaunchDecides: true, Boot: unifiedKernelPCRs()}, nil
	case AzureTDX:
		return Traits{TEE: TDX, TPM: true, AKTrust: AKInReport, LaunchDecides: true, Boot: unifiedKernelPCRs()}, nil
	case GCPSNP:
		return Traits{TEE: SNP, TPM: true, AKTrust: AKCertified, LaunchDecides: true, Boot: unifiedKernelPCRs()}, nil
	case GCPTDX:
		return Traits{TEE: TDX, TPM: true, AKTrust: AKCertified, LaunchDecides: true, Boot: registers(measurement.RTMR, 0, 1, 2)}, nil
	case AWSSNP:
		return Traits{TEE: SNP, TPM: true, AKTrust: AKInNitroDocument, LaunchDecides: true, Boot: unifiedKernelPCRs()}, nil
	default:
		return Traits{}, fmt.Errorf("%w: %q, want one of %s", ErrPlatform, string(p), strings.Join(platformNames(), ", "))
	}
}

// Platforms returns all platforms, sorted by name.
func Platforms() []Platform {
	all := []Platform{
		TPM, QEMUVTPM, OpenStackVTPM, ProcessVTPM, QEMUSNP, QEMUTDX, AzureSNP, AzureTDX,
		AzureTrustedLaunch, GCPSNP, GCPTDX, AWSSNP, AWSNitroTPM,
	}
	slices.Sort(all)
	return all
}

func platformNames() []string {
	var names []string
	for _, p := range Platforms() {
		names = append(names, string(p))
	}
	return names
}

// unifiedKernelPCRs are the registers that a boot of a unified kernel image
// extends, or must leave alone: boot loader code and the kernel (4), command
// lines and initial ramdisks (8, 9), the image's sections (11), and what could
// still be added to it from outside: parameters (12), extensions (13), shim's
// machine-owner keys (14).
func unifiedKernelPCRs() []measurement.Register {
	return registers(measurement.PCR, 4, 8, 9, 11, 12, 13, 14)
}

func registers(b measurement.Bank, indices ...int) []measurement.Register {
	var rs []measurement.Register
	for _, i := range indices {
		if r, err := measurement.NewRegister(b, i); err == nil {
			rs = append(rs, r)
		}
	}
	return rs
}
