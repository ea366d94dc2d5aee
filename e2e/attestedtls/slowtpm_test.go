package attestedtls_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
	"github.com/asterism-k8s/asterism/ports"
)

// quoteTime is what a quote takes a TPM that is a chip.
const quoteTime = 200 * time.Millisecond

// slowTPM passes commands on to a software TPM, and takes as long for a quote as a
// chip does. While it is held, it answers no quote at all.
type slowTPM struct {
	address string
	quotes  atomic.Int64
	held    atomic.Pointer[chan struct{}] // closed when it is let go; nil where it was not held
}

// hold has every quote wait until the function that it returns is called.
func (s *slowTPM) hold() (letGo func()) {
	gate := make(chan struct{})
	s.held.Store(&gate)
	return sync.OnceFunc(func() { close(gate) })
}

// work takes the time of a quote.
func (s *slowTPM) work() {
	s.quotes.Add(1)
	if gate := s.held.Load(); gate != nil {
		<-*gate
	}
	time.Sleep(quoteTime)
}

func newSlowTPM(t testing.TB, behind string) *slowTPM {
	t.Helper()
	folder, err := os.MkdirTemp("/tmp", "a") // t.TempDir's names are too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "slow")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(listener) })
	s := &slowTPM{address: "unix:" + path}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.serve(t, conn, strings.TrimPrefix(behind, "unix:"))
		}
	}()
	return s
}

func (s *slowTPM) serve(t testing.TB, conn net.Conn, behind string) {
	t.Helper()
	defer shut(conn)
	tpm, err := net.Dial("unix", behind)
	if err != nil {
		t.Error(err)
		return
	}
	defer shut(tpm)
	for {
		command, err := message(conn)
		if err != nil {
			return
		}
		if tpm2.TPMCC(binary.BigEndian.Uint32(command[6:])) == tpm2.TPMCCQuote {
			s.work()
		}
		if _, err := tpm.Write(command); err != nil {
			return
		}
		response, err := message(tpm)
		if err != nil {
			return
		}
		if _, err := conn.Write(response); err != nil {
			return
		}
	}
}

// message reads one command or response (TPM 2.0 Library, Part 1, section 18): a
// tag, the length of all of it, and a code come first.
func message(r io.Reader) ([]byte, error) {
	head := make([]byte, 10)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[2:])
	if length < 10 || length > 4096 {
		return nil, errors.New("not a message of a TPM")
	}
	whole := make([]byte, length)
	_, err := io.ReadFull(r, whole[copy(whole, head):])
	return whole, err
}

// slowMember is a member of ours whose TPM is slow, and that TPM.
func slowMember(t testing.TB) (*world.Machine, *slowTPM) {
	t.Helper()
	c := with(t)
	m, err := world.NewMachine(t.Context(), "slow", c.maker, current, c.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(m) })
	if err := m.Enrol(t.Context(), c.ours.cluster); err != nil {
		t.Fatal(err)
	}
	passport, err := m.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	tpm := newSlowTPM(t, passport.Address)
	passport.Address = tpm.address
	member, err := passport.Take(t.Context(), c.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(member) })
	return member, tpm
}

// line counts the sessions that wait for a quote: each asks its context when to
// give up, which it does only where it has taken its place in a batch.
type line struct{ waiting chan struct{} }

func newLine() *line { return &line{make(chan struct{}, 2*visitors)} }

// before returns an attester that has its callers counted.
func (l *line) before(a ports.Attester) ports.Attester {
	return &forged{Attester: a, attest: func(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
		return a.Attest(&patient{Context: ctx, asks: sync.OnceFunc(func() { l.waiting <- struct{}{} })}, s)
	}}
}

// await returns when that many wait.
func (l *line) await(t testing.TB, sessions int) {
	t.Helper()
	limit := time.After(patience)
	for n := range sessions {
		select {
		case <-l.waiting:
		case <-limit:
			t.Fatalf("%d sessions wait for a quote, want %d", n, sessions)
		}
	}
}

// patient is a context that tells when somebody waits for its end.
type patient struct {
	context.Context //nolint:containedctx // it is one

	asks func()
}

func (p *patient) Done() <-chan struct{} {
	p.asks()
	return p.Context.Done()
}

// visit has that many sessions with the member begin at once.
func visit(t testing.TB, server *attestedtls.Server, node string, sessions int) []<-chan result {
	t.Helper()
	c := with(t)
	results := make([]<-chan result, 0, 2*sessions)
	for range sessions {
		dialled, accepted := pair(t)
		results = append(results,
			background(t, func(ctx context.Context) (*attestedtls.Conn, error) { return server.Handshake(ctx, accepted) }),
			dial(t, c.ours.Admin(c.ours.tool, evidence.Owner, node), dialled))
	}
	return results
}

// served waits for the last of the sessions.
func served(t testing.TB, results []<-chan result) {
	t.Helper()
	for _, done := range results {
		if r := outcome(t, done); r.err != nil {
			t.Fatal(r.err)
		}
	}
}

const visitors = 64

// Sixty-four sessions that wait for one slow TPM are served within two of its
// quotes: the one that the first of them had begun, and one for all others, who
// came meanwhile.
func TestSessionsShareTwoQuotesOfASlowTPM(t *testing.T) {
	member, tpm := slowMember(t)
	config, waiting := with(t).ours.Member(member), newLine()
	service := config.Services[evidence.Admin]
	service.Attester = waiting.before(service.Attester)
	server, err := attestedtls.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	before, letGo := tpm.quotes.Load(), tpm.hold()
	t.Cleanup(letGo) // wherever the test ends
	results := visit(t, server, member.Name, visitors)
	waiting.await(t, visitors)
	if began := tpm.quotes.Load() - before; began > 1 {
		t.Fatalf("%d quotes at a time", began)
	}
	start := time.Now()
	letGo()
	served(t, results)
	quotes := tpm.quotes.Load() - before
	t.Logf("%d sessions took %d quotes, and %v from when all waited", visitors, quotes, time.Since(start))
	if quotes > 2 {
		t.Errorf("%d quotes for %d sessions that waited together, want two", quotes, visitors)
	}
}

// BenchmarkSlowTPM is the same with nobody held: an operation is 64 sessions, as
// fast as they come in.
func BenchmarkSlowTPM(b *testing.B) {
	member, tpm := slowMember(b)
	server, err := attestedtls.NewServer(with(b).ours.Member(member))
	if err != nil {
		b.Fatal(err)
	}
	before := tpm.quotes.Load()
	b.ResetTimer()
	start := time.Now()
	for range b.N {
		served(b, visit(b, server, member.Name, visitors))
	}
	took := time.Since(start)
	b.ReportMetric(float64(tpm.quotes.Load()-before)/float64(b.N), "quotes/op")
	b.ReportMetric(float64(took)/float64(b.N)/float64(quoteTime), "quote-times/op")
}
