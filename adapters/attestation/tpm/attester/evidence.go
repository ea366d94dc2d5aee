package attester

import (
	"context"
	"fmt"

	"github.com/google/go-tpm-tools/proto/attest"
	"github.com/google/go-tpm-tools/proto/tpm"
	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// quoted is a quote and the run-time log that belongs to it.
type quoted struct {
	quote *quote
	log   []byte
}

// sign makes the evidence of one batch.
func (a *Attester) sign(ctx context.Context, data evidence.ReportData) (*evidence.Evidence, error) {
	q, err := query(ctx, a.tpm, "quoting", func(c *connection) (quoted, error) {
		q, err := c.quote(data.Qualifying())
		if err != nil {
			return quoted{}, err
		}
		return quoted{q, a.runtimeLog(&q.pcrs)}, nil
	})
	if err != nil {
		return nil, err
	}
	return a.assemble(q)
}

// runtimeLog returns the record of the mark, beside a firmware's log only: a log
// that explains one register would leave all others unexplained.
func (a *Attester) runtimeLog(pcrs *profile.PCRValues) []byte {
	if len(a.eventLog) == 0 {
		return nil
	}
	return a.tpm.mark.explain(pcrs)
}

// assemble puts evidence into its envelope. The body is go-tpm-tools'
// attest.Attestation, in protobuf's deterministic encoding.
func (a *Attester) assemble(q quoted) (*evidence.Evidence, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&attest.Attestation{
		AkPub:             a.tpm.identity.akPublic,
		Quotes:            []*tpm.Quote{q.quote.message()},
		EventLog:          a.eventLog,
		CanonicalEventLog: q.log,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the evidence: %w", err)
	}
	endorsements, err := a.endorsements()
	if err != nil {
		return nil, err
	}
	return &evidence.Evidence{Platform: a.config.Platform, Body: body, Endorsements: endorsements}, nil
}

func (q *quote) message() *tpm.Quote {
	pcrs := make(map[uint32][]byte, profile.PCRCount)
	for i := range q.pcrs {
		pcrs[uint32(i)] = q.pcrs[i][:]
	}
	return &tpm.Quote{
		Quote:  q.attest,
		RawSig: q.signature,
		Pcrs:   &tpm.PCRs{Hash: tpm.HashAlgo_SHA256, Pcrs: pcrs},
	}
}

// endorsements returns the certificates that there are, sorted by kind.
func (a *Attester) endorsements() ([]evidence.Endorsement, error) {
	certificate, err := a.akCertificate()
	if err != nil {
		return nil, err
	}
	var list []evidence.Endorsement
	if len(certificate) > 0 {
		list = append(list, evidence.Endorsement{Kind: evidence.AKCertificate, Data: certificate})
	}
	if certificate := a.tpm.identity.ekCertificate; len(certificate) > 0 {
		list = append(list, evidence.Endorsement{Kind: evidence.EKCertificate, Data: certificate})
	}
	return list, nil
}
