package join_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
)

func goodNames() []string {
	return []string{
		"a", "node-1", "node1", "1node", "a.b", "node-1.eu-west.example", "ip-10-0-0-1.ec2.internal", "a--b", "worker-svc", "svc-1",
		"x1.kubernetes", "node.localhost1", "10-0-0-1", "a.0xg", "kubernetes-1", "xn-a", "a.b0", strings.Repeat("a", 63),
	}
}

// craftedNames are what attackers write where a node's name should be.
func craftedNames() []string {
	return []string{
		"", ".", "..", "-", "-a", "a-", "a.", ".a", "a..b", "a.-b", "a-.b", "../../etc/passwd", "a/b", "a\\b",
		"system:masters", "system:node:x", "system:nodes", "x,system:masters", "x=y", "x+O=system:masters", "CN=x", "O=system:masters",
		"a\x00", "a\x00.example", "a\n", "\na", "a\r\nb", "a\tb", " a", "a ", "a b", "a%00", "a\"b", "a'b", "a;b", "a$b", "a`b", "{a}", "*", "*.example",
		"A", "Node-1", "NODE-1", "node_1", "nöde", "nodе-1", "ｎode", "node\u200b1", "node\u202e1", "\xff", "node-1\u0301", "ı", "K", "node。1", "node．1",
		"xn--nde-sna", "a.xn--p1ai", "xn--", "1", "10.0.0.1", "a.1", "0x7f000001", "a.0x1f", "0x", "a.0", "127.1", "[::1]", "::1", "a:1", "a@b",
		"localhost", "a.localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		"kms.asterism.svc", "a.b.svc.cluster.local", "svc", "a.svc.b", strings.Repeat("a", 64), strings.Repeat("a.", 32) + "a", strings.Repeat("a", 1<<16),
	}
}

func TestNodeNames(t *testing.T) {
	for _, text := range goodNames() {
		if name, err := join.ParseNodeName(text); err != nil || string(name) != text {
			t.Errorf("%q: %q, %v", text, name, err)
		}
	}
}

func TestThreat18CraftedNamesAreRefused(t *testing.T) {
	for _, text := range craftedNames() {
		name, err := join.ParseNodeName(text)
		if !errors.Is(err, join.ErrNodeName) || name != "" {
			t.Errorf("%.80q was taken as %q, %v", text, name, err)
		}
		kept := join.NodeName("kept")
		if err := kept.UnmarshalText([]byte(text)); err == nil || kept != "kept" {
			t.Errorf("%.80q was read as %q", text, kept)
		}
		s := firstJoin()
		s.c.Request.Name = join.NodeName(text)
		if d := s.decide(); d.Outcome != join.Refused || d.Record != nil {
			t.Errorf("a node is %s as %.80q", d.Outcome, text)
		}
	}
}

// There is one spelling of a name: what differs in case only is refused.
func TestThreat18NamesHaveOneSpelling(t *testing.T) {
	for _, text := range goodNames() {
		upper := strings.ToUpper(text)
		if _, err := join.ParseNodeName(upper); upper != text && err == nil {
			t.Errorf("%q and %q are both names", text, upper)
		}
	}
}

// The grammar again, as Kubernetes writes it (k8s.io/apimachinery,
// util/validation: DNS-1123 subdomain, label value).
func FuzzNodeName(f *testing.F) {
	for _, text := range append(goodNames(), craftedNames()...) {
		f.Add(text)
	}
	subdomain := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	labelValue := regexp.MustCompile(`^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`)
	f.Fuzz(func(t *testing.T, text string) {
		name, err := join.ParseNodeName(text)
		if err != nil {
			if !errors.Is(err, join.ErrNodeName) || len(err.Error()) > 512 {
				t.Fatalf("%.80q: %v", text, err)
			}
			return
		}
		if string(name) != text || len(text) > 63 || !subdomain.MatchString(text) || !labelValue.MatchString(text) {
			t.Fatalf("%q was taken as %q", text, name)
		}
	})
}
