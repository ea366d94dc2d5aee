package join

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// ErrTicket is wrapped by every refusal of a ticket.
var ErrTicket = errors.New("not a ticket for this node")

// TicketReason says why a node does not take a ticket. Reasons are stable.
type TicketReason string

// The reasons.
const (
	OtherCluster  TicketReason = "other-cluster" // its secrets lead to another cluster than the one that proved itself
	OtherOwner    TicketReason = "other-owner"   // it is of a cluster of somebody else
	OtherRequest  TicketReason = "other-request" // it answers another request
	OtherNode     TicketReason = "other-node"    // it is for another name, role or disk
	TicketExpired TicketReason = "expired"       // its token holds no more
	TicketExcess  TicketReason = "excess"        // it holds what this node must not have
	Incomplete    TicketReason = "incomplete"    // it lacks what this node needs, or holds it malformed
)

// TicketError says why a node does not take a ticket. It holds no secret.
type TicketError struct {
	Reason TicketReason
	Detail string
}

// Error returns reason and detail.
func (e *TicketError) Error() string { return fmt.Sprintf("%v: %s: %s", ErrTicket, e.Reason, e.Detail) }

// Unwrap returns ErrTicket.
func (e *TicketError) Unwrap() error { return ErrTicket }

func refuseTicket(reason TicketReason, format string, args ...any) error {
	return &TicketError{reason, fmt.Sprintf(format, args...)}
}

