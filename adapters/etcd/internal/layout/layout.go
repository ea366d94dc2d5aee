package layout

import (
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/asterism-k8s/asterism/ports"
)

// Layout is the prefix of all keys, with a slash at its end. An item has the key "prefix collection/name":
// names have no slashes, so that no collection lies within another one.
type Layout string

// Key returns under which of etcd's keys an item is.
func (l Layout) Key(k ports.Key) string {
	return string(l) + string(k.Collection) + "/" + k.Name
}

// Collection returns with what the keys of all items of a collection begin.
func (l Layout) Collection(c ports.Collection) string {
	return string(l) + string(c) + "/"
}

// After returns the first key of a collection that sorts after a name; after the
// empty name it is the first of all.
func (l Layout) After(c ports.Collection, name string) string {
	if name == "" {
		return l.Collection(c)
	}
	return l.Key(ports.Key{Collection: c, Name: name}) + "\x00"
}

// End returns the first key that sorts after all of a collection.
func (l Layout) End(c ports.Collection) string {
	return string(l) + string(c) + string('/'+1)
}

// Parse returns which item has that key of etcd's. It refuses what Key would not
// have written.
func (l Layout) Parse(c ports.Collection, key []byte) (ports.Key, error) {
	name, ok := strings.CutPrefix(string(key), l.Collection(c))
	k := ports.Key{Collection: c, Name: name}
	if !ok {
		return k, fmt.Errorf("the key %q is none of %s", key, c)
	}
	if err := k.Check(); err != nil {
		return k, fmt.Errorf("the key %q: %w", key, err)
	}
	return k, nil
}

// Item returns the item that etcd holds in that way.
func (l Layout) Item(c ports.Collection, kv *mvccpb.KeyValue) (*ports.Item, error) {
	key, err := l.Parse(c, kv.GetKey())
	if err != nil {
		return nil, err
	}
	if kv.GetModRevision() <= 0 {
		return nil, fmt.Errorf("%s has revision %d", key, kv.GetModRevision())
	}
	return &ports.Item{Key: key, Value: kv.GetValue(), Revision: ports.Revision(kv.GetModRevision())}, nil
}
