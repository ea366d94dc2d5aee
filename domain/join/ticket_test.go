package join_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// trial is one way in which a ticket is wrong; reason is empty where it is not.
type trial struct {
	name   string
	start  func(testing.TB) *offer
	change func(*offer)
	reason join.TicketReason
}

func ticket(change func(*join.Ticket)) func(*offer) {
	return func(o *offer) { change(o.ticket) }
}

func trials() []trial {
	return []trial{
		{"a worker's ticket", workerOffer, func(*offer) {}, ""},
		{"a control-plane node's", controlPlaneOffer, func(*offer) {}, ""},
		{"a returning worker's", rejoinOffer, func(*offer) {}, ""},
		{"a cluster without Kubernetes", workerOffer, ticket(func(t *join.Ticket) { t.Kubernetes, t.Token = nil, nil }), ""},
		{"a machine without an attestation key", workerOffer, ticket(func(t *join.Ticket) { t.AKCertificate = nil }), ""},
		{"a cluster without a checkpoint", workerOffer, ticket(func(t *join.Ticket) { t.Checkpoint = nil }), ""},
		{"as much as may be", controlPlaneOffer, ticket(func(t *join.Ticket) {
			t.Checkpoint, t.EngineCA, t.AKCertificate = make([]byte, join.MaxCheckpointSize), make([]byte, join.MaxCertificateSize), make([]byte, join.MaxCertificateSize)
			t.Services[0].Certificate, t.Kubernetes.Version = make([]byte, join.MaxCertificateSize), "v"+strings.Repeat("1", 63)
			t.ControlPlane.KEK, _ = keys.NewKEK(keys.NewSecret(canary('K')), keys.FirstGeneration)
			t.ControlPlane.Files[0].Content = keys.NewSecret([]byte{1})
		}), ""},
		{"a returning node learns of Kubernetes", rejoinOffer, func(o *offer) {
			o.ticket.Kubernetes = &join.Kubernetes{Endpoint: "[::1]:6443", CA: evidence.SPKIHash{6}, Version: "v1.34.2", Manifest: hashOf("manifest")}
		}, ""},
		{"a returning control-plane node gets a new KEK", controlPlaneOffer, func(o *offer) {
			o.request.Kind, o.request.Name, o.request.Role = join.Rejoin, "", ""
			o.ticket.Kind, o.ticket.Token = join.Rejoin, nil
		}, ""},
		{"or none", controlPlaneOffer, func(o *offer) {
			o.request.Kind, o.request.Name, o.request.Role = join.Rejoin, "", ""
			o.ticket.Kind, o.ticket.Token, o.ticket.ControlPlane.KEK = join.Rejoin, nil, keys.KEK{}
		}, ""},

		{"another cluster's measurement secret", workerOffer, ticket(func(t *join.Ticket) {
			t.MeasurementSecret, _ = keys.NewMeasurementSecret(keys.NewSecret(canary('X')))
		}), join.OtherCluster},
		{"another salt", workerOffer, ticket(func(t *join.Ticket) { t.MeasurementSalt[0]++ }), join.OtherCluster},
		{"a JoinService marked for another cluster", workerOffer, func(o *offer) { o.cluster[0]++ }, join.OtherCluster},
		{"a JoinService that is not marked", workerOffer, func(o *offer) { o.cluster = keys.ClusterID{} }, join.OtherCluster},
		{"another owner", workerOffer, func(o *offer) { o.owner[0]++ }, join.OtherOwner},
		{"no owner", workerOffer, func(o *offer) { o.owner, o.ticket.Owner = keys.OwnerID{}, keys.OwnerID{} }, join.OtherOwner},
		{"no measurement secret", workerOffer, ticket(func(t *join.Ticket) { t.MeasurementSecret.Wipe() }), join.Incomplete},

		{"no request", workerOffer, func(o *offer) { o.request = nil }, join.OtherRequest},
		{"another request", workerOffer, func(o *offer) { o.request.ID[0]++ }, join.OtherRequest},
		{"a request without an ID", workerOffer, func(o *offer) { o.request.ID, o.ticket.Request = join.RequestID{}, join.RequestID{} }, join.OtherRequest},
		{"another kind", workerOffer, ticket(func(t *join.Ticket) { t.Kind = join.Rejoin }), join.OtherRequest},
		{"another disk", workerOffer, ticket(func(t *join.Ticket) { t.Disk = otherDisk }), join.OtherNode},
		{"a returning node's other disk", rejoinOffer, ticket(func(t *join.Ticket) { t.Disk = otherDisk }), join.OtherNode},
		{"no disk", workerOffer, func(o *offer) { o.request.Disk, o.ticket.Disk = "", "" }, join.OtherNode},
		{"another name", workerOffer, ticket(func(t *join.Ticket) { t.Name = "node-2" }), join.OtherNode},
		{"another role", controlPlaneOffer, func(o *offer) { o.request.Role = join.Worker }, join.OtherNode},
		{"a returning node's name that is none", rejoinOffer, ticket(func(t *join.Ticket) { t.Name = "system:masters" }), join.OtherNode},
		{"a returning node's role that is none", rejoinOffer, ticket(func(t *join.Ticket) { t.Role = "admin" }), join.OtherNode},

		{"a short disk key", workerOffer, ticket(func(t *join.Ticket) { t.DiskKey = cut(t.DiskKey) }), join.Incomplete},
		{"a short seal key", workerOffer, ticket(func(t *join.Ticket) { t.SealKey = cut(t.SealKey) }), join.Incomplete},
		{"one key for both", workerOffer, ticket(func(t *join.Ticket) { t.SealKey = t.DiskKey }), join.Incomplete},
		{"no statement", workerOffer, ticket(func(t *join.Ticket) { t.Statement = 0 }), join.Incomplete},
		{"a huge checkpoint", workerOffer, ticket(func(t *join.Ticket) { t.Checkpoint = make([]byte, join.MaxCheckpointSize+1) }), join.Incomplete},
		{"no engine CA", workerOffer, ticket(func(t *join.Ticket) { t.EngineCA = nil }), join.Incomplete},
		{"a huge engine CA", workerOffer, ticket(func(t *join.Ticket) { t.EngineCA = make([]byte, join.MaxCertificateSize+1) }), join.Incomplete},
		{"a huge AK certificate", workerOffer, ticket(func(t *join.Ticket) { t.AKCertificate = make([]byte, join.MaxCertificateSize+1) }), join.Incomplete},
		{"a service's certificate missing", workerOffer, ticket(func(t *join.Ticket) { t.Services = t.Services[:1] }), join.Incomplete},
		{"a service's certificate empty", workerOffer, ticket(func(t *join.Ticket) { t.Services[1].Certificate = nil }), join.Incomplete},
		{"a service's certificate huge", workerOffer, ticket(func(t *join.Ticket) { t.Services[1].Certificate = make([]byte, join.MaxCertificateSize+1) }), join.Incomplete},
		{"a service that was not asked for", workerOffer, ticket(func(t *join.Ticket) { t.Services = append(t.Services, join.ServiceCertificate{Service: "joinservice"}) }), join.TicketExcess},
		{"another service", workerOffer, ticket(func(t *join.Ticket) { t.Services[1].Service = "joinservice" }), join.TicketExcess},

		{"no token", workerOffer, ticket(func(t *join.Ticket) { t.Token = nil }), join.Incomplete},
		{"an expired token", workerOffer, func(o *offer) { o.now = o.ticket.Token.Expires }, join.TicketExpired},
		{"a token for days", workerOffer, func(o *offer) { o.now = o.ticket.Token.Expires.Add(-join.MaxTokenLifetime - 1) }, join.Incomplete},
		{"a malformed token", workerOffer, ticket(func(t *join.Ticket) { t.Token.Secret = keys.NewSecret([]byte("Q7zk3v.x9w8j7h6g5f4d3s2")) }), join.Incomplete},
		{"a token for a returning node", rejoinOffer, ticket(func(t *join.Ticket) {
			t.Token = &join.Token{Secret: keys.NewSecret([]byte(tokenText)), Expires: now.Add(time.Minute)}
		}), join.TicketExcess},
		{"a token without Kubernetes", workerOffer, ticket(func(t *join.Ticket) { t.Kubernetes = nil }), join.TicketExcess},
		{"no address", workerOffer, ticket(func(t *join.Ticket) { t.Kubernetes.Endpoint = "" }), join.Incomplete},
		{"no Kubernetes CA", workerOffer, ticket(func(t *join.Ticket) { t.Kubernetes.CA = evidence.SPKIHash{} }), join.Incomplete},
		{"no version", workerOffer, ticket(func(t *join.Ticket) { t.Kubernetes.Version = "1.34" }), join.Incomplete},
		{"a long version", workerOffer, ticket(func(t *join.Ticket) { t.Kubernetes.Version = "v" + strings.Repeat("1", 64) }), join.Incomplete},
		{"no manifest", workerOffer, ticket(func(t *join.Ticket) { t.Kubernetes.Manifest = measurement.Digest{} }), join.Incomplete},

		{"a worker with the KEK", controlPlaneOffer, func(o *offer) { o.request.Role, o.ticket.Role = join.Worker, join.Worker }, join.TicketExcess},
		{"a returning worker with the KEK", controlPlaneOffer, func(o *offer) {
			o.request.Kind, o.request.Name, o.request.Role = join.Rejoin, "", ""
			o.ticket.Kind, o.ticket.Token, o.ticket.Role = join.Rejoin, nil, join.Worker
		}, join.TicketExcess},
		{"a control-plane node with nothing", controlPlaneOffer, ticket(func(t *join.Ticket) { t.ControlPlane = nil }), join.Incomplete},
		{"a control-plane node without the KEK", controlPlaneOffer, ticket(func(t *join.Ticket) { t.ControlPlane.KEK = keys.KEK{} }), join.Incomplete},
		{"too many files", controlPlaneOffer, ticket(func(t *join.Ticket) { t.ControlPlane.Files = slicesOf(join.MaxFiles+1, t.ControlPlane.Files[0]) }), join.Incomplete},
		{"an empty file", controlPlaneOffer, ticket(func(t *join.Ticket) { t.ControlPlane.Files[0].Content.Wipe() }), join.Incomplete},
		{"a huge file", controlPlaneOffer, ticket(func(t *join.Ticket) {
			t.ControlPlane.Files[0].Content = keys.NewSecret(make([]byte, join.MaxFileSize+1))
		}), join.Incomplete},
	}
}

