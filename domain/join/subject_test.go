package join_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/join"
)

func memberRecord() *join.Record { return firstJoin().joined().f.Own }

func TestSubjects(t *testing.T) {
	r := memberRecord()
	client, err := r.ClientSubject()
	if diff := cmp.Diff(&join.Subject{CommonName: "system:node:node-1", Organization: "system:nodes"}, client); diff != "" || err != nil {
		t.Errorf("%v; client (-want +got):\n%s", err, diff)
	}
	serving, err := r.ServingSubject()
	if diff := cmp.Diff(&join.Subject{CommonName: "system:node:node-1", Organization: "system:nodes", DNSNames: []string{"node-1"}}, serving); diff != "" || err != nil {
		t.Errorf("%v; serving (-want +got):\n%s", err, diff)
	}
}

func TestOnlyMembersHaveSubjects(t *testing.T) {
	for _, state := range []join.State{join.Intended, join.Withheld, join.Revoked, ""} {
		r := memberRecord().Next(state)
		client, err := r.ClientSubject()
		serving, servingErr := r.ServingSubject()
		if client != nil || serving != nil || !errors.Is(err, join.ErrSubject) || !errors.Is(servingErr, join.ErrSubject) {
			t.Errorf("%q: %+v, %v; %+v, %v", state, client, err, serving, servingErr)
		}
	}
}

func asked() join.CertificateRequest {
	return join.CertificateRequest{CommonName: "system:node:node-1", Organizations: []string{"system:nodes"}}
}

// hostileRequests differ from what the node may have in one way each.
func hostileRequests() map[string]func(*join.CertificateRequest) {
	return map[string]func(*join.CertificateRequest){
		"another node":            func(c *join.CertificateRequest) { c.CommonName = "system:node:node-2" },
		"the administrator":       func(c *join.CertificateRequest) { c.CommonName = "system:admin" },
		"the name alone":          func(c *join.CertificateRequest) { c.CommonName = "node-1" },
		"another case":            func(c *join.CertificateRequest) { c.CommonName = "system:node:Node-1" },
		"a space":                 func(c *join.CertificateRequest) { c.CommonName += " " },
		"a NUL":                   func(c *join.CertificateRequest) { c.CommonName += "\x00" },
		"no user":                 func(c *join.CertificateRequest) { c.CommonName = "" },
		"no group":                func(c *join.CertificateRequest) { c.Organizations = nil },
		"administrators":          func(c *join.CertificateRequest) { c.Organizations = []string{"system:masters"} },
		"administrators, too":     func(c *join.CertificateRequest) { c.Organizations = append(c.Organizations, "system:masters") },
		"administrators, first":   func(c *join.CertificateRequest) { c.Organizations = []string{"system:masters", "system:nodes"} },
		"the group twice":         func(c *join.CertificateRequest) { c.Organizations = append(c.Organizations, "system:nodes") },
		"other attributes":        func(c *join.CertificateRequest) { c.OtherNames = true },
		"an API server's address": func(c *join.CertificateRequest) { c.DNSNames = append(c.DNSNames, "kubernetes.default.svc") },
		"an IP address":           func(c *join.CertificateRequest) { c.IPAddresses = []string{"10.96.0.1"} },
		"a mail address":          func(c *join.CertificateRequest) { c.EmailAddresses = []string{"a@example"} },
		"a workload's ID":         func(c *join.CertificateRequest) { c.URIs = []string{"spiffe://example/a"} },
	}
}

func TestThreat18HostileCertificateRequestsAreRefused(t *testing.T) {
	client, err := memberRecord().ClientSubject()
	if err != nil {
		t.Fatal(err)
	}
	serving, err := memberRecord().ServingSubject()
	if err != nil {
		t.Fatal(err)
	}
	forClient, forServing := asked(), asked()
	forServing.DNSNames = []string{"node-1"}
	if err := errors.Join(client.Check(&forClient), serving.Check(&forServing)); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{client.Check(&forServing), serving.Check(&forClient)} {
		if !errors.Is(err, join.ErrSubject) {
			t.Errorf("one stands for the other: %v", err)
		}
	}
	for name, change := range hostileRequests() {
		c, s := asked(), asked()
		s.DNSNames = []string{"node-1"}
		change(&c)
		change(&s)
		for _, err := range []error{client.Check(&c), serving.Check(&s)} {
			if !errors.Is(err, join.ErrSubject) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A record whose name is none has no certificate, wherever it came from.
func TestThreat18RecordOfCraftedNameHasNoSubject(t *testing.T) {
	for _, name := range craftedNames() {
		r := memberRecord()
		r.Name = join.NodeName(name)
		if s, err := r.ClientSubject(); !errors.Is(err, join.ErrSubject) {
			t.Errorf("%.80q: %+v, %v", name, s, err)
		}
	}
}
