package asterismapp

import (
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// explanationVersion names the form of an explanation for programs.
const explanationVersion = "asterism/explanation/v1"

// explanation is a verdict and what it is about.
type explanation struct {
	Version  string         `json:"version"`
	Platform string         `json:"platform"`
	At       time.Time      `json:"at"`
	Policy   policyTitle    `json:"policy"`
	Evidence *evidenceTitle `json:"evidence,omitempty"` // nil where claims are explained
	policy.Verdict

	claims   *policy.Claims // nil where the evidence does not verify
	document *policy.Document
}

// policyTitle names a policy.
type policyTitle struct {
	File   string `json:"file"`
	Serial uint64 `json:"serial"`
	Hash   string `json:"hash"` // SHA-256 of the canonical form
}

// evidenceTitle names a record of evidence.
type evidenceTitle struct {
	File  string     `json:"file"`
	Hash  string     `json:"hash"` // SHA-256 of the file
	Nonce policy.Hex `json:"nonce"`
	// Statement is what the machine said beside the nonce.
	Statement string `json:"statement"`
	// Verified says whether all signatures and structures hold. Where they do not,
	// the findings are the verifier's and no policy was asked.
	Verified bool `json:"verified"`
	// FreshnessChecked says whether the nonce was held against one that was asked
	// for. Where it was not, the evidence may be of any age.
	FreshnessChecked bool `json:"freshnessChecked"`
}

// newExplanation makes the head of an explanation; claims are nil where they are
// not known.
func newExplanation(file string, p *policy.Policy, claims *policy.Claims, at time.Time) (*explanation, error) {
	document, err := p.Document()
	if err != nil {
		return nil, fmt.Errorf("explaining a verdict: %w", err)
	}
	e := &explanation{
		Version:  explanationVersion,
		At:       at.UTC().Truncate(time.Second),
		Policy:   policyTitle{file, p.Serial(), hash(p)},
		claims:   claims,
		document: &document,
	}
	if claims != nil {
		e.Platform = string(claims.Platform)
	}
	return e, nil
}

// explainClaims explains what a policy says of claims.
func explainClaims(file string, p *policy.Policy, claims *policy.Claims, at time.Time) (*explanation, error) {
	e, err := newExplanation(file, p, claims, at)
	if err != nil {
		return nil, err
	}
	e.Verdict = policy.Session{}.Offline().Appraise(claims, p, at)
	return e, nil
}

// explainEvidence explains what a verifier and a policy say of a record of
// evidence. Its nonce is held against the one that is wanted, if any is.
func explainEvidence(file string, p *policy.Policy, x *examination, wanted nonce, at time.Time) (*explanation, error) {
	var claims *policy.Claims
	if x.verified != nil {
		claims = &x.verified.Claims
	}
	e, err := newExplanation(file, p, claims, at)
	if err != nil {
		return nil, err
	}
	if e.Verdict, err = x.appraise(p, at); err != nil {
		return nil, err
	}
	if wanted != nil {
		x.checkNonce(wanted, &e.Verdict)
	}
	e.Platform = string(x.record.Evidence.Platform)
	e.Evidence = &evidenceTitle{
		Hash: x.hash, Nonce: x.record.Nonce, Statement: string(x.record.Statement),
		Verified: x.verified != nil, FreshnessChecked: wanted != nil,
	}
	return e, nil
}

func (e *explanation) print(s *System, f *format) error {
	if f.name != table {
		return f.write(s.Stdout, e)
	}
	return write(s.Stdout, []byte(e.table(s)))
}

// table returns the explanation for people.
func (e *explanation) table(s *System) string {
	page := newPage(s.width(), s.colours())
	e.writeTo(page)
	return page.String()
}

// counted returns the numbers of refusals and warnings.
func (e *explanation) counted() (refusals, warnings int) {
	for i := range e.Findings {
		if e.Findings[i].Severity == policy.Warn {
			warnings++
		} else {
			refusals++
		}
	}
	return refusals, warnings
}