func TestCheckTicket(t *testing.T) {
	for _, tt := range trials() {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.start(t)
			tt.change(o)
			err := o.check()
			if tt.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var refused *join.TicketError
			if !errors.As(err, &refused) || !errors.Is(err, join.ErrTicket) || refused.Reason != tt.reason {
				t.Fatalf("%v, want %s", err, tt.reason)
			}
			if strings.Contains(err.Error(), "%!") {
				t.Errorf("the error is badly written: %v", err)
			}
			noTraces(t, err.Error(), o)
		})
	}
}

// A ticket that was recorded does not serve another request, disk, name or role,
// and not after its token has expired.
func TestThreat24ReplayedTicketIsRefused(t *testing.T) {
	for name, change := range map[string]func(*offer){
		"another request": func(o *offer) { o.request.ID = join.RequestID{9} },
		"another disk":    func(o *offer) { o.request.Disk = otherDisk },
		"another name":    func(o *offer) { o.request.Name = "node-2" },
		"another role":    func(o *offer) { o.request.Role = join.ControlPlane },
		"a rejoin":        func(o *offer) { o.request.Kind, o.request.Name, o.request.Role = join.Rejoin, "", "" },
		"an hour later":   func(o *offer) { o.now = o.now.Add(time.Hour) },
	} {
		o := workerOffer(t)
		if err := o.check(); err != nil {
			t.Fatal(err)
		}
		change(o)
		if o.check() == nil {
			t.Errorf("%s is served by the same ticket", name)
		}
	}
}

