package etcdtest

import (
	"log/slog"
	"testing"
)

// Logger returns a logger to a test's output, from warnings on.
func Logger(tb testing.TB) *slog.Logger {
	tb.Helper()
	return slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}
