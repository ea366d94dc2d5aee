package layout_test

import (
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/asterism-k8s/asterism/adapters/etcd/internal/layout"
	"github.com/asterism-k8s/asterism/ports"
)

func TestLayout(t *testing.T) {
	l := layout.Layout("/asterism/v1/")
	for key, want := range map[ports.Key]string{
		{Collection: ports.Records, Name: "a"}:          "/asterism/v1/records/a",
		{Collection: ports.NodeNames, Name: "..:+_-Z0"}: "/asterism/v1/node-names/..:+_-Z0",
	} {
		if got := l.Key(key); got != want {
			t.Errorf("%v is under %q, want %q", key, got, want)
		}
		if got, err := l.Parse(key.Collection, []byte(want)); err != nil || got != key {
			t.Errorf("%q is %v (%v), want %v", want, got, err, key)
		}
	}
	if got := l.After(ports.Records, ""); got != "/asterism/v1/records/" {
		t.Errorf("a listing begins at %q", got)
	}
	if got := l.After(ports.Records, "a"); got != "/asterism/v1/records/a\x00" {
		t.Errorf("a listing after a begins at %q", got)
	}
	if got := l.End(ports.Records); got != "/asterism/v1/records0" {
		t.Errorf("a listing ends before %q", got)
	}
}

func TestLayoutRefuses(t *testing.T) {
	l := layout.Layout("/asterism/v1/")
	for _, key := range []string{
		"", "/asterism/v1/", "/asterism/v1/records", "/asterism/v1/records/", "/asterism/v1/records/a/b", "/asterism/v1/disks/a",
		"/asterism/v1/records/a b", "/asterism/v1/records/\xff", "/asterism/v1//records/a", "asterism/v1/records/a",
		"/asterism/v1/records/" + strings.Repeat("a", ports.MaxKeyName+1),
	} {
		if got, err := l.Parse(ports.Records, []byte(key)); err == nil {
			t.Errorf("%q is %v", key, got)
		}
	}
	for _, kv := range []*mvccpb.KeyValue{
		nil,
		{Key: []byte("/asterism/v1/records/a")},
		{Key: []byte("/asterism/v1/records/a"), ModRevision: -1},
		{ModRevision: 1},
	} {
		if got, err := l.Item(ports.Records, kv); err == nil {
			t.Errorf("%v is %v", kv, got)
		}
	}
}

// FuzzParseKey: a key that is read as an item's is the one it would be written
// under.
func FuzzParseKey(f *testing.F) {
	f.Add([]byte("/asterism/v1/records/a"))
	l := layout.Layout("/asterism/v1/")
	f.Fuzz(func(t *testing.T, key []byte) {
		for _, c := range ports.Collections() {
			if k, err := l.Parse(c, key); err == nil && (l.Key(k) != string(key) || k.Check() != nil || k.Collection != c) {
				t.Errorf("%q is read as %v", key, k)
			}
		}
	})
}