// What makes the mark has to make the JoinService's own: an impostor that is not
// marked, or marked for another cluster, hands out nothing that is used.
func TestThreat05TicketOfAnotherClusterIsRefused(t *testing.T) {
	o := workerOffer(t)
	o.cluster = keys.ClusterID{1}
	var refused *join.TicketError
	if err := o.check(); !errors.As(err, &refused) || refused.Reason != join.OtherCluster {
		t.Errorf("a ticket that leads to another cluster: %v", err)
	}
}

func TestThreat26TicketOfAnotherOwnersClusterIsRefused(t *testing.T) {
	o := workerOffer(t)
	o.ticket.Owner = keys.OwnerID{8}
	var refused *join.TicketError
	if err := o.check(); !errors.As(err, &refused) || refused.Reason != join.OtherOwner {
		t.Errorf("a ticket of somebody else's cluster: %v", err)
	}
}

func TestThreat24TokensHoldForMinutes(t *testing.T) {
	secret := keys.NewSecret([]byte(tokenText))
	for left, good := range map[time.Duration]bool{1: true, join.MaxTokenLifetime: true, 0: false, -time.Hour: false, join.MaxTokenLifetime + 1: false} {
		token := join.Token{Secret: secret, Expires: now.Add(left)}
		if err := token.Check(now); (err == nil) != good || err != nil && !errors.Is(err, join.ErrToken) {
			t.Errorf("with %v left: %v", left, err)
		}
	}
	for _, text := range []string{"", ".", "q7zk3v", "q7zk3.x9w8j7h6g5f4d3s2", "q7zk3v.x9w8j7h6g5f4d3s", "q7zk3v.x9w8j7h6g5f4d3s23", "q7zk3v.x9w8j7h6g5f4d3s2\n", "q7zk3v.x9w8j7h6g5f4d.s2", "q7zk3v_x9w8j7h6g5f4d3s2"} {
		token := join.Token{Secret: keys.NewSecret([]byte(text)), Expires: now.Add(time.Minute)}
		if err := token.Check(now); !errors.Is(err, join.ErrToken) || text != "" && text != "." && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for endpoint, good := range map[string]bool{
		"10.0.0.1:6443": true, "[fd00::1]:443": true, "[::ffff:10.0.0.1]:1": true, "api.example:65535": true, "a:1": true, "xn--a.example:1": true,
		"": false, ":": false, ":6443": false, "6443": false, "a": false, "a:": false, "a:0": false, "a:65536": false, "a:01": false, "a:+1": false, "a:1 ": false, "A:1": false,
		"a b:1": false, "a/b:1": false, "user@a:1": false, "::1:443": false, "[::1:443": false, "[]:443": false, "[a.b]:443": false, "[::g]:443": false, "[::1]]:443": false,
		"a..b:1": false, ".a:1": false, "-:1": false, "a\n:1": false, "https://a:1": false, strings.Repeat("a", 254) + ":65535": false, strings.Repeat("a", 253) + ":65535": true,
	} {
		o := workerOffer(t)
		o.ticket.Kubernetes.Endpoint = endpoint
		if err := o.check(); (err == nil) != good {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

func TestFileNames(t *testing.T) {
	for name, good := range map[string]bool{
		"ca.key": true, "pki/etcd/ca.key": true, "a/..b": true, "admin.conf": true, strings.Repeat("a", 253): true,
		"": false, "/": false, "/etc/passwd": false, "a/": false, "a//b": false, ".": false, "..": false, "../a": false, "a/../b": false, "a/.": false, "...": false,
		"A": false, "a b": false, "a\x00": false, "a\\b": false, strings.Repeat("a", 254): false,
	} {
		o := controlPlaneOffer(t)
		o.ticket.ControlPlane.Files[0].Name = name
		if err := o.check(); (err == nil) != good {
			t.Errorf("%.80q: %v", name, err)
		}
	}
	o := controlPlaneOffer(t)
	o.ticket.ControlPlane.Files = slicesOf(join.MaxFiles, join.File{Name: "a", Content: keys.NewSecret(bytes.Repeat([]byte{1}, join.MaxFileSize))})
	if err := o.check(); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
}

func TestThreat16TicketsAreNotPrinted(t *testing.T) {
	o := controlPlaneOffer(t)
	for _, value := range []any{*o.ticket, o.ticket, []*join.Ticket{o.ticket}, map[string]join.Ticket{"t": *o.ticket}, o, o.ticket.Token, o.ticket.ControlPlane, *o.ticket.ControlPlane, o.ticket.ControlPlane.Files} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("ticket", "value", value)
		slog.New(slog.NewTextHandler(&log, nil)).Info("ticket", "value", value)
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		asXML, _ := xml.Marshal(value)
		out := log.String() + string(asJSON) + string(asXML)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			out += fmt.Sprintf(verb, value)
		}
		noTraces(t, out, o)
	}
	if got := fmt.Sprintf("%v %+v %#v %x", o.ticket, *o.ticket, o.ticket, *o.ticket); got != strings.TrimSpace(strings.Repeat("[redacted] ", 4)) {
		t.Errorf("a ticket shows as %s", got)
	}
	if data, err := json.Marshal(o.ticket); err != nil || string(data) != `"[redacted]"` || o.ticket.String() != "[redacted]" || o.ticket.LogValue().String() != "[redacted]" {
		t.Errorf("%s, %v", data, err)
	}
	if err := json.Unmarshal([]byte(`"[redacted]"`), o.ticket); !errors.Is(err, keys.ErrNotReadable) {
		t.Errorf("read from text: %v", err)
	}
}

// noTraces looks for six neighbouring bytes of a secret in any common spelling.
func noTraces(t *testing.T, out string, o *offer) {
	t.Helper()
	for _, secret := range o.secrets() {
		for i := 1; i+6 <= len(secret); i++ {
			part := secret[i : i+6]
			numbers := strings.Trim(fmt.Sprintf("%d", part), "[]")
			for _, spelling := range []string{string(part), hex.EncodeToString(part), numbers, base64.StdEncoding.EncodeToString(part)} {
				if strings.Contains(strings.ToLower(out), strings.ToLower(spelling)) {
					t.Fatalf("%q of a secret shows in %.300s", spelling, out)
				}
			}
		}
	}
}

func TestWipedTicketHoldsNothing(t *testing.T) {
	o := controlPlaneOffer(t)
	copied := *o.ticket
	o.ticket.Wipe()
	for i, n := range []int{
		copied.DiskKey.Len(), copied.SealKey.Len(), copied.MeasurementSecret.Len(), copied.Token.Secret.Len(), copied.ControlPlane.KEK.Len(), copied.ControlPlane.Files[0].Content.Len(),
	} {
		if n != 0 {
			t.Errorf("secret %d still has %d bytes", i, n)
		}
	}
	if o.check() == nil {
		t.Error("a wiped ticket is taken")
	}
	rejoinOffer(t).ticket.Wipe()
}

func TestPublicHash(t *testing.T) {
	want := controlPlaneOffer(t).ticket.PublicHash()
	if fixed := "28fa372f0a194b173d831b1d39e04fefb29e3e88ffc1ba8c7cb847dee4c25190"; want.String() != fixed {
		t.Errorf("hash %v, want %s: ledgers hold it", want, fixed)
	}
	for name, change := range map[string]func(*join.Ticket){
		"disk key":           func(t *join.Ticket) { t.DiskKey = keys.NewSecret(canary('X')) },
		"seal key":           func(t *join.Ticket) { t.SealKey = keys.NewSecret(canary('X')) },
		"measurement secret": func(t *join.Ticket) { t.MeasurementSecret.Wipe() },
		"token":              func(t *join.Ticket) { t.Token.Secret.Wipe() },
		"KEK":                func(t *join.Ticket) { t.ControlPlane.KEK.Wipe() },
		"contents":           func(t *join.Ticket) { t.ControlPlane.Files[0].Content.Wipe() },
	} {
		o := controlPlaneOffer(t)
		change(o.ticket)
		if o.ticket.PublicHash() != want {
			t.Errorf("%s is secret, and changes the hash", name)
		}
	}
	seen := map[measurement.Digest]string{want: "the ticket itself"}
	for name, change := range publicChanges() {
		o := controlPlaneOffer(t)
		change(o.ticket)
		hash := o.ticket.PublicHash()
		if other, found := seen[hash]; found {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[hash] = name
	}
}

func publicChanges() map[string]func(*join.Ticket) {
	return map[string]func(*join.Ticket){
		"request":      func(t *join.Ticket) { t.Request[0]++ },
		"kind":         func(t *join.Ticket) { t.Kind = join.Rejoin },
		"name":         func(t *join.Ticket) { t.Name = "node-2" },
		"role":         func(t *join.Ticket) { t.Role = join.Worker },
		"disk":         func(t *join.Ticket) { t.Disk = otherDisk },
		"owner":        func(t *join.Ticket) { t.Owner[0]++ },
		"salt":         func(t *join.Ticket) { t.MeasurementSalt[0]++ },
		"engine CA":    func(t *join.Ticket) { t.EngineCA = []byte("x") },
		"AK":           func(t *join.Ticket) { t.AKCertificate = []byte("x") },
		"services":     func(t *join.Ticket) { t.Services = t.Services[:1] },
		"service":      func(t *join.Ticket) { t.Services[0].Service = "x" },
		"certificate":  func(t *join.Ticket) { t.Services[0].Certificate = []byte("x") },
		"Kubernetes":   func(t *join.Ticket) { t.Kubernetes = nil },
		"empty":        func(t *join.Ticket) { t.Kubernetes = &join.Kubernetes{} },
		"endpoint":     func(t *join.Ticket) { t.Kubernetes.Endpoint = "x" },
		"CA":           func(t *join.Ticket) { t.Kubernetes.CA[0]++ },
		"version":      func(t *join.Ticket) { t.Kubernetes.Version = "x" },
		"manifest":     func(t *join.Ticket) { t.Kubernetes.Manifest = hashOf("x") },
		"no token":     func(t *join.Ticket) { t.Token = nil },
		"expiry":       func(t *join.Ticket) { t.Token.Expires = now },
		"no files":     func(t *join.Ticket) { t.ControlPlane = nil },
		"empty files":  func(t *join.Ticket) { t.ControlPlane = &join.ControlFiles{} },
		"fewer files":  func(t *join.Ticket) { t.ControlPlane.Files = nil },
		"another file": func(t *join.Ticket) { t.ControlPlane.Files[0].Name = "x" },
		"generation": func(t *join.Ticket) {
			t.ControlPlane.KEK, _ = keys.NewKEK(keys.NewSecret(canary('K')), 3)
		},
		"statement":  func(t *join.Ticket) { t.Statement++ },
		"checkpoint": func(t *join.Ticket) { t.Checkpoint = nil },
	}
}
