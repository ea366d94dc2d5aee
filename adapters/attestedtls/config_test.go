package attestedtls_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// TestClientConfig takes from, and adds to, configurations that work.
func TestClientConfig(t *testing.T) {
	w := softtest.New(t)
	for name, c := range map[string]struct {
		session

		change func(*attestedtls.ClientConfig)
	}{
		"no purpose":                    {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.Purpose = "" }},
		"another role":                  {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.Role = evidence.Reader }},
		"no keys":                       {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.Keys = nil }},
		"no clock":                      {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.Now = nil }},
		"no verifiers":                  {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.Verifiers = nil }},
		"no trust":                      {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.Trust = nil }},
		"an attester that is not asked": {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.Attester = w.Machine(t) }},
		"a statement that is not shown": {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.Statement = &attestedtls.StatementTrust{Anchor: w.Anchor} }},
		"a name that nobody has":        {session{evidence.Init, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.NodeName = softtest.NodeName }},
		"no attester":                   {session{evidence.Join, evidence.Joiner}, func(c *attestedtls.ClientConfig) { c.Attester = nil }},
		"no trust in statements":        {session{evidence.Join, evidence.Joiner}, func(c *attestedtls.ClientConfig) { c.Statement = nil }},
		"no anchor":                     {session{evidence.Join, evidence.Joiner}, func(c *attestedtls.ClientConfig) { c.Statement.Anchor = nil }},
		"nobody meant":                  {session{evidence.Admin, evidence.Owner}, func(c *attestedtls.ClientConfig) { c.NodeName = "" }},
		"two sources of trust": {session{evidence.Admin, evidence.Owner}, func(c *attestedtls.ClientConfig) {
			c.Trust = func(context.Context) (*attestedtls.Trust, error) { return nil, nil }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			config := w.Client(t, c.purpose, c.role)
			c.change(config)
			near, far := net.Pipe()
			if _, err := attestedtls.Client(t.Context(), near, config); !errors.Is(err, attestedtls.ErrConfig) {
				t.Errorf("on a connection: %v", err)
			}
			if _, err := far.Read(make([]byte, 1)); err == nil {
				t.Error("the connection is used, or left open")
			}
			config.DialContext = func(context.Context, string, string) (net.Conn, error) {
				t.Error("it dials")
				return nil, net.ErrClosed
			}
			if _, err := attestedtls.Dial(t.Context(), "tcp", "127.0.0.1:1", config); !errors.Is(err, attestedtls.ErrConfig) {
				t.Errorf("dialling: %v", err)
			}
		})
	}
}

func TestServerConfig(t *testing.T) {
	w := softtest.New(t)
	for name, change := range map[string]func(*attestedtls.ServerConfig){
		"no keys":                func(c *attestedtls.ServerConfig) { c.Keys = nil },
		"no clock":               func(c *attestedtls.ServerConfig) { c.Now = nil },
		"no verifiers":           func(c *attestedtls.ServerConfig) { c.Verifiers = nil },
		"a negative limit":       func(c *attestedtls.ServerConfig) { c.Limits.Queue = -1 },
		"a negative time":        func(c *attestedtls.ServerConfig) { c.Limits.Linger = -1 },
		"no such purpose":        func(c *attestedtls.ServerConfig) { c.Services["other"] = w.Service(t, evidence.Init) },
		"no service":             func(c *attestedtls.ServerConfig) { c.Services[evidence.Join] = nil },
		"no attester":            func(c *attestedtls.ServerConfig) { c.Services[evidence.Join].Attester = nil },
		"nothing to say":         func(c *attestedtls.ServerConfig) { c.Services[evidence.Join].Claimed = nil },
		"no statement":           func(c *attestedtls.ServerConfig) { c.Services[evidence.Join].Statement = nil },
		"no trust":               func(c *attestedtls.ServerConfig) { c.Services[evidence.Join].Trust = nil },
		"trust that nobody asks": func(c *attestedtls.ServerConfig) { c.Services[evidence.Init].Trust = c.Services[evidence.Join].Trust },
		"statement that nobody has": func(c *attestedtls.ServerConfig) {
			c.Services[evidence.Init].Statement = c.Services[evidence.Join].Statement
		},
	} {
		config := w.Server(t, evidence.Join, evidence.Init)
		change(&config)
		if _, err := attestedtls.NewServer(config); !errors.Is(err, attestedtls.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNotServed dials a server for a purpose that it does not serve.
func TestNotServed(t *testing.T) {
	w := softtest.New(t)
	client, server := softtest.Meet(t, w.Client(t, evidence.Join, evidence.Joiner), softtest.NewServer(t, w.Server(t, evidence.Admin)))
	requireRefused(t, server.Err, client.Err, policy.CodeSessionRefused)
}

// TestNoTrust has an end that does not know what to hold its peer against: it
// admits nobody, and tells the peer nothing.
func TestNoTrust(t *testing.T) {
	w := softtest.New(t)
	failing := errors.New("the store is down")
	for name, source := range map[string]attestedtls.TrustSource{
		"an error": func(context.Context) (*attestedtls.Trust, error) { return nil, failing },
		"nothing":  func(context.Context) (*attestedtls.Trust, error) { return nil, nil },
		"no policy": func(context.Context) (*attestedtls.Trust, error) {
			return &attestedtls.Trust{Roots: w.Trust(t).Roots}, nil
		},
		"no roots": func(context.Context) (*attestedtls.Trust, error) {
			return &attestedtls.Trust{Policy: w.Trust(t).Policy}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := w.Server(t, evidence.Join)
			config.Services[evidence.Join].Trust = source
			client, server := softtest.Meet(t, w.Client(t, evidence.Join, evidence.Joiner), softtest.NewServer(t, config))
			if !errors.Is(server.Err, failing) && !errors.Is(server.Err, attestedtls.ErrConfig) {
				t.Errorf("the server: %v", server.Err)
			}
			requireCodes(t, client.Err, true, policy.CodeSessionRefused)
		})
	}
}

// TestFormats has an end that cannot verify the other's platform, which finds that
// out before it sends evidence.
func TestFormats(t *testing.T) {
	w := softtest.New(t)
	config := w.Server(t, evidence.Join)
	config.Verifiers = softtest.Verifiers{evidence.AzureTrustedLaunch}
	client := w.Client(t, evidence.Join, evidence.Joiner)
	client.Attester.(*softtest.Machine).AKCertificate = []byte("needs no challenge")
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, config))
	requireRefused(t, atClient.Err, atServer.Err, policy.CodePlatformNotAccepted)
}

