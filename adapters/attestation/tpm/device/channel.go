package device

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// socket is a stream to a software TPM.
type socket struct{ conn net.Conn }

func (s *socket) exchange(command []byte, limit time.Duration) ([]byte, error) {
	if err := s.conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, fmt.Errorf("limiting a command: %w", err)
	}
	if _, err := s.conn.Write(command); err != nil {
		return nil, fmt.Errorf("sending a command: %w", err)
	}
	var header [headerSize]byte
	if _, err := io.ReadFull(s.conn, header[:]); errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("no response after %v (a software TPM serves one program at a time; is another one connected?): %w", limit, err)
	} else if err != nil {
		return nil, fmt.Errorf("waiting for a response: %w", err)
	}
	size, err := responseSize(header[:])
	if err != nil {
		return nil, err
	}
	response := make([]byte, size)
	copy(response, header[:])
	if _, err := io.ReadFull(s.conn, response[headerSize:]); err != nil {
		return nil, fmt.Errorf("reading a response: %w", err)
	}
	return response, nil
}

func (s *socket) close() error { return s.conn.Close() }

// file is a character device, opened for blocking: the write returns when the
// command has run, and one read takes the whole response. The driver has limits
// of its own, but minutes long, so each exchange is awaited from outside.
type file struct{ device *os.File }

// openBlocking opens the device around the runtime's poller, in which the driver
// reports the end of a response that is still to come.
func openBlocking(path string) (channel, error) {
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ports.ErrUnavailable, &os.PathError{Op: "open", Path: path, Err: err})
	}
	return &file{os.NewFile(uintptr(fd), path)}, nil
}

type exchanged struct {
	response []byte
	err      error
}

func (f *file) exchange(command []byte, limit time.Duration) ([]byte, error) {
	done := make(chan exchanged, 1)
	go func() {
		response, err := f.run(command)
		done <- exchanged{response, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case e := <-done:
		return e.response, e.err
	case <-timer.C:
		return nil, fmt.Errorf("no response after %v: %w", limit, os.ErrDeadlineExceeded)
	}
}

func (f *file) run(command []byte) ([]byte, error) {
	if _, err := f.device.Write(command); err != nil {
		return nil, fmt.Errorf("sending a command: %w", err)
	}
	response := make([]byte, MaxMessageSize)
	n, err := f.device.Read(response)
	if err != nil {
		return nil, fmt.Errorf("reading a response: %w", err)
	}
	return response[:n], nil
}

func (f *file) close() error { return f.device.Close() }
