package world

import (
	"slices"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Platform is what the machines of this package are.
const Platform = evidence.ProcessVTPM

// Profile is the image profile of all releases.
const Profile = "development"

// Indices of registers in the PCR bank.
const (
	bootPCR = 11 // the image's sections: what decides on this platform
	markPCR = 15
)

// Release is what machines boot, by its name: all that it measures follows from
// that.
type Release string

// digest returns what a machine of the release extends into the boot register.
func (r Release) digest() measurement.Digest {
	return measurement.Sum(measurement.SHA256, r.event())
}

// event is the content of the event that is measured.
func (r Release) event() []byte { return []byte("release " + string(r)) }

// Policy returns the release as policies and statements list it.
func (r Release) Policy() (policy.Release, error) {
	boot, err := measurement.NewRegister(measurement.PCR, bootPCR)
	if err != nil {
		return policy.Release{}, err
	}
	mark, err := measurement.NewRegister(measurement.PCR, markPCR)
	if err != nil {
		return policy.Release{}, err
	}
	event := policy.ReferenceEvent{Digest: r.digest(), Type: "EV_IPL", Description: "release " + string(r)}
	value := policy.ReferenceValue{Value: boot.PowerOn().Extend(r.digest()), Events: []policy.ReferenceEvent{event}}
	return policy.Release{
		Name:     string(r),
		Manifest: measurement.Sum(measurement.SHA256, []byte("manifest of "+string(r))),
		Profile:  Profile,
		References: []policy.Reference{{
			Platform:  Platform,
			Mark:      &mark,
			Registers: map[measurement.Register][]policy.ReferenceValue{boot: {value}},
		}},
	}, nil
}

// releases returns several as policies list them.
func releases(list []Release) ([]policy.Release, error) {
	var out []policy.Release
	for _, r := range slices.Clone(list) {
		release, err := r.Policy()
		if err != nil {
			return nil, err
		}
		out = append(out, release)
	}
	return out, nil
}
