package join

import (
	"encoding/binary"
	"time"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

const ticketLabel = "asterism/join-ticket/v1"

// PublicHash returns SHA-256 of what is public in the ticket, which the ledger
// keeps of it:
//
//	"asterism/join-ticket/v1" ‖ lp(request) ‖ lp(kind) ‖ lp(name) ‖ lp(role) ‖ lp(disk) ‖ lp(owner) ‖ lp(salt)
//	  ‖ lp(engine CA) ‖ lp(AK certificate) ‖ uint32(services) ‖ lp(service) ‖ lp(certificate)…
//	  ‖ uint32(with Kubernetes) ‖ lp(endpoint) ‖ lp(CA) ‖ lp(version) ‖ lp(manifest) ‖ lp(token's expiry, RFC 3339)
//	  ‖ uint32(with control plane) ‖ uint32(KEK's generation) ‖ uint32(files) ‖ lp(name)…
//	  ‖ uint64(statement) ‖ lp(checkpoint)
//
// where what is not there is empty. Keys, the token and the contents of files are
// not in it.
func (t *Ticket) PublicHash() measurement.Digest {
	data := lp.Append([]byte(ticketLabel), t.Request[:])
	data = lp.Append(data, string(t.Kind), string(t.Name), string(t.Role), t.Disk)
	data = lp.Append(data, t.Owner[:], t.MeasurementSalt[:], t.EngineCA, t.AKCertificate)
	data = binary.BigEndian.AppendUint32(data, uint32(len(t.Services)))
	for _, s := range t.Services {
		data = lp.Append(data, []byte(s.Service), s.Certificate)
	}
	data = t.appendKubernetes(data)
	data = t.appendControlPlane(data)
	data = binary.BigEndian.AppendUint64(data, t.Statement)
	return measurement.Sum(measurement.SHA256, lp.Append(data, t.Checkpoint))
}

func (t *Ticket) appendKubernetes(data []byte) []byte {
	k, expires, present := t.Kubernetes, "", uint32(1)
	if k == nil {
		k, present = &Kubernetes{}, 0
	}
	if t.Token != nil {
		expires = t.Token.Expires.UTC().Format(time.RFC3339Nano)
	}
	data = binary.BigEndian.AppendUint32(data, present)
	data = lp.Append(data, []byte(k.Endpoint), k.CA[:], []byte(k.Version), k.Manifest.Bytes())
	return lp.Append(data, expires)
}

func (t *Ticket) appendControlPlane(data []byte) []byte {
	c, present := t.ControlPlane, uint32(1)
	if c == nil {
		c, present = &ControlFiles{}, 0
	}
	data = binary.BigEndian.AppendUint32(data, present)
	data = binary.BigEndian.AppendUint32(data, uint32(c.KEK.Generation()))
	data = binary.BigEndian.AppendUint32(data, uint32(len(c.Files)))
	for i := range c.Files {
		data = lp.Append(data, c.Files[i].Name)
	}
	return data
}
