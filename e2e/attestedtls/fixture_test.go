package attestedtls_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

// The releases: both clusters run the same image.
const current = world.Release("v1.2.0")

// cast is everybody: two clusters of one owner, and one of another owner, all of
// the same image on machines of the same maker.
type cast struct {
	clock *world.Clock
	maker *world.Maker

	ours, sister, strangers *party

	mu     sync.Mutex
	ending []*world.Machine
}

// party is one cluster: a member that serves joins, a member that is attested, a
// machine that is neither marked nor certified, and the keys of a tool.
type party struct {
	*world.Sessions

	cluster                 *world.Cluster
	service, member, joiner *world.Machine
	tool                    *attestedtls.Keys
}

// everybody starts the machines that all tests share, once.
var (
	everybody = sync.OnceValues(newCast)
	onStage   atomic.Pointer[cast] // what there is to be ended
)

func TestMain(m *testing.M) {
	if os.Getenv(errandVariable) != "" {
		if err := runErrand(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if c := onStage.Load(); c != nil {
		c.end()
	}
	os.Exit(code)
}

func newCast() (*cast, error) {
	c := &cast{clock: &world.Clock{}}
	onStage.Store(c)
	var err error
	if c.maker, err = world.NewMaker(); err != nil {
		return nil, err
	}
	us, err := world.NewOwner()
	if err != nil {
		return nil, err
	}
	them, err := world.NewOwner()
	if err != nil {
		return nil, err
	}
	for _, p := range []struct {
		at    **party
		name  string
		owner *world.Owner
	}{{&c.ours, "ours", us}, {&c.sister, "sister", us}, {&c.strangers, "strangers", them}} {
		if *p.at, err = c.newParty(p.name, p.owner); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cast) newParty(name string, o *world.Owner) (*party, error) {
	cluster, err := world.NewCluster(o, c.maker, current)
	if err != nil {
		return nil, err
	}
	facts, err := cluster.Facts()
	if err != nil {
		return nil, err
	}
	p := &party{cluster: cluster, Sessions: &world.Sessions{Facts: facts, Clock: c.clock, Verifiers: world.NewVerifiers(c.clock)}}
	if p.tool, err = attestedtls.NewKeys(c.clock.Now); err != nil {
		return nil, err
	}
	for _, m := range []struct {
		at   **world.Machine
		name string
	}{{&p.service, "service"}, {&p.member, "member"}, {&p.joiner, "joiner"}} {
		if *m.at, err = c.newMachine(name + "-" + m.name); err != nil {
			return nil, err
		}
	}
	for _, m := range []*world.Machine{p.service, p.member} {
		if err := m.Enrol(context.Background(), cluster); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (c *cast) newMachine(name string) (*world.Machine, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := world.NewMachine(ctx, name, c.maker, current, c.clock)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = append(c.ending, m)
	return m, nil
}

func (c *cast) end() {
	for _, m := range c.ending {
		if err := m.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// with returns the shared cast.
func with(t testing.TB) *cast {
	t.Helper()
	c, err := everybody()
	if err != nil {
		t.Fatalf("starting machines: %v", err)
	}
	return c
}

// ends are both ends of a session for one purpose.
type ends struct {
	client *attestedtls.ClientConfig
	server attestedtls.ServerConfig
	// The machines that attest; nil where a tool is at that end.
	clientMachine, serverMachine *world.Machine
}

// purposes are all there are. There is no service yet that unseals; its frames
// are there.
func purposes() []evidence.Purpose {
	return []evidence.Purpose{
		evidence.Init, evidence.Recover, evidence.Join, evidence.Rejoin, evidence.Attest, evidence.Admin, evidence.Unseal,
	}
}

// ends returns the honest ends of the party's sessions for the purpose.
func (p *party) ends(purpose evidence.Purpose) *ends {
	switch purpose {
	case evidence.Init:
		return &ends{p.Init(p.tool), p.Fresh(p.joiner), nil, p.joiner}
	case evidence.Recover:
		return &ends{p.Recover(p.tool, evidence.Owner), p.Locked(p.joiner), nil, p.joiner}
	case evidence.Join:
		return &ends{p.Joiner(p.joiner), p.JoinService(p.service), p.joiner, p.service}
	case evidence.Rejoin:
		return &ends{p.Rejoiner(p.joiner), p.JoinService(p.service), p.joiner, p.service}
	case evidence.Attest:
		return &ends{p.Visitor(p.service, p.member.Name), p.Member(p.member), p.service, p.member}
	case evidence.Admin:
		return &ends{p.Admin(p.tool, evidence.Owner, p.member.Name), p.Member(p.member), nil, p.member}
	case evidence.Unseal:
		return &ends{p.Unsealer(p.joiner), p.KMS(p.service), p.joiner, p.service}
	default:
		panic("no ends for " + purpose)
	}
}

// result is how an end's handshake went.
type result struct {
	conn *attestedtls.Conn
	err  error
}

// refused returns the refusal, nil where there is none.
func (r *result) refused() *attestedtls.Refused {
	var refused *attestedtls.Refused
	if errors.As(r.err, &refused) {
		return refused
	}
	return nil
}

// codes returns the codes of the findings for which the session was refused.
func (r *result) codes() []policy.Code {
	var list []policy.Code
	if refused := r.refused(); refused != nil {
		for i := range refused.Findings {
			if refused.Findings[i].Severity == policy.Refuse {
				list = append(list, refused.Findings[i].Code)
			}
		}
	}
	return list
}

// serve has a server of the configuration take one connection.
func serve(t testing.TB, c attestedtls.ServerConfig, conn net.Conn) <-chan result {
	t.Helper()
	server, err := attestedtls.NewServer(c)
	if err != nil {
		t.Fatalf("making a server: %v", err)
	}
	return background(t, func(ctx context.Context) (*attestedtls.Conn, error) { return server.Handshake(ctx, conn) })
}

// dial has a client of the configuration use one connection.
func dial(t testing.TB, c *attestedtls.ClientConfig, conn net.Conn) <-chan result {
	t.Helper()
	return background(t, func(ctx context.Context) (*attestedtls.Conn, error) { return attestedtls.Client(ctx, conn, c) })
}

// shut closes what is not needed any more, whatever becomes of it.
func shut(c io.Closer) { _ = c.Close() }

func background(t testing.TB, handshake func(context.Context) (*attestedtls.Conn, error)) <-chan result {
	t.Helper()
	done := make(chan result, 1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	go func() {
		defer cancel()
		conn, err := handshake(ctx)
		done <- result{conn, err}
	}()
	return done
}

// outcome returns how a handshake went, and closes the session if there is one.
func outcome(t testing.TB, done <-chan result) result {
	t.Helper()
	r := await(t, done)
	if r.conn != nil {
		shut(r.conn)
	}
	return r
}

// await returns how a handshake went.
func await(t testing.TB, done <-chan result) result {
	t.Helper()
	select {
	case r := <-done:
		if r.conn != nil {
			t.Cleanup(func() { shut(r.conn) })
		}
		return r
	case <-time.After(2 * patience):
		t.Fatal("a handshake does not end")
		return result{}
	}
}

// meet has both ends hold a session with each other.
func (e *ends) meet(t testing.TB) (client, server result) {
	t.Helper()
	dialled, accepted := pair(t)
	atServer := serve(t, e.server, accepted)
	atClient := dial(t, e.client, dialled)
	return await(t, atClient), await(t, atServer)
}

// leaked returns the certificate and private key of a process, as a leak from its
// memory gives them away.
func leaked(k *attestedtls.Keys) *tls.Certificate {
	current := reflect.ValueOf(k).Elem().FieldByName("current").Elem()
	field := current.FieldByName("certificate")
	certificate := *(*tls.Certificate)(unsafe.Pointer(field.UnsafeAddr()))
	return &certificate
}
