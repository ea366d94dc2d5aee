package authoritytest

import (
	"crypto/sha256"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Release is the name of the release that the statements and policies accept.
const Release = "v1.0.0"

// Platforms returns the platforms for which that release has references: one
// without a TEE, one whose TEE has a TPM beside it, one with a TEE alone.
func Platforms() []evidence.Platform {
	return []evidence.Platform{evidence.ProcessVTPM, evidence.AzureSNP, evidence.QEMUSNP}
}

// NewStatement returns the statement that Statement signs: of this cluster, with
// the next serial, naming the administrators and readers of the Config, and
// accepting Release.
func (a *Author) NewStatement(issued time.Time) owner.Statement {
	return owner.Statement{
		Serial: a.said.statement + 1, Cluster: a.Cluster(), Owner: a.Owner(), Issued: issued,
		EngineCA: spki("engine CA"), KubernetesCA: spki("Kubernetes CA"), LedgerKey: public(a.Key("ledger")),
		Releases: releases(), EndorsementRoots: []evidence.SPKIHash{spki("endorsement root")},
		TPM: &policy.TPM{EKTrust: policy.EKCertificate}, SNP: snp(), MinimumPolicySerial: 1,
		Administrators: a.delegates(a.config.Administrators), Readers: a.delegates(a.config.Readers),
	}
}

// NewPolicy returns the policy that Policy signs: with the next serial, and as
// strict as NewStatement's statement.
func (a *Author) NewPolicy() policy.Document {
	return policy.Document{
		Version: policy.Version, Serial: a.said.policy + 1, Platforms: Platforms(), Profiles: []string{"release"},
		Releases: releases(), TPM: &policy.TPM{EKTrust: policy.EKCertificate}, SNP: snp(),
	}
}

func releases() []policy.Release {
	r := policy.Release{Name: Release, Manifest: digest(measurement.SHA256, Release), Profile: "release"}
	for _, p := range Platforms() {
		r.References = append(r.References, reference(p))
	}
	return []policy.Release{r}
}

func reference(p evidence.Platform) policy.Reference {
	ref := policy.Reference{Platform: p}
	traits, err := p.Traits()
	if err != nil {
		return ref
	}
	if len(traits.Boot) > 0 {
		ref.Registers = map[measurement.Register][]policy.ReferenceValue{}
	}
	for _, r := range traits.Boot {
		ref.Registers[r] = []policy.ReferenceValue{{Value: value(r)}}
	}
	if mark, err := measurement.NewRegister(measurement.PCR, 15); err == nil && traits.TPM {
		ref.Mark = &mark
	}
	if traits.LaunchDecides {
		ref.LaunchDigests = []measurement.Digest{digest(measurement.SHA384, Release)}
	}
	return ref
}

// value is what a register of a machine that runs Release holds.
func value(r measurement.Register) measurement.Digest { return digest(r.Bank().Algorithm(), r.Name()) }

func snp() *policy.SNP {
	return &policy.SNP{
		ProductLines: []policy.ProductLinePolicy{{Name: policy.Genoa, TCB: tcb()}},
		Require:      []policy.Requirement{policy.AliasCheck, policy.NoMigration},
	}
}

func tcb() policy.TCB { return policy.TCB{BootLoader: 10, SNP: 23, Microcode: 84} }

// Machine returns the identity of the machine whose endorsement key Claims has
// for that name.
func Machine(name string) join.Identity {
	id, err := join.ParseIdentity("ek:" + endorsementKey(name).String())
	if err != nil {
		return join.Identity{}
	}
	return id
}

func endorsementKey(machine string) measurement.Digest {
	return digest(measurement.SHA256, "ek of "+machine)
}

// Claims returns what the machine of that name shows when it runs Release on one
// of Platforms, in its boot of that number. NewPolicy's policy admits it.
func Claims(p evidence.Platform, machine string, boot uint32) *policy.Claims {
	c := &policy.Claims{Platform: p, EvidenceSize: 4000}
	traits, err := p.Traits()
	if err != nil {
		return c
	}
	for _, r := range traits.Boot {
		if err := c.Registers.Set(r, value(r)); err != nil {
			return c
		}
	}
	if mark, err := measurement.NewRegister(measurement.PCR, 15); err == nil && traits.TPM {
		if err := c.Registers.Set(mark, mark.PowerOn()); err != nil {
			return c
		}
		c.TPM = &policy.TPMClaims{EK: endorsementKey(machine), EKCertified: true, AKProof: policy.AKActivated, ResetCount: boot}
	}
	if traits.TEE == evidence.SNP {
		chip := digest(measurement.SHA384, "chip of "+machine).Bytes()
		c.SNP = &policy.SNPClaims{
			Measurement: digest(measurement.SHA384, Release), ProductLine: policy.Genoa, ReportedTCB: tcb(), CommittedTCB: tcb(),
			LaunchTCB: tcb(), ChipID: append(chip, chip[:policy.SNPChipIDSize-len(chip)]...), AliasCheck: true,
		}
	}
	return c
}

func digest(algorithm measurement.Algorithm, text string) measurement.Digest {
	return measurement.Sum(algorithm, []byte(text))
}

func spki(name string) evidence.SPKIHash { return sha256.Sum256([]byte(name)) }
