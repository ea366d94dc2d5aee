package etcdtest

import (
	"net"
	"os"
	"testing"
)

// Addresses returns n loopback addresses that nobody listens on. Somebody else may
// be faster to take them.
func Addresses(tb testing.TB, n int) []string {
	tb.Helper()
	if n == 0 {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("looking for a free port: %v", err)
	}
	others := Addresses(tb, n-1) // while this one is taken, or it could be the same
	if err := l.Close(); err != nil {
		tb.Fatalf("looking for a free port: %v", err)
	}
	return append(others, l.Addr().String())
}

// Folder returns a folder in memory that goes away with the test.
func Folder(tb testing.TB) string {
	tb.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "asterism-etcd-")
	if err != nil {
		return tb.TempDir() // where there is no such file system
	}
	tb.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}
