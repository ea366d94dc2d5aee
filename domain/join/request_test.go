package join_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
)

func fullRequest() join.Request {
	return join.Request{
		ID: join.RequestID{1, 2, 3}, Kind: join.FirstJoin, Disk: disk, Name: "node-1", Role: join.ControlPlane,
		Services: []join.ServiceKey{{Service: "bootstrapper", SPKI: evidence.SPKIHash{1}}, {Service: "kms", SPKI: evidence.SPKIHash{2}}},
	}
}

func rejoinRequest() join.Request {
	return join.Request{ID: join.RequestID{4}, Kind: join.Rejoin, Disk: disk}
}

func TestNewRequestSortsServices(t *testing.T) {
	given := fullRequest()
	given.Services[0], given.Services[1] = given.Services[1], given.Services[0]
	r, err := join.NewRequest(given)
	if err != nil {
		t.Fatal(err)
	}
	want := fullRequest()
	if diff := cmp.Diff(&want, r); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if given.Services[0].Service != "kms" {
		t.Error("what was given is changed")
	}
}

// The encoding is fixed: requests of other versions must read it.
func TestRequestEncoding(t *testing.T) {
	r := rejoinRequest()
	data := encode(t, &r)
	want := "asterism/join-request/v1" +
		"\x00\x00\x00\x10\x04" + strings.Repeat("\x00", 15) +
		"\x00\x00\x00\x06rejoin" + "\x00\x00\x00\x24" + disk + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	if string(data) != want {
		t.Errorf("encoding %q, want %q", data, want)
	}
	hash, err := r.Hash()
	if err != nil || hash != hashOf(want) {
		t.Errorf("hash %v, %v", hash, err)
	}
	full := fullRequest()
	again, err := join.DecodeRequest(encode(t, &full))
	if diff := cmp.Diff(&full, again); diff != "" || err != nil {
		t.Errorf("%v; decoded (-want +got):\n%s", err, diff)
	}
}

func TestLargestRequestFits(t *testing.T) {
	r := fullRequest()
	r.Name, r.Services = join.NodeName(strings.Repeat("a", join.MaxNodeName)), nil
	for i := range join.MaxServices {
		r.Services = append(r.Services, join.ServiceKey{Service: fmt.Sprintf("%02d", i) + strings.Repeat("a", join.MaxServiceName-2), SPKI: evidence.SPKIHash{1}})
	}
	data := encode(t, &r)
	if _, err := join.DecodeRequest(data); err != nil || len(data) > join.MaxRequestSize {
		t.Errorf("%d bytes: %v", len(data), err)
	}
}

func TestInvalidRequests(t *testing.T) {
	many := make([]join.ServiceKey, join.MaxServices+1)
	for _, tt := range []struct {
		path   string
		change func(*join.Request)
	}{
		{"id", func(r *join.Request) { r.ID = join.RequestID{} }},
		{"kind", func(r *join.Request) { r.Kind = "init" }},
		{"disk", func(r *join.Request) { r.Disk = "" }},
		{"disk", func(r *join.Request) { r.Disk = disk + "/../x" }},
		{"name", func(r *join.Request) { r.Name = "" }},
		{"role", func(r *join.Request) { r.Role = "" }},
		{"role", func(r *join.Request) { r.Role = "owner" }},
		{"services", func(r *join.Request) { r.Services = many }},
		{"services[0]", func(r *join.Request) { r.Services[0].Service = "" }},
		{"services[0]", func(r *join.Request) { r.Services[0].Service = "a.b" }},
		{"services[0]", func(r *join.Request) { r.Services[0].Service = "a_b" }},
		{"services[0]", func(r *join.Request) { r.Services[0].Service = strings.Repeat("a", 33) }},
		{"services[0]", func(r *join.Request) { r.Services[0].SPKI = evidence.SPKIHash{} }},
		{"services[1]", func(r *join.Request) { r.Services[1].Service = "bootstrapper" }},
		{"services[1]", func(r *join.Request) { r.Services[1].Service = "a" }},
	} {
		r := fullRequest()
		tt.change(&r)
		_, encodeErr := r.Encode()
		_, hashErr := r.Hash()
		for _, err := range []error{r.Validate(), encodeErr, hashErr} {
			var invalid *join.InvalidError
			if !errors.Is(err, join.ErrRequest) || !errors.As(err, &invalid) || invalid.Problems[0].Path != tt.path || strings.Contains(err.Error(), "%!") {
				t.Errorf("%s: %v", tt.path, err)
			}
		}
	}
	r := fullRequest()
	r.Kind = join.Rejoin
	if err := r.Validate(); err == nil || !strings.Contains(err.Error(), "name: ") || !strings.Contains(err.Error(), "role: ") {
		t.Errorf("a rejoin asks for a name and a role: %v", err)
	}
	if _, err := join.NewRequest(r); err == nil {
		t.Error("and is made")
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	full := fullRequest()
	data := encode(t, &full)
	for i := range data {
		if _, err := join.DecodeRequest(data[:i]); !errors.Is(err, join.ErrRequest) {
			t.Fatalf("cut off at %d: %v", i, err)
		}
	}
	for name, bad := range map[string][]byte{
		"trailing bytes":     append(bytes.Clone(data), 0),
		"another label":      append([]byte("asterism/join-request/v2"), data[24:]...),
		"a huge count":       bytes.Replace(data, []byte{0, 0, 0, 2, 0, 0, 0, 12}, []byte{255, 255, 255, 255, 0, 0, 0, 12}, 1),
		"no label":           data[24:],
		"services reordered": bytes.Replace(data, []byte("bootstrapper"), []byte("zootstrapper"), 1),
		"a short ID":         bytes.Replace(data, []byte{0, 0, 0, 16, 1}, []byte{0, 0, 0, 15}, 1),
	} {
		if r, err := join.DecodeRequest(bad); !errors.Is(err, join.ErrRequest) || r != nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// What is too large is not even looked at.
func TestSizesAreBounded(t *testing.T) {
	for _, tt := range []struct {
		limit  int
		decode func([]byte) error
	}{
		{join.MaxRequestSize, func(b []byte) error { _, err := join.DecodeRequest(b); return err }},
		{join.MaxRecordSize, func(b []byte) error { _, err := join.DecodeRecord(b); return err }},
		{join.MaxPolicySize, func(b []byte) error { _, err := join.DecodePolicy(b); return err }},
		{join.MaxWaitingSize, func(b []byte) error { _, err := join.DecodeWaiting(b); return err }},
	} {
		want := fmt.Sprintf("%d bytes, at most %d", tt.limit+1, tt.limit)
		if err := tt.decode(make([]byte, tt.limit+1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if err := tt.decode(make([]byte, tt.limit)); err == nil || strings.Contains(err.Error(), "at most") {
			t.Errorf("as large as may be: %v", err)
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	full, again := fullRequest(), rejoinRequest()
	f.Add(encode(f, &full))
	f.Add(encode(f, &again))
	f.Add([]byte("asterism/join-request/v1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := join.DecodeRequest(data)
		if err != nil {
			if r != nil || !errors.Is(err, join.ErrRequest) {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		if !bytes.Equal(encode(t, r), data) {
			t.Fatalf("%q is written as %q", data, encode(t, r))
		}
	})
}
