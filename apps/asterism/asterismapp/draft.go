package asterismapp

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// maxEventText is how many bytes of an event's description a policy may hold.
const maxEventText = 1024

// draft is a policy made of one machine's evidence.
type draft struct {
	document policy.Document
	policy   *policy.Policy // the document, checked
	from     *examination
	chosen   []measurement.Register
}

// errNoEK says that evidence cannot be a policy's model, for it does not name
// whose it is.
var errNoEK = errors.New("the evidence names no endorsement key: its TPM has no EK certificate")

// draft makes a policy that admits what was verified. The error wraps
// *policy.InvalidError where a name is none.
func (o *fromEvidenceOptions) draft(x *examination) (*draft, error) {
	claims := &x.verified.Claims
	traits, err := claims.Platform.Traits()
	if err != nil {
		return nil, err
	}
	if claims.TPM == nil || claims.TPM.EK.IsZero() {
		return nil, &inputError{errNoEK, "Give the EK with --ek; 'asterism attest' prints it on the machine."}
	}
	d := &draft{from: x, chosen: o.registers.choose(traits.Boot, claims)}
	d.document = policy.Document{
		Version:           policy.Version,
		Serial:            1,
		Platforms:         []evidence.Platform{claims.Platform},
		Profiles:          []string{o.profile},
		RequireSecureBoot: claims.SecureBoot != nil && *claims.SecureBoot,
		Releases:          []policy.Release{{Name: o.release, Profile: o.profile, References: []policy.Reference{d.reference(claims)}}},
		TPM:               trustIn(claims.TPM),
	}
	if d.policy, err = policy.New(d.document); err != nil {
		return nil, fmt.Errorf("checking the draft: %w", err)
	}
	return d, nil
}

// trustIn lists the one key, unless a manufacturer vouches for it and for others.
func trustIn(c *policy.TPMClaims) *policy.TPM {
	if c.EKCertified {
		return &policy.TPM{EKTrust: policy.EKCertificate}
	}
	return &policy.TPM{EKTrust: policy.EKAllowList, AllowedEKs: []measurement.Digest{c.EK}}
}

func (d *draft) reference(c *policy.Claims) policy.Reference {
	mark := pcrs(markIndex)[0]
	ref := policy.Reference{Platform: c.Platform, Mark: &mark, Registers: map[measurement.Register][]policy.ReferenceValue{}}
	for _, r := range d.chosen {
		ref.Registers[r] = []policy.ReferenceValue{{Value: c.Registers.Get(r), Events: eventsOf(c, r)}}
	}
	return ref
}

// eventsOf returns the events that lead to a register's value, none where the log
// does not.
func eventsOf(c *policy.Claims, r measurement.Register) []policy.ReferenceEvent {
	if !measurement.Explains(c.Events, r, c.Registers.Get(r)) {
		return nil
	}
	var events []policy.ReferenceEvent
	for i := range c.Events {
		if e := &c.Events[i]; e.Register == r {
			events = append(events, policy.ReferenceEvent{Digest: e.Digest, Type: eventText(e.Type), Description: eventText(e.Description)})
		}
	}
	return events
}

// eventText fits a machine's text into a policy.
func eventText(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= maxEventText {
		return text
	}
	cut := maxEventText
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
