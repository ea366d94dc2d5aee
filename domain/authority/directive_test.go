package authority_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// sample returns a valid directive of a kind.
func sample(kind authority.Kind) authority.Directive {
	d := authority.Directive{
		Version: authority.Version, Cluster: keys.ClusterID{7}, Serial: 2, Previous: sha256Of("before"), Issued: authoritytest.Start(),
		Kind: kind, Comment: "für Wartung",
	}
	reference := &authority.Reference{Serial: 3, Hash: sha256Of("document")}
	switch kind {
	case authority.Statement:
		d.Statement = reference
	case authority.AttestationPolicy:
		d.Policy = reference
	case authority.JoinPolicy:
		d.JoinPolicy = join.Default()
	case authority.Approve:
		d.Node, d.Role, d.Expires = machine("w1"), join.Worker, d.Issued.Add(time.Hour)
	case authority.Deny:
		d.Node = machine("w1")
	default:
	}
	return d
}

func kinds() []authority.Kind {
	return []authority.Kind{
		authority.Statement, authority.AttestationPolicy, authority.JoinPolicy, authority.Approve, authority.Deny, authority.Freeze, authority.Thaw,
	}
}

func TestDirectivesSurviveEncoding(t *testing.T) {
	for _, kind := range kinds() {
		d := sample(kind)
		data, err := d.Encode()
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		again, err := authority.DecodeDirective(data)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		encoded, err := again.Encode()
		if err != nil || !bytes.Equal(encoded, data) {
			t.Errorf("%s: it was %s and is %s, %v", kind, data, encoded, err)
		}
		if hash, err := again.Hash(); err != nil || hash != measurement.Sum(measurement.SHA256, data) {
			t.Errorf("%s: hash %v, %v", kind, hash, err)
		}
		for name, text := range map[string]string{
			"a space":       strings.Replace(string(data), ":", ": ", 1),
			"behind it":     string(data) + "\n",
			"another field": strings.Replace(string(data), "{", `{"force":true,`, 1),
			"twice a field": strings.Replace(string(data), "{", `{"kind":"`+string(kind)+`",`, 1),
			"another order": `{"version":"` + authority.Version + `",` + strings.Replace(string(data)[1:], `,"version":"`+authority.Version+`"`, "", 1),
			"a null":        strings.Replace(string(data), `"comment":"für Wartung"`, `"comment":null`, 1),
			"an escape":     strings.Replace(string(data), "ü", `\u00fc`, 1),
			"cut":           string(data[:len(data)-1]),
			"nothing":       "",
		} {
			if d, err := authority.DecodeDirective([]byte(text)); err == nil || !errors.Is(err, authority.ErrDirective) {
				t.Errorf("%s with %s was read as %+v, %v", kind, name, d, err)
			}
		}
	}
}

// change is what somebody does to a directive, and the paths of what is wrong then.
type change struct {
	kind   authority.Kind
	change func(*authority.Directive)
	paths  []string
}

