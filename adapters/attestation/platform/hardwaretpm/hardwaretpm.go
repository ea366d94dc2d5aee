// Package hardwaretpm is the platforms whose TPM vouches for what a machine booted,
// and for nothing else: "tpm" (bare metal), "qemu-vtpm" and "openstack-vtpm".
//
// What is proved: the firmware, boot loader, kernel, command line and initial
// system that the TPM's registers were extended with, since the last reset that
// its counter tells of; and that the key which signed lives in the one TPM whose
// endorsement key a configured root has certified, or the owner has listed.
//
// What stays trusted: memory is not protected from the host. On bare metal whoever
// holds the machine can read it on the bus, and the firmware that measures itself
// first is believed. With a virtual TPM the hypervisor holds the registers and the
// keys too, so that all of the proof is its word; it protects from everybody but
// who runs it.
package hardwaretpm

import (
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/tpmplatform"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// New returns the platforms, sorted by name.
func New(c tpmplatform.Config) []*tpmplatform.Platform {
	var all []*tpmplatform.Platform
	for _, name := range []evidence.Platform{evidence.OpenStackVTPM, evidence.QEMUVTPM, evidence.TPM} {
		all = append(all, tpmplatform.New(name, c))
	}
	return all
}
