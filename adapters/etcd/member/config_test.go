package member_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
)

// configChange makes a configuration one that has to be refused.
type configChange struct {
	name   string
	change func(*member.Config)
}

func TestConfigRefuses(t *testing.T) {
	for _, tt := range []configChange{
		{"no name", func(c *member.Config) { c.Name = "" }},
		{"a name that is two", func(c *member.Config) { c.Name = "a=b,c" }},
		{"no folder", func(c *member.Config) { c.Folder = "" }},
		{"a token of two words", func(c *member.Config) { c.Token = "a b" }},
		{"a negative quota", func(c *member.Config) { c.Quota = -1 }},
		{"no client address", func(c *member.Config) { c.ClientAddress = "" }},
		{"a host name", func(c *member.Config) { c.PeerAddress = "localhost:0" }},
		{"all addresses", func(c *member.Config) { c.ClientAddress = "0.0.0.0:0" }},
		{"not among its peers", func(c *member.Config) { c.Peers = []member.Peer{{Name: "b", Address: "127.0.0.1:2"}} }},
		{"at another address", func(c *member.Config) { c.Peers = []member.Peer{{Name: c.Name, Address: "127.0.0.1:2"}} }},
		{"twice among its peers", func(c *member.Config) {
			c.Peers = []member.Peer{{Name: c.Name, Address: c.PeerAddress}, {Name: c.Name, Address: c.PeerAddress}}
		}},
		{"peers that cannot know its port", func(c *member.Config) {
			c.PeerAddress = "127.0.0.1:0"
			c.Peers = []member.Peer{{Name: c.Name, Address: c.PeerAddress}, {Name: "b", Address: "127.0.0.1:2"}}
		}},
		{"alone in a cluster that exists", func(c *member.Config) { c.Join = true }},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRefused(t, tt) })
	}
}

// A member listens without mutual TLS only on loopback, and only if asked to.
func TestThreat10NoMemberWithoutTLS(t *testing.T) {
	authority := etcdtest.NewAuthority(t)
	for _, tt := range []configChange{
		{"not asked to", func(c *member.Config) { c.Insecure = false }},
		{"clients at a public address", func(c *member.Config) { c.ClientAddress = "192.0.2.1:0" }},
		{"peers at a public address", func(c *member.Config) { c.PeerAddress = "192.0.2.1:0" }},
		{"another peer at a public address", func(c *member.Config) {
			c.Peers = []member.Peer{{Name: c.Name, Address: c.PeerAddress}, {Name: "b", Address: "192.0.2.1:2380"}}
		}},
		{"with certificates", func(c *member.Config) { c.ClientTLS, c.PeerTLS = authority.Files(t), authority.Files(t) }},
		{"for clients only", func(c *member.Config) { c.Insecure, c.ClientTLS = false, authority.Files(t) }},
		{"for peers only", func(c *member.Config) { c.Insecure, c.PeerTLS = false, authority.Files(t) }},
		{"without an authority for clients", func(c *member.Config) {
			c.Insecure, c.ClientTLS, c.PeerTLS = false, authority.Files(t), authority.Files(t)
			c.ClientTLS.Authority = ""
		}},
		{"without an authority for peers", func(c *member.Config) {
			c.Insecure, c.ClientTLS, c.PeerTLS = false, authority.Files(t), authority.Files(t)
			c.PeerTLS.Authority = ""
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRefused(t, tt) })
	}
}

func wantRefused(t *testing.T, tt configChange) {
	t.Helper()
	c := etcdtest.Config(t, "a")
	c.Insecure = true
	tt.change(&c)
	m, err := member.Start(bounded(t), c)
	wantErr(t, "Start", err, member.ErrConfig)
	if m != nil {
		etcdtest.Stop(t, m)
	}
}

// Port 0 is one that is free, and the real one is told to everybody.
func TestFreePorts(t *testing.T) {
	c := etcdtest.Config(t, "a")
	c.Insecure, c.ClientAddress, c.PeerAddress = true, "127.0.0.1:0", "127.0.0.1:0"
	m := etcdtest.Launch(t, c)
	s := etcdtest.Open(t, nil, m.Endpoints()...)
	commit(t, s, put("a", nil))
	infos, err := m.Members(bounded(t))
	if err != nil || len(infos) != 1 || infos[0].Peer != m.Peer() || !slices.Equal(infos[0].Clients, m.Endpoints()) {
		t.Errorf("the members are %+v (%v), want %v at %v", infos, err, m.Peer(), m.Endpoints())
	}
	if strings.HasSuffix(m.Peer().Address, ":0") || m.Peer().Address == m.Endpoints()[0] {
		t.Errorf("it listens on %s and %s", m.Peer().Address, m.Endpoints()[0])
	}
}
