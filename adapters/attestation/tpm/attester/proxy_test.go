package attester_test

import (
	"encoding/binary"
	"net"
	"sync"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
)

// proxy stands before a TPM: tests see its commands, do something in between, or
// answer in its place.
type proxy struct {
	address string
	tpm     *device.Device

	mu     sync.Mutex
	before func(tpm2.TPMCC) (tpm2.TPMRC, bool) // answers with the code where it says so
	after  func(tpm2.TPMCC)
}

func newProxy(t *testing.T, tpm *swtpmtest.TPM) *proxy {
	t.Helper()
	path := swtpmtest.ShortDir(t) + "/proxy"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: "unix:" + path, tpm: tpm.Open(t)}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

// meddle sets what is done before and after commands; nil is nothing.
func (p *proxy) meddle(before func(tpm2.TPMCC) (tpm2.TPMRC, bool), after func(tpm2.TPMCC)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before, p.after = before, after
}

// replace puts another TPM behind the proxy.
func (p *proxy) replace(tpm *device.Device) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tpm = tpm
}

func (p *proxy) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // nobody is left to tell
	buffer := make([]byte, device.MaxMessageSize)
	for {
		n, err := conn.Read(buffer) // commands come in one piece
		if err != nil {
			return
		}
		response, err := p.answer(buffer[:n])
		if err != nil {
			return
		}
		if _, err := conn.Write(response); err != nil {
			return
		}
	}
}

func (p *proxy) answer(command []byte) ([]byte, error) {
	p.mu.Lock()
	before, after, tpm := p.before, p.after, p.tpm
	p.mu.Unlock()
	code := tpm2.TPMCC(binary.BigEndian.Uint32(command[6:]))
	if before != nil {
		if rc, answered := before(code); answered {
			return binary.BigEndian.AppendUint32([]byte{0x80, 0x01, 0, 0, 0, 10}, uint32(rc)), nil
		}
	}
	response, err := tpm.Send(command)
	if err == nil && after != nil {
		after(code)
	}
	return response, err
}
