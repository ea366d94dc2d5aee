package ports_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

func TestKeyCheck(t *testing.T) {
	for _, c := range ports.Collections() {
		for _, name := range []string{"a", "..", "azAZ09._:-+", strings.Repeat("z", ports.MaxKeyName)} {
			if err := (ports.Key{Collection: c, Name: name}).Check(); err != nil {
				t.Errorf("%s/%s: %v", c, name, err)
			}
		}
	}
	for b := range 256 {
		name := string([]byte{byte(b)})
		want := regexp.MustCompile(`^[a-zA-Z0-9._:+-]$`).MatchString(name)
		err := ports.Key{Collection: ports.Records, Name: name}.Check()
		if (err == nil) != want || err != nil && !errors.Is(err, ports.ErrStoreRequest) {
			t.Errorf("byte %#02x in a name: %v", b, err)
		}
	}
}

// Each bound is the last value that is taken.
func TestTransactionCheck(t *testing.T) {
	key := ports.Key{Collection: ports.Records, Name: "a"}
	for name, tt := range map[string]struct {
		write ports.Write
		good  bool
	}{
		"the largest":         {ports.Write{Key: key, Value: make([]byte, ports.MaxItemSize)}, true},
		"a byte more":         {ports.Write{Key: key, Value: make([]byte, ports.MaxItemSize+1)}, false},
		"the shortest":        {ports.Write{Key: key, TTL: time.Second}, true},
		"the longest":         {ports.Write{Key: key, TTL: ports.MaxTTL}, true},
		"a second more":       {ports.Write{Key: key, TTL: ports.MaxTTL + time.Second}, false},
		"not a second":        {ports.Write{Key: key, TTL: time.Second / 2}, false},
		"before it began":     {ports.Write{Key: key, TTL: -time.Second}, false},
		"deleted":             {ports.Write{Key: key, Delete: true}, true},
		"deleted with value":  {ports.Write{Key: key, Delete: true, Value: []byte{1}}, false},
		"deleted with a TTL":  {ports.Write{Key: key, Delete: true, TTL: time.Second}, false},
		"without a name":      {ports.Write{Key: ports.Key{Collection: ports.Records}}, false},
		"in no collection":    {ports.Write{Key: ports.Key{Name: "a"}}, false},
		"in a strange one":    {ports.Write{Key: ports.Key{Collection: "pods", Name: "a"}}, false},
		"with too long names": {ports.Write{Key: ports.Key{Collection: ports.Records, Name: strings.Repeat("a", ports.MaxKeyName+1)}}, false},
	} {
		err := (&ports.Transaction{Then: []ports.Write{tt.write}}).Check()
		if (err == nil) != tt.good || err != nil && !errors.Is(err, ports.ErrStoreRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