func changes() map[string]change {
	type directive = *authority.Directive
	return map[string]change{
		"version":            {authority.Freeze, func(d directive) { d.Version = "asterism/directive/v2" }, []string{"version"}},
		"cluster":            {authority.Freeze, func(d directive) { d.Cluster = keys.ClusterID{} }, []string{"cluster"}},
		"serial 0":           {authority.Freeze, func(d directive) { d.Serial = 0 }, []string{"serial"}},
		"serial 2^53":        {authority.Freeze, func(d directive) { d.Serial = 1 << 53 }, []string{"serial"}},
		"no previous":        {authority.Freeze, func(d directive) { d.Previous = measurement.Digest{} }, []string{"previous"}},
		"SHA-384 previous":   {authority.Freeze, func(d directive) { d.Previous = measurement.Sum(measurement.SHA384, nil) }, []string{"previous"}},
		"first that follows": {authority.Statement, func(d directive) { d.Serial = 1 }, []string{"previous"}},
		"first no statement": {authority.Freeze, func(d directive) { d.Serial, d.Previous = 1, measurement.Digest{} }, []string{"kind"}},
		"no time":            {authority.Freeze, func(d directive) { d.Issued = time.Time{} }, []string{"issued"}},
		"half a second":      {authority.Freeze, func(d directive) { d.Issued = d.Issued.Add(time.Second / 2) }, []string{"issued"}},
		"another zone":       {authority.Freeze, func(d directive) { d.Issued = d.Issued.In(time.FixedZone("", 3600)) }, []string{"issued"}},
		"year 10000":         {authority.Freeze, func(d directive) { d.Issued = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, []string{"issued"}},
		"unknown kind":       {authority.Freeze, func(d directive) { d.Kind = "melt" }, []string{"kind"}},
		"no kind":            {authority.Freeze, func(d directive) { d.Kind = "" }, []string{"kind"}},
		"long comment":       {authority.Freeze, func(d directive) { d.Comment = strings.Repeat("a", authority.MaxComment+1) }, []string{"comment"}},
		"comment of lines":   {authority.Freeze, func(d directive) { d.Comment = "a\nb" }, []string{"comment"}},
		"comment that moves": {authority.Freeze, func(d directive) { d.Comment = "\x1b[2J" }, []string{"comment"}},
		"comment no UTF-8":   {authority.Freeze, func(d directive) { d.Comment = "\xff" }, []string{"comment"}},
		"everything at once": {authority.Freeze, everything, []string{"statement", "policy", "joinPolicy", "node", "role", "name", "chip", "expires"}},
		"no statement":       {authority.Statement, func(d directive) { d.Statement = nil }, []string{"statement"}},
		"statement 0":        {authority.Statement, func(d directive) { d.Statement.Serial = 0 }, []string{"statement.serial"}},
		"statement no hash":  {authority.Statement, func(d directive) { d.Statement.Hash = measurement.Digest{} }, []string{"statement.hash"}},
		"statement policy":   {authority.Statement, func(d directive) { d.Policy = d.Statement }, []string{"policy"}},
		"no policy":          {authority.AttestationPolicy, func(d directive) { d.Policy = nil }, []string{"policy"}},
		"policy 2^53":        {authority.AttestationPolicy, func(d directive) { d.Policy.Serial = 1 << 53 }, []string{"policy.serial"}},
		"policy SHA-384": {
			authority.AttestationPolicy, func(d directive) { d.Policy.Hash = measurement.Sum(measurement.SHA384, nil) }, []string{"policy.hash"},
		},
		"no join policy":   {authority.JoinPolicy, func(d directive) { d.JoinPolicy = nil }, []string{"joinPolicy"}},
		"bad join policy":  {authority.JoinPolicy, func(d directive) { d.JoinPolicy.ControlPlane = join.Auto }, []string{"joinPolicy"}},
		"nobody approved":  {authority.Approve, func(d directive) { d.Node = join.Identity{} }, []string{"node"}},
		"no role":          {authority.Approve, func(d directive) { d.Role = "" }, []string{"role"}},
		"unknown role":     {authority.Approve, func(d directive) { d.Role = "etcd" }, []string{"role"}},
		"no expiry":        {authority.Approve, func(d directive) { d.Expires = time.Time{} }, []string{"expires"}},
		"expired at once":  {authority.Approve, func(d directive) { d.Expires = d.Issued }, []string{"expires"}},
		"for too long":     {authority.Approve, func(d directive) { d.Expires = d.Issued.Add(authority.MaxApproval + time.Second) }, []string{"expires"}},
		"expiry in halves": {authority.Approve, func(d directive) { d.Expires = d.Expires.Add(time.Second / 2) }, []string{"expires"}},
		"bad name":         {authority.Approve, func(d directive) { d.Name = "W1" }, []string{"name"}},
		"bad chip":         {authority.Approve, func(d directive) { d.Chip = "0x" }, []string{"chip"}},
		"upper-case chip":  {authority.Approve, func(d directive) { d.Chip = strings.Repeat("AB", 64) }, []string{"chip"}},
		"short chip":       {authority.Approve, func(d directive) { d.Chip = strings.Repeat("ab", 63) }, []string{"chip"}},
		"nobody denied":    {authority.Deny, func(d directive) { d.Node = join.Identity{} }, []string{"node"}},
		"denied a role":    {authority.Deny, func(d directive) { d.Role = join.Worker }, []string{"role"}},
		"two at once":      {authority.Deny, func(d directive) { d.Node, d.Serial = join.Identity{}, 0 }, []string{"serial", "node"}},
	}
}

// everything sets all fields.
func everything(d *authority.Directive) {
	d.Statement = &authority.Reference{Serial: 3, Hash: sha256Of("document")}
	d.Policy, d.JoinPolicy, d.Node, d.Role, d.Name = d.Statement, join.Default(), machine("w1"), join.Worker, "w1"
	d.Chip, d.Expires = strings.Repeat("ab", 64), d.Issued.Add(time.Hour)
}

func TestNewDirectiveSaysEverythingThatIsWrong(t *testing.T) {
	for name, tt := range changes() {
		d := sample(tt.kind)
		tt.change(&d)
		_, err := authority.NewDirective(d)
		var invalid *authority.InvalidDirectiveError
		if d.Version == "" || !errors.As(err, &invalid) || !errors.Is(err, authority.ErrDirective) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var paths []string
		for _, p := range invalid.Problems {
			paths = append(paths, p.Path)
			if !strings.Contains(err.Error(), p.String()) {
				t.Errorf("%s: %v does not say %v", name, err, p)
			}
		}
		if !slices.Equal(paths, tt.paths) {
			t.Errorf("%s: %v", name, err)
		}
		if data, err := d.Encode(); err == nil {
			t.Errorf("%s: encoded as %s", name, data)
		}
	}
}

func TestNewDirectiveAccepts(t *testing.T) {
	for name, change := range map[string]func(*authority.Directive){
		"as it is":          func(*authority.Directive) {},
		"without version":   func(d *authority.Directive) { d.Version = "" },
		"last serial":       func(d *authority.Directive) { d.Serial = 1<<53 - 1 },
		"longest comment":   func(d *authority.Directive) { d.Comment = strings.Repeat("a", authority.MaxComment) },
		"longest approval":  func(d *authority.Directive) { d.Expires = d.Issued.Add(authority.MaxApproval) },
		"shortest approval": func(d *authority.Directive) { d.Expires = d.Issued.Add(time.Second) },
		"name":              func(d *authority.Directive) { d.Name = "w-1.example" },
		"control plane":     func(d *authority.Directive) { d.Role = join.ControlPlane },
		"chip of SEV-SNP":   func(d *authority.Directive) { d.Chip = strings.Repeat("ab", 64) },
		"chip of TDX":       func(d *authority.Directive) { d.Chip = strings.Repeat("ab", 16) },
	} {
		d := sample(authority.Approve)
		change(&d)
		made, err := authority.NewDirective(d)
		if err != nil || made.Version != authority.Version {
			t.Errorf("%s: %+v, %v", name, made, err)
		}
	}
}

func TestNewDirectiveSharesNothing(t *testing.T) {
	for _, kind := range []authority.Kind{authority.Statement, authority.AttestationPolicy, authority.JoinPolicy} {
		d := sample(kind)
		made, err := authority.NewDirective(d)
		if err != nil {
			t.Fatal(err)
		}
		before, err := made.Hash()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*authority.Reference{d.Statement, d.Policy} {
			if r != nil {
				r.Serial++
			}
		}
		if d.JoinPolicy != nil {
			d.JoinPolicy.NamePrefixes = []string{"n"}
		}
		if after, err := made.Hash(); err != nil || after != before {
			t.Errorf("%s: changed through its template, %v", kind, err)
		}
	}
}

func TestSignedDirectivesAreBounded(t *testing.T) {
	for name, s := range map[string]authority.SignedDirective{
		"directive":  {Directive: make([]byte, authority.MaxDirectiveSize+1)},
		"signatures": {Signatures: make([]owner.Signature, owner.MaxKeys+1)},
		"document":   {Attached: make([]byte, authority.MaxAttachedSize+1)},
	} {
		if data, err := s.Encode(); !errors.Is(err, authority.ErrDirective) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	largest := authority.SignedDirective{
		Directive: make([]byte, authority.MaxDirectiveSize), Signatures: make([]owner.Signature, owner.MaxKeys),
		Attached: make([]byte, authority.MaxAttachedSize),
	}
	data, err := largest.Encode()
	if err != nil || len(data) > authority.MaxSignedSize {
		t.Fatalf("the largest: %d bytes, %v", len(data), err)
	}
	if _, err := authority.DecodeSigned(data); err != nil {
		t.Errorf("the largest: %v", err)
	}
	if _, err := authority.DecodeSigned(make([]byte, authority.MaxSignedSize+1)); !errors.Is(err, authority.ErrDirective) {
		t.Errorf("more than that: %v", err)
	}
	if _, err := authority.DecodeDirective(make([]byte, authority.MaxDirectiveSize+1)); !errors.Is(err, authority.ErrDirective) {
		t.Errorf("a directive of more than that: %v", err)
	}
}

func TestDirectiveIsBounded(t *testing.T) {
	d := sample(authority.JoinPolicy)
	for i := range join.MaxListed {
		name := strings.Repeat("a", 1+i%join.MaxNodeName)
		d.JoinPolicy.Listed = append(d.JoinPolicy.Listed, join.Listed{Identity: machine(name), Roles: join.Roles()})
	}
	if _, err := d.Encode(); !errors.Is(err, authority.ErrDirective) {
		t.Errorf("a join policy that is too long: %v", err)
	}
}

func TestDecodeSignedRefuses(t *testing.T) {
	author := newAuthor(t)
	genuine := author.Statement()
	for name, data := range map[string][]byte{
		"nothing":       nil,
		"the label":     []byte("asterism/signed-directive/v1"),
		"a byte behind": append(slices.Clone(genuine), 0),
		"another label": append([]byte("asterism/signed-directive/v2"), genuine[28:]...),
		"a short key":   bytes.Replace(genuine, []byte("\x00\x00\x00\x02\x00\x00\x00\x20"), []byte("\x00\x00\x00\x02\x00\x00\x00\x1f"), 1),
		"17 signatures": bytes.Replace(genuine, []byte("\x00\x00\x00\x02\x00\x00\x00\x20"), []byte("\x00\x00\x00\x11\x00\x00\x00\x20"), 1),
	} {
		if s, err := authority.DecodeSigned(data); !errors.Is(err, authority.ErrDirective) {
			t.Errorf("%s was read as %+v, %v", name, s, err)
		}
		if _, err := author.Begin().Apply(data); reasonOf(err) != authority.Malformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range genuine {
		if _, err := authority.DecodeSigned(genuine[:i]); !errors.Is(err, authority.ErrDirective) {
			t.Fatalf("cut at %d of %d: %v", i, len(genuine), err)
		}
	}
}

func TestHead(t *testing.T) {
	h := authority.Head{Serial: 7, Hash: sha256Of("directive")}
	want := `{"hash":"` + h.Hash.String() + `","serial":7,"version":"asterism/authority-head/v1"}`
	data, err := h.Encode()
	if err != nil || string(data) != want {
		t.Fatalf("%s, %v; want %s", data, err, want)
	}
	if again, err := authority.DecodeHead(data); err != nil || again != h {
		t.Errorf("%+v, %v", again, err)
	}
	for _, text := range []string{
		"", "{}", want + " ", strings.Replace(want, ":7,", ":0,", 1), strings.Replace(want, ":7,", ":9007199254740992,", 1), strings.Replace(want, "v1", "v2", 1),
		strings.Replace(want, h.Hash.String(), "", 1), strings.Replace(want, h.Hash.String(), h.Hash.String()+h.Hash.String()[:32], 1),
		`{"more":1,` + want[1:], want + strings.Repeat(" ", 300),
	} {
		if h, err := authority.DecodeHead([]byte(text)); !errors.Is(err, authority.ErrHead) {
			t.Errorf("%s was read as %v, %v", text, h, err)
		}
	}
	for _, h := range []authority.Head{{}, {Serial: 1}, {Hash: h.Hash}, {Serial: 1 << 53, Hash: h.Hash}, {Serial: 1, Hash: measurement.Sum(measurement.SHA384, nil)}} {
		if data, err := h.Encode(); !errors.Is(err, authority.ErrHead) {
			t.Errorf("%+v was encoded as %s, %v", h, data, err)
		}
	}
}
