package porttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/ports"
)

// TestBlobs is the contract of ports.Blobs. newFolder makes a place that is empty
// and returns how to open it: each opening ends the one before and sees what it
// has written.
func TestBlobs(t *testing.T, newFolder func(*testing.T) (open func(*testing.T) ports.Blobs)) {
	t.Helper()
	tests := map[string]func(*testing.T, func(*testing.T) ports.Blobs){
		"Keeps":       blobsKeep,
		"Bounds":      blobsBounds,
		"Copies":      blobsCopies,
		"Concurrency": blobsConcurrency,
		"Cancelled":   blobsCancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newFolder(t)) })
	}
}

func writeBlob(t *testing.T, b ports.Blobs, content []byte) {
	t.Helper()
	if sum, err := b.WriteBlob(t.Context(), content); err != nil || sum != sha256.Sum256(content) {
		t.Fatalf("WriteBlob of %d bytes: %x, %v", len(content), sum, err)
	}
}

func wantBlob(t *testing.T, b ports.Blobs, content []byte) {
	t.Helper()
	if got, err := b.ReadBlob(t.Context(), sha256.Sum256(content)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("ReadBlob: %d bytes, %v, want %d", len(got), err, len(content))
	}
}

func wantNoBlob(t *testing.T, b ports.Blobs, content []byte) {
	t.Helper()
	if got, err := b.ReadBlob(t.Context(), sha256.Sum256(content)); !errors.Is(err, ports.ErrNoFile) {
		t.Errorf("ReadBlob: %d bytes, %v, want ErrNoFile", len(got), err)
	}
}

func blobsKeep(t *testing.T, open func(*testing.T) ports.Blobs) {
	t.Helper()
	b := open(t)
	wantNoBlob(t, b, []byte("one"))
	for range 2 {
		for _, content := range []string{"one", "two", "one"} {
			writeBlob(t, b, []byte(content))
		}
		b = open(t)
		wantBlob(t, b, []byte("one"))
		wantBlob(t, b, []byte("two"))
		wantNoBlob(t, b, []byte("three"))
	}
}

func blobsBounds(t *testing.T, open func(*testing.T) ports.Blobs) {
	t.Helper()
	b := open(t)
	largest := bytes.Repeat([]byte{7}, ports.MaxBlobSize)
	writeBlob(t, b, largest)
	wantBlob(t, b, largest)
	for _, content := range [][]byte{nil, {}, append(largest, 7)} {
		if _, err := b.WriteBlob(t.Context(), content); err == nil {
			t.Errorf("a blob of %d bytes was written", len(content))
		}
		wantNoBlob(t, b, content)
	}
}

func blobsCopies(t *testing.T, open func(*testing.T) ports.Blobs) {
	t.Helper()
	b := open(t)
	content := []byte("content")
	writeBlob(t, b, content)
	clear(content)
	got, err := b.ReadBlob(t.Context(), sha256.Sum256([]byte("content")))
	if err != nil {
		t.Fatal(err)
	}
	clear(got)
	wantBlob(t, b, []byte("content"))
}

func blobsConcurrency(t *testing.T, open func(*testing.T) ports.Blobs) {
	t.Helper()
	b := open(t)
	var group sync.WaitGroup
	for writer := range 8 {
		group.Go(func() {
			for n := range 16 {
				content := fmt.Appendf(nil, "blob %d", (writer+n)%20)
				if _, err := b.WriteBlob(t.Context(), content); err != nil {
					t.Errorf("WriteBlob: %v", err)
					return
				}
				if got, err := b.ReadBlob(t.Context(), sha256.Sum256(content)); err != nil || !bytes.Equal(got, content) {
					t.Errorf("ReadBlob after WriteBlob: %q, %v", got, err)
				}
			}
		})
	}
	group.Wait()
}

func blobsCancelled(t *testing.T, open func(*testing.T) ports.Blobs) {
	t.Helper()
	b := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.WriteBlob(ctx, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("WriteBlob: %v, want context.Canceled", err)
	}
	if _, err := b.ReadBlob(ctx, sha256.Sum256([]byte("x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadBlob: %v, want context.Canceled", err)
	}
	wantNoBlob(t, b, []byte("x"))
}
