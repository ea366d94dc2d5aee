package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"google.golang.org/grpc"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
)

// stopTime is how long requests that are under way may take when a server ends.
const stopTime = 5 * time.Second

// Server serves the sockets of a Config.
type Server struct {
	folder  *folder
	sockets []*socket
	grace   time.Duration // for requests that are under way when the server ends
}

// NewServer takes the folder and puts the sockets into it: connections wait there
// until Serve. The error wraps ErrInUse where another server has the folder, and
// ErrPath where its path is too long. Whoever has a Server must call Serve.
func NewServer(c Config) (*Server, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("the agent's configuration: %w", err)
	}
	dir, err := openFolder(c.Folder)
	if err != nil {
		return nil, fmt.Errorf("taking the agent's folder: %w", err)
	}
	s := &Server{folder: dir, grace: stopTime}
	if err := s.open(&c); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *Server) open(c *Config) error {
	for purpose, access := range c.Purposes {
		added, err := s.add(c, SocketPath(c.Folder, purpose), &access, c.sessionBounds())
		if err != nil {
			return err
		}
		agentpb.RegisterSessionsServer(added, &sessions{purpose: purpose, attester: c.Attester})
	}
	if c.Statements == nil {
		return nil
	}
	added, err := s.add(c, StatementsPath(c.Folder), &c.Readers, statementBounds())
	if err != nil {
		return err
	}
	agentpb.RegisterStatementsServer(added, &statements{attester: c.Statements})
	return nil
}

// add makes a socket, and returns its server for the one service behind it.
func (s *Server) add(c *Config, path string, access *Access, b bounds) (grpc.ServiceRegistrar, error) {
	listener, err := s.folder.listen(path, access)
	if err != nil {
		return nil, fmt.Errorf("making the socket %s: %w", path, err)
	}
	logger := c.logger().With(slog.String("socket", path))
	added := &socket{path: path, gate: newGate(listener, access, logger), server: newGRPCServer(c.timeout(), b)}
	s.sockets = append(s.sockets, added)
	return added.server, nil
}

// Serve answers requests until the context is done or a socket fails, lets those
// that are under way end, a few seconds at most, and removes the sockets. It is
// called once. It returns nil where the context ended it.
func (s *Server) Serve(ctx context.Context) error {
	ended := make(chan error, len(s.sockets))
	for _, socket := range s.sockets {
		go func() { ended <- socket.serve() }()
	}
	var failed error
	running := len(s.sockets)
	select {
	case <-ctx.Done():
	case failed = <-ended:
		running--
	}
	err := errors.Join(failed, s.close())
	for range running {
		err = errors.Join(err, <-ended)
	}
	return err
}

// close removes the sockets before it ends their servers, so that nobody comes in
// any more, and gives the folder back last.
func (s *Server) close() error {
	var errs []error
	for _, socket := range s.sockets {
		if err := os.Remove(socket.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("removing a socket: %w", err))
		}
	}
	force := time.AfterFunc(s.grace, func() {
		for _, socket := range s.sockets {
			socket.server.Stop()
		}
	})
	defer force.Stop()
	for _, socket := range s.sockets {
		socket.stop()
	}
	return errors.Join(append(errs, s.folder.close())...)
}