// TestPlatformWithoutActivation joins a machine whose key the provider certifies:
// it is not challenged.
func TestPlatformWithoutActivation(t *testing.T) {
	w := softtest.New(t)
	client := w.Client(t, evidence.Join, evidence.Joiner)
	client.Attester = w.MachineOf(t, evidence.AzureTrustedLaunch, softtest.Release)
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
	requireSession(t, atClient, atServer)
	if p := atServer.Conn.Peer(); p.AKActivated || len(p.AKPublic) == 0 {
		t.Errorf("activated: %v, AK of %d bytes", p.AKActivated, len(p.AKPublic))
	}
}

// TestActivatedKeyIsHandedOn gives a JoinService the key that it is to certify.
func TestActivatedKeyIsHandedOn(t *testing.T) {
	w := softtest.New(t)
	client := w.Client(t, evidence.Join, evidence.Joiner)
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
	requireSession(t, atClient, atServer)
	p := atServer.Conn.Peer()
	if !p.AKActivated || !bytes.Equal(p.AKPublic, client.Attester.(*softtest.Machine).AK()) {
		t.Errorf("activated: %v, AK %x", p.AKActivated, p.AKPublic)
	}
}

// TestRefusalReachesAWriter refuses a server that is in the middle of writing more
// than a connection holds: it hears the refusal all the same.
func TestRefusalReachesAWriter(t *testing.T) {
	w := softtest.New(t)
	large := w.Statement(t, func(s *owner.Statement) {
		for i := range 200 {
			s.EndorsementRoots = append(s.EndorsementRoots, evidence.SPKIHash{byte(i), 1})
		}
	})
	for name, pipe := range map[string]func() (net.Conn, net.Conn){
		"unbuffered": net.Pipe,
		"loopback":   func() (net.Conn, net.Conn) { return softtest.Pair(t) },
	} {
		t.Run(name, func(t *testing.T) {
			config := w.Server(t, evidence.Admin)
			config.Services[evidence.Admin].Statement = func(context.Context) ([]byte, error) { return large, nil }
			r := newRogue(t, w, session{evidence.Admin, evidence.Owner}, attestedtls.ClientSide)
			r.server = softtest.NewServer(t, config)
			r.alter = func(step attestedtls.Step, sent []byte) []byte {
				if step.Row == "1" { // the refusal is on its way before the server begins to write
					return append(sent, encoded(t, &frame.Verdict{Verdict: policy.Verdict{Findings: []policy.Finding{
						{Code: policy.CodePeerMismatch, Severity: policy.Refuse, Subject: "a test", Remedy: "None."},
					}}})...)
				}
				return sent
			}
			near, far := pipe()
			_, _, honest := r.over(t, near, far)
			requireCodes(t, honest, true, policy.CodePeerMismatch)
		})
	}
}
