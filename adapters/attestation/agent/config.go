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
	if c.Timeout < 0 {
		return fmt.Errorf("a timeout of %s", c.Timeout)
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

func (c *Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}
