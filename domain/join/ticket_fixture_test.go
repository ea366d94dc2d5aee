package join_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// canary returns 32 bytes that no output holds by chance; the first tells one
// secret from the next.
func canary(first byte) []byte {
	data := []byte("zQ7xKw9vJ3yHq8ZfXj6WuVk5YbTgRm4P")
	data[0] = first
	return data
}

const tokenText = "q7zk3v.x9w8j7h6g5f4d3s2"

// offer is a ticket with what the node that gets it knows.
type offer struct {
	ticket  *join.Ticket
	request *join.Request
	cluster keys.ClusterID
	owner   keys.OwnerID
	now     time.Time
}

func (o *offer) check() error { return o.ticket.Check(o.request, o.cluster, o.owner, o.now) }

// controlPlaneOffer is everything that a ticket can hold.
func controlPlaneOffer(t testing.TB) *offer {
	t.Helper()
	o := workerOffer(t)
	o.request.Role, o.ticket.Role = join.ControlPlane, join.ControlPlane
	kek, err := keys.NewKEK(keys.NewSecret(canary('K')), 2)
	if err != nil {
		t.Fatal(err)
	}
	o.ticket.ControlPlane = &join.ControlFiles{KEK: kek, Files: []join.File{{Name: "pki/ca.key", Content: keys.NewSecret(canary('F'))}}}
	return o
}

func workerOffer(t testing.TB) *offer {
	t.Helper()
	secret, err := keys.NewMeasurementSecret(keys.NewSecret(canary('M')))
	if err != nil {
		t.Fatal(err)
	}
	salt := keys.MeasurementSalt{5}
	cluster, err := secret.ClusterID(salt)
	if err != nil {
		t.Fatal(err)
	}
	r := fullRequest()
	r.Role = join.Worker
	return &offer{
		request: &r, cluster: cluster, owner: keys.OwnerID{7}, now: now,
		ticket: &join.Ticket{
			Request: r.ID, Kind: r.Kind, Name: r.Name, Role: r.Role, Disk: r.Disk, Owner: keys.OwnerID{7},
			DiskKey: keys.NewSecret(canary('D')), SealKey: keys.NewSecret(canary('S')), MeasurementSecret: secret, MeasurementSalt: salt,
			EngineCA: []byte("engine CA"), AKCertificate: []byte("AK certificate"),
			Services:   []join.ServiceCertificate{{Service: "bootstrapper", Certificate: []byte("one")}, {Service: "kms", Certificate: []byte("two")}},
			Kubernetes: &join.Kubernetes{Endpoint: "api.example:6443", CA: evidence.SPKIHash{6}, Version: "v1.34.2", Manifest: hashOf("manifest")},
			Token:      &join.Token{Secret: keys.NewSecret([]byte(tokenText)), Expires: now.Add(10 * time.Minute)},
			Statement:  3, Checkpoint: []byte("checkpoint"),
		},
	}
}

// rejoinOffer is for a worker that returns.
func rejoinOffer(t testing.TB) *offer {
	t.Helper()
	o := workerOffer(t)
	r := rejoinRequest()
	o.request = &r
	o.ticket.Request, o.ticket.Kind, o.ticket.Services, o.ticket.Token, o.ticket.Kubernetes = r.ID, r.Kind, nil, nil, nil
	return o
}

// secrets are the bytes that no printer may show.
func (o *offer) secrets() [][]byte {
	all := [][]byte{[]byte(tokenText)}
	for _, first := range []byte("DSMKF") {
		all = append(all, canary(first))
	}
	return all
}

func cut(secret keys.Secret) keys.Secret { return keys.NewSecret(bytes.Clone(secret.Reveal()[1:])) }
