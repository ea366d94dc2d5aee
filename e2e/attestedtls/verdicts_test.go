package attestedtls_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// verdicts says how each end's handshake goes when the frame of a row is attacked
// and nothing else keeps the ends apart. Lines are row, attack, purposes ("*" is
// all, "tools" those in which the client does not attest), client and server; of
// those that apply the last one does.
//
//   - CODE/subject refuses for that; underscores in subjects are spaces.
//   - told hears the other end's refusal.
//   - gone waits until the attacker hangs up.
//   - admits holds a session: what was altered came after its last word.
//   - A line "same" is of frames that are what they should be.
const verdicts = `
1   drop       *       gone                                gone
1   duplicate  *       told                                SESSION_REFUSED/frame
1   duplicate  admin   admits                              SESSION_REFUSED/frame
1   reorder    *       told                                SESSION_REFUSED/frame
1   reflect    *       same                                same
1   replay     *       BINDING_MISMATCH/report_data        told
1   swap       *       BINDING_MISMATCH/report_data        told
1   swap       rejoin  told                                PEER_MISMATCH/cluster_ID
1   swap       attest  told                                PEER_MISMATCH/cluster_ID

2   drop       *       SESSION_REFUSED/frame               told
2   duplicate  *       SESSION_REFUSED/frame               told
2   reorder    *       SESSION_REFUSED/frame               told
2   reflect    *       SESSION_REFUSED/role_and_purpose    told
2   replay     *       BINDING_MISMATCH/report_data        told
2   swap       *       SESSION_REFUSED/frame               told
2   swap       init    BINDING_MISMATCH/report_data        told
2   swap       attest  PEER_MISMATCH/node_name             told

3   drop       *       SESSION_REFUSED/frame               told
3   duplicate  *       SESSION_REFUSED/frame               told
3   reorder    *       SESSION_REFUSED/frame               told
3   reflect    *       SESSION_REFUSED/frame               told
3   replay     *       same                                same
3   swap       *       SESSION_REFUSED/frame               told

3a  drop       *       gone                                gone
3a  duplicate  *       SESSION_REFUSED/frame               told
3a  reorder    *       AK_NOT_PROVEN/attestation_key       told
3a  reflect    *       SESSION_REFUSED/frame               told
3a  replay     *       same                                same
3a  swap       *       told                                ACTIVATION_FAILED/challenge

3b  drop       *       gone                                gone
3b  duplicate  *       admits                              SESSION_REFUSED/frame
3b  reorder    *       told                                SESSION_REFUSED/frame
3b  reflect    *       told                                SESSION_REFUSED/frame
3b  replay     *       ACTIVATION_FAILED/attestation_key   told
3b  swap       *       told                                ACTIVATION_FAILED/challenge

4   drop       *       gone                                gone
4   duplicate  *       SESSION_REFUSED/frame               told
4   duplicate  attest  SESSION_REFUSED/frame               admits
4   duplicate  tools   same                                same
4   reorder    *       SESSION_REFUSED/frame               told
4   reorder    tools   same                                same
4   reflect    *       SESSION_REFUSED/frame               told
4   replay     *       BINDING_MISMATCH/report_data        told
4   swap       *       MARK_MISMATCH/PCR_15                told
4   swap       init    AK_MISMATCH/attestation_key         told
4   swap       recover AK_MISMATCH/attestation_key         told

5   drop       *       told                                SESSION_REFUSED/frame
5   drop       tools   admits                              gone
5   duplicate  *       told                                SESSION_REFUSED/frame
5   duplicate  tools   same                                same
5   reorder    *       told                                SESSION_REFUSED/frame
5   reorder    tools   same                                same
5   reflect    *       told                                SESSION_REFUSED/frame
5   reflect    tools   admits                              SESSION_REFUSED/frame
5   replay     *       same                                same
5   swap       *       same                                same

6   drop       *       gone                                gone
6   drop       attest  told                                SESSION_REFUSED/frame
6   duplicate  *       told                                SESSION_REFUSED/frame
6   reorder    *       told                                SESSION_REFUSED/frame
6   reflect    *       told                                SESSION_REFUSED/frame
6   replay     *       same                                same
6   swap       *       ACTIVATION_FAILED/challenge         told
6   swap       attest  told                                AK_MISMATCH/attestation_key

7   drop       *       gone                                gone
7   duplicate  *       SESSION_REFUSED/frame               admits
7   reorder    *       SESSION_REFUSED/frame               told
7   reflect    *       SESSION_REFUSED/frame               told
7   replay     *       told                                ACTIVATION_FAILED/attestation_key
7   swap       *       ACTIVATION_FAILED/challenge         told

8   drop       *       gone                                gone
8   duplicate  *       same                                same
8   reorder    *       same                                same
8   reflect    *       told                                AK_MISMATCH/attestation_key
8   replay     *       told                                BINDING_MISMATCH/report_data
8   swap       *       told                                AK_MISMATCH/attestation_key

9   drop       *       gone                                admits
9   duplicate  *       same                                same
9   reorder    *       same                                same
9   reflect    *       same                                same
9   replay     *       same                                same
9   swap       *       same                                same
`

// expectation is a line that applies.
type expectation struct{ client, server string }

// expected fails the test where no line applies: one is due for each new row.
func expected(t testing.TB, p evidence.Purpose, row, attack string) expectation {
	t.Helper()
	var found expectation
	for line := range strings.Lines(verdicts) {
		f := strings.Fields(line)
		if len(f) == 5 && f[0] == row && f[1] == attack && (f[2] == "*" || f[2] == string(p) || f[2] == "tools" && !p.ClientAttests()) {
			found = expectation{f[3], f[4]}
		}
	}
	if found == (expectation{}) {
		t.Fatalf("verdicts does not say what becomes of row %s under %s for %s", row, attack, p)
	}
	return found
}

// compare holds what happened against it.
func (e expectation) compare(t testing.TB, out *spliced, altered bool) {
	t.Helper()
	if same := e.client == "same"; same == altered {
		t.Errorf("the frame was altered: %v, want %v", altered, !same)
	}
	if !e.fits(e.client, &out.client) || !e.fits(e.server, &out.server) {
		t.Errorf("client: %v, want %s; server: %v, want %s", out.client.err, e.client, out.server.err, e.server)
	}
	if err := delivered(&out.client, out.toldByClient); err != nil {
		t.Errorf("client: %v", err)
	}
	if err := delivered(&out.server, out.toldByServer); err != nil {
		t.Errorf("server: %v", err)
	}
}

func (e expectation) fits(want string, r *result) bool {
	refused := r.refused()
	switch want {
	case "same", "admits":
		return r.err == nil
	case "gone":
		return r.err != nil && refused == nil && isEOF(r.err)
	case "told":
		return refused != nil && refused.ByPeer
	default:
		code, subject, _ := strings.Cut(strings.ReplaceAll(want, "_", " "), "/")
		return refused != nil && !refused.ByPeer && slices.ContainsFunc(refused.Findings, func(f policy.Finding) bool {
			return f.Severity == policy.Refuse && strings.ReplaceAll(string(f.Code), "_", " ") == code && f.Subject == subject
		})
	}
}
