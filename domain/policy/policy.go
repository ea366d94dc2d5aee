package policy

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Policy is a checked document, ready to appraise claims. It never changes, so
// it may be shared.
type Policy struct {
	document   Document
	canonical  []byte
	candidates map[evidence.Platform][]candidate
	known      map[observation][]string // candidates' names, newest first
	allowedEKs map[measurement.Digest]struct{}
	deniedEKs  map[measurement.Digest]struct{}
	denied     map[string]struct{} // chips, by their bytes
	lines      map[ProductLine]productLine
	ppids      map[string]struct{}
}

// candidate is one reference of one release, as appraisal compares it.
type candidate struct {
	release    *Release
	reference  *Reference
	registers  measurement.References
	acceptable bool // neither withdrawn nor of a profile that is not accepted
}

// observation is a register value on a platform, as a known release explains it.
type observation struct {
	platform evidence.Platform
	register measurement.Register
	value    measurement.Digest
}

// name returns the release, and the firmware where the reference has one.
func (c *candidate) name() string {
	if c.reference.Firmware == "" {
		return c.release.Name
	}
	return c.release.Name + " (" + c.reference.Firmware + ")"
}

type productLine struct {
	policy *ProductLinePolicy
	chips  map[string]struct{}
}

// New checks a document and makes a policy of it. The document is copied. The
// error is an *InvalidError with everything that is wrong.
func New(d Document) (*Policy, error) {
	if list := d.validate(); len(list) > 0 {
		return nil, &InvalidError{list}
	}
	copied, err := d.clone()
	if err != nil {
		return nil, err
	}
	copied.normalise()
	canonical, err := canonicaljson.Marshal(&copied)
	if err != nil {
		return nil, err
	}
	p := &Policy{document: copied, canonical: canonical}
	if err := p.compile(); err != nil {
		return nil, err
	}
	return p, nil
}

// Document returns a copy of the policy as a document, its sets sorted.
func (p *Policy) Document() (Document, error) { return p.document.clone() }

// JSON returns the policy's one canonical form (RFC 8785).
func (p *Policy) JSON() []byte { return bytes.Clone(p.canonical) }

// Hash returns SHA-256 of the canonical form, which names the policy.
func (p *Policy) Hash() [sha256.Size]byte { return sha256.Sum256(p.canonical) }

// Serial returns the policy's serial.
func (p *Policy) Serial() uint64 { return p.document.Serial }

// EvidenceBytes returns how many bytes of evidence a verifier takes.
func (p *Policy) EvidenceBytes() int {
	if n := p.document.Bounds.EvidenceBytes; n != 0 {
		return n
	}
	return evidence.MaxSize
}

// Events returns how many events of a boot a verifier takes.
func (p *Policy) Events() int {
	if n := p.document.Bounds.Events; n != 0 {
		return n
	}
	return MaxEvents
}

func (p *Policy) compile() error {
	d := &p.document
	p.denied = hexSet(d.DeniedChips)
	if d.TPM != nil {
		p.allowedEKs, p.deniedEKs = set(d.TPM.AllowedEKs), set(d.TPM.DeniedEKs)
	}
	if d.SNP != nil {
		p.lines = make(map[ProductLine]productLine)
		for i := range d.SNP.ProductLines {
			line := &d.SNP.ProductLines[i]
			p.lines[line.Name] = productLine{line, hexSet(line.Chips)}
		}
	}
	if d.TDX != nil {
		p.ppids = hexSet(d.TDX.Chips)
	}
	return p.compileReleases()
}

func (p *Policy) compileReleases() error {
	p.candidates = make(map[evidence.Platform][]candidate)
	p.known = make(map[observation][]string)
	for i := range p.document.Releases {
		release := &p.document.Releases[i]
		acceptable := !release.Withdrawn && slices.Contains(p.document.Profiles, release.Profile)
		for j := range release.References {
			reference := &release.References[j]
			registers, err := measurement.NewReferences(p.references(reference))
			if err != nil {
				return err
			}
			c := candidate{release, reference, registers, acceptable}
			p.candidates[reference.Platform] = append(p.candidates[reference.Platform], c)
			p.learn(&c)
		}
	}
	return nil
}

// learn records what the candidate explains.
func (p *Policy) learn(c *candidate) {
	name := c.name()
	for r, values := range c.reference.Registers {
		for i := range values {
			o := observation{c.reference.Platform, r, values[i].Value}
			p.known[o] = append(p.known[o], name)
		}
	}
}

func (p *Policy) references(ref *Reference) []measurement.Reference {
	var list []measurement.Reference
	for _, r := range sortedRegisters(ref.Registers) {
		var values []measurement.ReferenceValue
		for _, v := range ref.Registers[r] {
			values = append(values, measurement.ReferenceValue{Digest: v.Value, Events: v.measurementEvents(r)})
		}
		list = append(list, measurement.Reference{Register: r, Rule: p.document.Registers[r], Values: values})
	}
	return list
}

func set[T comparable](list []T) map[T]struct{} {
	s := make(map[T]struct{}, len(list))
	for _, v := range list {
		s[v] = struct{}{}
	}
	return s
}

func hexSet(list []Hex) map[string]struct{} { return set(hexStrings(list)) }

func contains(s map[string]struct{}, h Hex) bool {
	_, found := s[string(h)]
	return found
}
