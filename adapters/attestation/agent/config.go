package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// DefaultTimeout is how long a request may take where Config says nothing.
const DefaultTimeout = 30 * time.Second

// Requests that may be under way at a time on one socket.
const (
	// DefaultMaxRequests is as many sessions as one signature can serve. Each may
	// hold a stream's window (64 KiB) and its headers (8 KiB): 300 MiB if all of
	// them are hostile. Honest ones have less than 10 KiB each. Their answers share
	// their batch's evidence.
	DefaultMaxRequests = evidence.MaxBatch
	// maxStatements is less, since a statement fills the window by itself: 32 MiB.
	maxStatements = 512
)

// Config is what a server serves, and to whom. What is not named in it is not
// served.
type Config struct {
	// Folder is where the sockets are put. It is made with mode 0700 where it is
	// missing, and belongs to one server at a time.
	Folder string

	// Attester makes the evidence for sessions. Purposes names those that are
	// served, each on a socket of its own (SocketPath), and who may use it.
	Attester ports.Attester
	Purposes map[evidence.Purpose]Access

	// Statements makes the evidence for public verification, on the socket at
	// StatementsPath, for Readers. It is nil where there is none.
	Statements ports.StatementAttester
	Readers    Access

	// Timeout bounds a request, from its first byte; zero is DefaultTimeout.
	Timeout time.Duration
	// MaxRequests is how many requests may be under way at a time on the socket of
	// a purpose, from all its users together; zero is DefaultMaxRequests. What is
	// beyond is refused at once with ports.ErrUnavailable.
	MaxRequests int
	// Logger is told of users who were refused; nil is nobody.
	Logger *slog.Logger
}

func (c *Config) validate() error {
	if len(c.Purposes) == 0 && c.Statements == nil {
		return errors.New("there is nothing to serve")
	}
	if (len(c.Purposes) == 0) != (c.Attester == nil) {
		return errors.New("an attester and the purposes it serves go together")
	}
	if c.Timeout < 0 || c.MaxRequests < 0 {
		return fmt.Errorf("a timeout of %s, %d requests", c.Timeout, c.MaxRequests)
	}
	for purpose, access := range c.Purposes {
		if err := checkPurpose(purpose); err != nil {
			return err
		}
		if err := checkSocket(SocketPath(c.Folder, purpose), &access); err != nil {
			return err
		}
	}
	if c.Statements == nil {
		return nil
	}
	return checkSocket(StatementsPath(c.Folder), &c.Readers)
}

func checkSocket(path string, access *Access) error {
	if err := checkPath(path); err != nil {
		return err
	}
	if err := access.validate(); err != nil {
		return fmt.Errorf("the socket %s: %w", path, err)
	}
	return nil
}

func (c *Config) timeout() time.Duration {
	if c.Timeout == 0 {
		return DefaultTimeout
	}
	return c.Timeout
}

func (c *Config) sessionBounds() bounds {
	if c.MaxRequests == 0 {
		return bounds{requests: DefaultMaxRequests, size: maxSessionRequest}
	}
	return bounds{requests: c.MaxRequests, size: maxSessionRequest}
}

func statementBounds() bounds { return bounds{requests: maxStatements, size: maxStatementRequest} }

func (c *Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}
