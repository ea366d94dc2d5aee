package device_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/ports"
)

var _ transport.TPMCloser = (*device.Device)(nil)

// message is a command or a response.
func message(tag tpm2.TPMST, code uint32, rest ...byte) []byte {
	data := binary.BigEndian.AppendUint16(nil, uint16(tag))
	data = binary.BigEndian.AppendUint32(data, uint32(10+len(rest)))
	data = binary.BigEndian.AppendUint32(data, code)
	return append(data, rest...)
}

func command() []byte { return message(tpm2.TPMSTNoSessions, uint32(tpm2.TPMCCGetRandom), 0, 8) }

func failure(rc tpm2.TPMRC) []byte { return message(tpm2.TPMSTNoSessions, uint32(rc)) }

// scripted returns a Device of which the TPM gives these responses to one
// command after the other, and then hangs up.
func scripted(t *testing.T, limit time.Duration, responses ...[]byte) *device.Device {
	t.Helper()
	ours, theirs := net.Pipe()
	d := device.OnSocket(ours, limit)
	closeLater(t, d)
	closeLater(t, theirs)
	go func() {
		defer theirs.Close() //nolint:errcheck // hangs up early
		for _, response := range responses {
			if _, err := theirs.Read(make([]byte, device.MaxMessageSize)); err != nil {
				return
			}
			if _, err := theirs.Write(response); err != nil {
				return
			}
		}
		listen(theirs)
	}()
	return d
}

// listen takes one command, and answers nothing.
func listen(conn net.Conn) {
	conn.Read(make([]byte, device.MaxMessageSize)) //nolint:errcheck // what it hears is of no interest
}

func closeLater(t *testing.T, c io.Closer) {
	t.Helper()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
}

func TestSendAsksAgainWhenPutOff(t *testing.T) {
	answer := message(tpm2.TPMSTNoSessions, 0, 0, 1, 7)
	d := scripted(t, time.Minute, failure(tpm2.TPMRCRetry), failure(tpm2.TPMRCYielded), failure(tpm2.TPMRCTesting), answer)
	if got, err := d.Send(command()); err != nil || !bytes.Equal(got, answer) {
		t.Errorf("Send = %x, %v", got, err)
	}
}

func TestSendDoesNotAskForever(t *testing.T) {
	var always [][]byte
	for range 1000 {
		always = append(always, failure(tpm2.TPMRCRetry))
	}
	d := scripted(t, 50*time.Millisecond, always...)
	start := time.Now()
	_, err := d.Send(command())
	if !errors.Is(err, ports.ErrUnavailable) || !errors.Is(err, tpm2.TPMRCRetry) || errors.Is(err, device.ErrGone) {
		t.Errorf("Send = %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if !strings.Contains(err.Error(), "TPM_RC_RETRY") {
		t.Errorf("the error does not name the code: %v", err)
	}
}

func TestSendReturnsTheTPMsErrors(t *testing.T) {
	want := failure(tpm2.TPMRCLockout)
	if got, err := scripted(t, time.Minute, want).Send(command()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("Send = %x, %v", got, err)
	}
}

// What is no response leaves a stream of which nobody knows where it stands: the
// connection is gone, and stays so.
func TestMalformedResponsesEndTheConnection(t *testing.T) {
	good := message(tpm2.TPMSTNoSessions, 0, 0, 1, 7)
	says := func(size uint32) []byte {
		data := bytes.Clone(good)
		binary.BigEndian.PutUint32(data[2:], size)
		return data
	}
	for name, response := range map[string][]byte{
		"says too much":       says(device.MaxMessageSize + 1),
		"says everything":     says(0xffffffff),
		"says less than head": says(9),
		"other tag":           message(tpm2.TPMSTSessions, 0, 0, 1, 7),
		"error with a rest":   message(tpm2.TPMSTNoSessions, uint32(tpm2.TPMRCFailure), 0),
		"error with sessions": message(tpm2.TPMSTSessions, uint32(tpm2.TPMRCFailure)),
		"a TPM 1.2's":         message(0xc4, 0x1e),
		"cut off":             good[:11],
		"nothing":             {},
	} {
		t.Run(name, func(t *testing.T) {
			d := scripted(t, 200*time.Millisecond, response)
			for range 2 {
				if _, err := d.Send(command()); !errors.Is(err, device.ErrGone) || !errors.Is(err, ports.ErrUnavailable) {
					t.Errorf("Send = %v", err)
				}
			}
		})
	}
}

func TestSendRefusesWhatIsNoCommand(t *testing.T) {
	d := scripted(t, time.Minute)
	wrong := command()
	wrong[5]++
	for name, data := range map[string][]byte{
		"empty": nil, "short": command()[:9], "wrong size": wrong, "long": make([]byte, device.MaxMessageSize+1),
	} {
		if _, err := d.Send(data); err == nil || errors.Is(err, device.ErrGone) {
			t.Errorf("%s: Send = %v", name, err)
		}
	}
}

func TestATPMThatSaysNothingIsGone(t *testing.T) {
	ours, theirs := net.Pipe()
	closeLater(t, theirs)
	go listen(theirs)
	d := device.OnSocket(ours, 50*time.Millisecond)
	_, err := d.Send(command())
	if !errors.Is(err, device.ErrGone) || !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "another one connected") {
		t.Errorf("Send = %v", err)
	}
}

