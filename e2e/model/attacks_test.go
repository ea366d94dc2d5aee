package model_test

// Parties that a search with three strands is confined to, where all of them
// would take too long: the bits of CAST in the model.
const (
	joins    = "CAST=132" // a fresh node, and the join service
	inits    = "CAST=34"  // the command line, and a fresh node
	restores = "CAST=98"  // the command line, a fresh node and a locked one
	admins   = "CAST=770" // the command line, and two members
)

// attack is what the attacker can do once something is taken out.
type attack struct {
	name    string
	title   string
	strands int // 2 where it is 0
	defines []string
	breaks  string // the number of the claim
}

func (a attack) search() search {
	return search{strands: max(a.strands, 2), defines: append([]string{"ONLY=" + a.breaks}, a.defines...)}
}

// attacks returns the countermeasures. Each alone, taken out, lets an attack in.
func attacks() []attack {
	return []attack{
		{name: "NO_EXPORTER", title: "evidence not bound to the TLS exporter: relay with leaked TLS keys", breaks: "1"},
		{name: "NO_SPKI", title: "evidence not bound to the ends' TLS keys: another client key in the same session", breaks: "2"},
		{name: "NO_ROLE", title: "evidence does not say who attests and who verifies: reflection", breaks: "3"},
		{name: "NO_PURPOSE", title: "purpose not bound, nor tied to roles: evidence for one purpose serves another", breaks: "4"},
		{name: "NO_HELLO", title: "hellos not bound: what they say is altered", breaks: "5"},
		{name: "NO_LABEL", title: "one label for sessions and public statements: the public endpoint signs for the attacker", breaks: "12"},
		{name: "NO_MARK", title: "the mark is not checked: a genuine machine of another cluster", breaks: "6"},
		{name: "NO_STATEMENT", title: "the statement is not held against the provisioned owner: a foreign cluster's join service", breaks: "6"},
		{name: "NO_NAME", title: "the dialled name is not checked: an equal member of the same cluster", breaks: "7"},
		{name: "NO_REGISTERS", title: "the boot registers are not appraised: a genuine TPM that booted something else", breaks: "10"},
		{name: "NO_AK_PROOF", title: "an AK is believed without activation or certificate: a key in software", breaks: "11"},
		{name: "NO_CERTIFICATE", title: "an AK's certificate is believed whoever signed it: a key in software", breaks: "11"},
		{name: "NO_AK_NAME", title: "the challenge does not name the AK: a key in software beside an honest EK", breaks: "11"},
		{name: "NO_AK_MATCH", title: "the evidence may be of another AK than was activated: identity take-over", breaks: "8"},
		{name: "NO_ACTIVATION_BINDING", title: "the answer to a challenge is not bound to the session: relayed activation", breaks: "9"},
		{name: "NO_SIGNATURE", title: "requests without an owner's signature", breaks: "13"},
		{name: "NO_SIGNED_EXPORTER", title: "the owner's signature does not cover the exporter: replay of a request", strands: 3, defines: []string{inits}, breaks: "13"},
	}
}

// spare is a countermeasure that others back up: none can do without it, once its
// companions are out too.
type spare struct {
	attack
	companions []string
}

// spares returns what may go alone. Of an attack, name is what goes last.
func spares() []spare {
	return []spare{
		{attack{name: "NO_ROLE_FIELD", title: "the role alone, where keys and hellos are in order", breaks: "3"}, []string{"NO_SPKI", "NO_HELLO"}},
		{attack{name: "NO_PURPOSE_FIELD", title: "the purpose in the binding, where the hellos are bound", breaks: "4"}, []string{"NO_HELLO"}},
		{attack{name: "NO_NONCE", title: "nonces, where the exporter is bound: replay", strands: 3, breaks: "14"}, []string{"NO_EXPORTER", joins}},
		{attack{name: "NO_SELF_CHECK", title: "the refusal of a peer with one's own key", breaks: "3"}, []string{"NO_HELLO", "NO_ROLE_FIELD"}},
		{attack{name: "NO_SIGNED_KEY", title: "the server's key in an owner's signature, where the exporter is in it", strands: 3, breaks: "15"}, []string{"NO_SIGNED_EXPORTER", admins}},
		{attack{name: "NO_SIGNED_PURPOSE", title: "the purpose in an owner's signature", strands: 3, breaks: "16"}, []string{"NO_SIGNED_EXPORTER", "NO_SIGNED_KEY", restores}},
	}
}

// needs returns what the attacker must hold for some attacks: without it they
// are none. Each holds a countermeasure taken out, and what the attacker lacks.
func needs() [][]string {
	return [][]string{
		{"NO_EXPORTER", "NO_LEAKED_KEYS"},
		{"NO_SPKI", "NO_SESSION_SECRETS"},
		{"NO_HELLO", "NO_SESSION_SECRETS"},
		{"NO_PURPOSE", "NO_SESSION_SECRETS"},
		{"NO_AK_NAME", "NO_SESSION_SECRETS"},
	}
}
