package member_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
	"github.com/asterism-k8s/asterism/ports"
)

// guarded is a store with an authority each for clients and for members.
type guarded struct {
	cluster        *etcdtest.Cluster
	clients, peers *etcdtest.Authority
}

func startGuarded(t *testing.T, n int) *guarded {
	t.Helper()
	g := &guarded{clients: etcdtest.NewAuthority(t), peers: etcdtest.NewAuthority(t)}
	g.cluster = etcdtest.StartWith(t, n, func(c *member.Config) {
		c.ClientTLS, c.PeerTLS = g.clients.Files(t), g.peers.Files(t)
	})
	return g
}

func TestMutualTLS(t *testing.T) {
	g := startGuarded(t, 3)
	s := etcdtest.Open(t, g.clients.Client(t), g.cluster.Endpoints()...)
	want := fill(t, s, 5)
	for _, m := range g.cluster.Members {
		one := etcdtest.Open(t, g.clients.Client(t), m.Endpoints()...)
		if got := listed(t, one); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s holds %v, want %v", m.Peer().Name, got, want)
		}
	}
}

// Who has no certificate of the clients' authority gets no answer from the client
// port, over gRPC or HTTP, and none of the members' authority from the peer port.
func TestThreat10StrangersAtTheStore(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, 1)
	m, others := g.cluster.Members[0], etcdtest.NewAuthority(t)
	stranger := g.clients.Stranger()
	for name, leaf := range map[string]*tls.Certificate{
		"none":                  nil,
		"one of another":        ptr(others.Leaf(t)),
		"one of the members'":   ptr(g.peers.Leaf(t)),
		"one that signs itself": ptr(etcdtest.NewAuthority(t).Leaf(t)),
	} {
		config := stranger.Clone()
		if leaf != nil {
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return leaf, nil }
		}
		_, err := etcd.Open(t.Context(), etcd.Config{Endpoints: m.Endpoints(), TLS: config, Timeout: 500 * time.Millisecond})
		wantErr(t, "a client with "+name, err, ports.ErrStoreUnavailable)
		wantNoAnswer(t, "https://"+m.Endpoints()[0]+"/health", config)
	}
	wantNoAnswer(t, "https://"+m.Peer().Address+"/members", g.peers.Stranger())
	impostor := g.peers.Stranger()
	impostor.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return ptr(g.clients.Leaf(t)), nil }
	wantNoAnswer(t, "https://"+m.Peer().Address+"/members", impostor)
	wantNoAnswer(t, "http://"+m.Endpoints()[0]+"/health", nil)
	wantNoAnswer(t, "http://"+m.Peer().Address+"/members", nil)
	if err := ask(t, "https://"+m.Peer().Address+"/members", g.peers.Client(t)); err != nil {
		t.Errorf("a member gets no answer either: %v", err)
	}
}

func ptr[T any](v T) *T { return &v }

func wantNoAnswer(t *testing.T, url string, config *tls.Config) {
	t.Helper()
	if err := ask(t, url, config); err == nil {
		t.Errorf("%s answers", url)
	}
}

// ask asks over HTTP and returns an error unless the answer is one of success.
func ask(t *testing.T, url string, config *tls.Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("it answers %s", answer.Status))
	}
	return errors.Join(err, answer.Body.Close())
}

// A client does not speak to a member of another authority.
func TestThreat10ImpostorOfTheStore(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, 1)
	others := etcdtest.NewAuthority(t)
	config := others.Stranger() // with a certificate that the member would take
	config.Certificates = []tls.Certificate{g.clients.Leaf(t)}
	_, err := etcd.Open(t.Context(), etcd.Config{Endpoints: g.cluster.Endpoints(), TLS: config, Timeout: 500 * time.Millisecond})
	wantErr(t, "Open", err, ports.ErrStoreUnavailable)
	if !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("the error does not say why: %v", err)
	}
}

// A member with certificates of another authority does not come into the cluster.
func TestThreat10StrangeMember(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, 1)
	c := etcdtest.Config(t, "stranger")
	others := etcdtest.NewAuthority(t)
	c.ClientTLS, c.PeerTLS = others.Files(t), others.Files(t)
	invitation, err := g.cluster.Members[0].AddLearner(bounded(t), member.Peer{Name: c.Name, Address: c.PeerAddress})
	if err != nil {
		t.Fatal(err)
	}
	c.Peers, c.Join = invitation.Peers, true
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if m, err := member.Start(ctx, c); err == nil {
		etcdtest.Stop(t, m)
		t.Error("it is ready")
	}
	if err := g.cluster.Members[0].Promote(ctx, invitation.ID); err == nil {
		t.Error("it has a vote")
	}
}