func TestClosedIsGone(t *testing.T) {
	d := scripted(t, time.Minute)
	for range 2 {
		if err := d.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	if _, err := d.Send(command()); !errors.Is(err, device.ErrGone) {
		t.Errorf("Send = %v", err)
	}
}

// Users at once get the answers to what they asked.
func TestConcurrentCommands(t *testing.T) {
	d := swtpmtest.New(t, swtpmtest.WithoutCertificate()).Open(t)
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			for range 20 {
				r, err := tpm2.GetRandom{BytesRequested: uint16(n + 1)}.Execute(d)
				if err != nil || len(r.RandomBytes.Buffer) != n+1 {
					t.Errorf("asked for %d bytes: %v", n+1, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestOpenRefuses(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]error{
		"":                         device.ErrAddress,
		"unix:":                    device.ErrAddress,
		"relative":                 device.ErrAddress,
		"http:127.0.0.1:1":         device.ErrAddress,
		plain:                      device.ErrAddress,
		"/nonexistent/tpmrm0":      ports.ErrUnavailable,
		"unix:/nonexistent/socket": ports.ErrUnavailable,
		"tcp:127.0.0.1:1":          ports.ErrUnavailable,
	} {
		if _, err := device.Open(t.Context(), address); !errors.Is(err, want) {
			t.Errorf("Open(%q) = %v, want %v", address, err, want)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, rc := range []tpm2.TPMRC{
		tpm2.TPMRCLockout, tpm2.TPMRCObjectMemory, tpm2.TPMRCSessionMemory, tpm2.TPMRCSessionHandles, tpm2.TPMRCNVUnavailable,
		tpm2.TPMRCInitialize, tpm2.TPMRCFailure, tpm2.TPMRCReboot,
	} {
		err := device.Explain(fmt.Errorf("doing: %w", rc))
		if !errors.Is(err, ports.ErrUnavailable) || !errors.Is(err, rc) || !strings.Contains(err.Error(), "TPM_RC_") {
			t.Errorf("Explain(%v) = %v", rc, err)
		}
	}
	other := errors.New("other")
	for _, err := range []error{nil, other, tpm2.TPMRCIntegrity} {
		if got := device.Explain(err); got != err { //nolint:errorlint // the very same
			t.Errorf("Explain(%v) = %v", err, got)
		}
	}
}

// A device file gives whole messages. A pair of packet sockets does so too, here
// with a real TPM at the far end.
func TestFile(t *testing.T) {
	ours, theirs := packets(t)
	tpm := swtpmtest.New(t, swtpmtest.WithoutCertificate()).Open(t)
	go func() {
		buffer := make([]byte, device.MaxMessageSize)
		for {
			n, err := theirs.Read(buffer)
			if err != nil || n == 0 {
				return
			}
			response, err := tpm.Send(buffer[:n])
			if err != nil {
				return
			}
			if _, err := theirs.Write(response); err != nil {
				return
			}
		}
	}()
	d := device.OnFile(ours, 10*time.Second)
	for n := range 20 {
		r, err := tpm2.GetRandom{BytesRequested: uint16(n + 1)}.Execute(d)
		if err != nil || len(r.RandomBytes.Buffer) != n+1 {
			t.Fatalf("asked for %d bytes: %v", n+1, err)
		}
	}
}

func TestAFileThatSaysNothingIsGone(t *testing.T) {
	ours, _ := packets(t)
	if _, err := device.OnFile(ours, 50*time.Millisecond).Send(command()); !errors.Is(err, device.ErrGone) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Send = %v", err)
	}
}

// /dev/null is a character device, and no TPM.
func TestANullDeviceIsNoTPM(t *testing.T) {
	d, err := device.Open(t.Context(), "/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, d)
	if _, err := d.Send(command()); !errors.Is(err, device.ErrGone) {
		t.Errorf("Send = %v", err)
	}
}

func packets(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	t.Cleanup(func() {
		if err := errors.Join(syscall.Shutdown(pair[1], syscall.SHUT_RDWR), theirs.Close()); err != nil { // reads that block end
			t.Error(err)
		}
	})
	return ours, theirs
}

func FuzzCheckResponse(f *testing.F) {
	f.Add(message(tpm2.TPMSTNoSessions, 0, 0, 1, 7))
	f.Add(failure(tpm2.TPMRCRetry))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, response []byte) {
		rc, err := device.CheckResponse(command(), response)
		if err != nil {
			return
		}
		if int(binary.BigEndian.Uint32(response[2:])) != len(response) || uint32(rc) != binary.BigEndian.Uint32(response[6:]) {
			t.Fatalf("%x was taken as %v", response, rc)
		}
		if rc != tpm2.TPMRCSuccess && len(response) != 10 {
			t.Fatalf("an error of %d bytes was taken", len(response))
		}
	})
}