// Check says whether the node that made the request may use the ticket. The
// cluster and the owner are those of the mark that the JoinService's evidence
// showed, so that nobody but a member hands out what makes one: the cluster ID
// that the ticket's measurement secret and salt lead to has to be the same.
//
// In a rejoin name and role are the record's; the node compares them with what
// its seal says. The error is a *TicketError, and the caller wipes a ticket that
// is refused.
func (t *Ticket) Check(request *Request, cluster keys.ClusterID, owner keys.OwnerID, now time.Time) error {
	if request == nil {
		return refuseTicket(OtherRequest, "there is none")
	}
	for _, check := range []func() error{
		func() error { return t.checkCluster(cluster, owner) },
		func() error { return t.checkRequest(request) },
		t.checkKeys,
		func() error { return t.checkCertificates(request.Services) },
		func() error { return t.checkKubernetes(now) },
		t.checkControlPlane,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkCluster derives the cluster ID and compares.
func (t *Ticket) checkCluster(cluster keys.ClusterID, owner keys.OwnerID) error {
	derived, err := t.MeasurementSecret.ClusterID(t.MeasurementSalt)
	switch {
	case err != nil:
		return refuseTicket(Incomplete, "%v", err)
	case derived != cluster || cluster == keys.ClusterID{}:
		return refuseTicket(OtherCluster, "it leads to %v, and the JoinService is marked for %v", derived, cluster)
	case t.Owner != owner || owner == keys.OwnerID{}:
		return refuseTicket(OtherOwner, "it is for %v, and the JoinService is marked for %v", t.Owner, owner)
	default:
		return nil
	}
}

// checkRequest wants the answer to what was asked, and to nothing else.
func (t *Ticket) checkRequest(r *Request) error {
	if t.Request != r.ID || r.ID.IsZero() || t.Kind != r.Kind {
		return refuseTicket(OtherRequest, "it answers the %s %v, not the %s %v", t.Kind, t.Request, r.Kind, r.ID)
	}
	if t.Disk != r.Disk || checkDisk(t.Disk) != nil {
		return refuseTicket(OtherNode, "its disk is %.64q, not %.64q", t.Disk, r.Disk)
	}
	if r.Kind == FirstJoin && (t.Name != r.Name || t.Role != r.Role) {
		return refuseTicket(OtherNode, "it is for %s %.64q, not for %s %.64q", t.Role, string(t.Name), r.Role, string(r.Name))
	}
	if _, err := ParseNodeName(string(t.Name)); err != nil {
		return refuseTicket(OtherNode, "%v", err)
	}
	if err := checkWord(t.Role, Roles()...); err != nil {
		return refuseTicket(OtherNode, "%v", err)
	}
	return nil
}

func (t *Ticket) checkKeys() error {
	switch {
	case t.DiskKey.Len() != DiskKeySize:
		return refuseTicket(Incomplete, "the disk's key has %d bytes, want %d", t.DiskKey.Len(), DiskKeySize)
	case t.SealKey.Len() != SealKeySize:
		return refuseTicket(Incomplete, "the seal's key has %d bytes, want %d", t.SealKey.Len(), SealKeySize)
	case t.DiskKey.Equal(t.SealKey):
		return refuseTicket(Incomplete, "one key is for the disk and for its seal")
	case t.Statement == 0:
		return refuseTicket(Incomplete, "the serial of the cluster statement is missing")
	case len(t.Checkpoint) > MaxCheckpointSize:
		return refuseTicket(Incomplete, "a checkpoint of %d bytes, at most %d", len(t.Checkpoint), MaxCheckpointSize)
	default:
		return nil
	}
}

// checkCertificates wants one for each service that was asked for, and no other.
func (t *Ticket) checkCertificates(asked []ServiceKey) error {
	if len(t.EngineCA) == 0 || len(t.EngineCA) > MaxCertificateSize || len(t.AKCertificate) > MaxCertificateSize {
		return refuseTicket(Incomplete, "an engine CA of %d bytes and an AK certificate of %d", len(t.EngineCA), len(t.AKCertificate))
	}
	for i, s := range t.Services {
		if i >= len(asked) || s.Service != asked[i].Service {
			return refuseTicket(TicketExcess, "a certificate for %.64q, which was not asked for there", s.Service)
		}
		if len(s.Certificate) == 0 || len(s.Certificate) > MaxCertificateSize {
			return refuseTicket(Incomplete, "a certificate of %d bytes for %s", len(s.Certificate), s.Service)
		}
	}
	if len(t.Services) < len(asked) {
		return refuseTicket(Incomplete, "no certificate for %s", asked[len(t.Services)].Service)
	}
	return nil
}

// checkKubernetes wants a token where a kubelet has to get its first certificate,
// and nowhere else.
func (t *Ticket) checkKubernetes(now time.Time) error {
	if k := t.Kubernetes; k != nil {
		if err := k.check(); err != nil {
			return err
		}
	}
	needed := t.Kind == FirstJoin && t.Kubernetes != nil
	switch {
	case t.Token == nil && needed:
		return refuseTicket(Incomplete, "no bootstrap token")
	case t.Token == nil:
		return nil
	case !needed:
		return refuseTicket(TicketExcess, "a bootstrap token, for which there is no use")
	case !now.Before(t.Token.Expires):
		return refuseTicket(TicketExpired, "its token holds until %s", t.Token.Expires.UTC().Format(time.RFC3339))
	}
	if err := t.Token.Check(now); err != nil {
		return refuseTicket(Incomplete, "%v", err)
	}
	return nil
}

func (k *Kubernetes) check() error {
	switch {
	case !validEndpoint(k.Endpoint):
		return refuseTicket(Incomplete, "the API server's address is %.64q, want host:port", k.Endpoint)
	case k.CA == [len(k.CA)]byte{}:
		return refuseTicket(Incomplete, "the hash of Kubernetes' CA is missing")
	case !strings.HasPrefix(k.Version, "v") || len(k.Version) > maxRelease:
		return refuseTicket(Incomplete, "Kubernetes' version is %.64q", k.Version)
	case k.Manifest.Algorithm() != measurement.SHA256:
		return refuseTicket(Incomplete, "the hash of the release manifest is missing")
	default:
		return nil
	}
}

// checkControlPlane keeps the KEK and the files of control-plane nodes from
// workers. A control-plane node that returns has them on its disk.
func (t *Ticket) checkControlPlane() error {
	c := t.ControlPlane
	switch {
	case t.Role == ControlPlane && c == nil && t.Kind == FirstJoin:
		return refuseTicket(Incomplete, "nothing of what a control-plane node needs")
	case c == nil:
		return nil
	case t.Role != ControlPlane:
		return refuseTicket(TicketExcess, "what only control-plane nodes may have")
	case c.KEK.Len() == 0 && t.Kind == FirstJoin:
		return refuseTicket(Incomplete, "no KEK")
	case len(c.Files) > MaxFiles:
		return refuseTicket(Incomplete, "%d files, at most %d", len(c.Files), MaxFiles)
	}
	if i := slices.IndexFunc(c.Files, func(f File) bool { return !f.valid() }); i >= 0 {
		return refuseTicket(Incomplete, "file %d, %.64q, of %d bytes", i, c.Files[i].Name, c.Files[i].Content.Len())
	}
	return nil
}

// valid wants a name that leads to no other folder.
func (f *File) valid() bool {
	for part := range strings.SplitSeq(f.Name, "/") {
		outside := func(r rune) bool { return !isLowerAlphanumeric(r) && !strings.ContainsRune("._-", r) }
		if strings.Trim(part, ".") == "" || strings.ContainsFunc(part, outside) {
			return false
		}
	}
	return len(f.Name) <= MaxFileName && f.Content.Len() > 0 && f.Content.Len() <= MaxFileSize
}
