/*
 * The handshake of attested TLS, and an attacker who owns the network.
 *
 * A strand is one end of one session at an honest party. Each strand runs the
 * frame table of attested TLS; what it receives, the attacker chose. It may
 * choose whatever it can make: there is no channel, and no message is stored.
 * What it can make follows from what honest strands have sent so far (they are
 * records of their own sessions) and from what it owns:
 *
 *   - the network: every session ends at the attacker, or joins two honest
 *     strands while the attacker holds the session's secrets, so that it alters
 *     every frame there and answers for the client's certificate;
 *   - a TLS key of its own, and the leaked TLS key of every honest process;
 *   - a genuine machine of another cluster ("foreign"), once a member of ours,
 *     whose services it runs: its attester signs any session as a member or a
 *     join service, and its registers bear the other cluster's mark;
 *   - a genuine TPM in a machine that booted something else ("hostile");
 *   - attestation keys in software;
 *   - the public verification endpoint of every member.
 *
 * Nonces, exporters and secrets of activation are ideal: each is the number of
 * the strand that made it. README.md beside this file says what is abstracted,
 * and lists the switches (-DNO_...) that take one countermeasure out each.
 */

#ifndef STRANDS
#define STRANDS 3 /* honest ends of sessions, 2 or 3 */
#endif
#ifndef ONLY
#define ONLY 0 /* the one claim to check; 0 checks all of them, 99 none */
#endif
#ifndef REACH
#define REACH nobody /* a purpose: its honest completion is then an error */
#endif

#ifndef CAST
#define CAST 1022 /* which of the parties 1 to 9 there may be, a bit each */
#endif
#define played(k) ((CAST >> k) & 1)

#define NOBODY 9 /* no strand: the attacker */
#define GENUINE 1 /* the fields of a hello as their sender wrote them */
#define ALTERED 2 /* anything else; of a statement: another owner's */

mtype = {
	nobody,
	/* roles */
	owner, joiner, locked, joinservice, member,
	/* purposes */
	init_, join, rejoin, recover_, attest, admin,
	/* TLS keys, one a process; a node's bootstrapper has the name of its machine */
	cli, service, attacker,
	/* machines; a TPM, its EK and its AK have the name of their machine */
	fresh, asleep, first, second, foreign, hostile, software
};

typedef Strand {
	/* Who it is. */
	bool client;
	mtype key;
	mtype machine;
	mtype role;
	/* What its session is, as it sees it. */
	mtype purpose;
	mtype meant;    /* the member that a client dials, where it knows its name */
	byte exporter;
	byte linked;    /* the strand at the other end, NOBODY if it is the attacker */
	mtype peerKey;
	mtype peerRole;
	byte nonce;     /* of the hello that it received */
	byte data;      /* the fields of that hello, the hash of the statement among them */
	/* What it has done. */
	bool greeted;   /* sent its hello */
	bool answered;  /* received the other's */
	bool attested;  /* sent evidence */
	byte proof;     /* whose challenge it answered: a strand's, or NOBODY's */
	mtype ek;       /* the identity that it challenged */
	mtype ak;
	bool proved;    /* accepted an activation proof */
	bool admitted;
	bool taken;     /* its evidence was admitted */
	bool requested; /* signed an owner's request */
};

Strand s[STRANDS];

/* ---- What evidence is bound to. Each line is a countermeasure. ---- */

#ifdef NO_EXPORTER
#define sameExporter(a, v) true
#else
#define sameExporter(a, v) (s[a].exporter == s[v].exporter)
#endif

#define keysInOrder(a, v) (s[a].key == s[v].peerKey && s[a].peerKey == s[v].key)
#define keysReflected(a, v) (s[a].key == s[v].key && s[a].peerKey == s[v].peerKey)
#ifdef NO_SPKI
#define sameKeys(a, v) true
#else
#ifdef NO_ROLE
#define sameKeys(a, v) (keysInOrder(a, v) || keysReflected(a, v))
#else
#define sameKeys(a, v) keysInOrder(a, v)
#endif
#endif

#if defined(NO_ROLE) || defined(NO_ROLE_FIELD)
#define sameRole(a, v) true
#else
#define sameRole(a, v) (s[a].role == s[v].peerRole)
#endif

#if defined(NO_PURPOSE) || defined(NO_PURPOSE_FIELD)
#define samePurpose(a, v) true
#else
#define samePurpose(a, v) (s[a].purpose == s[v].purpose)
#endif

#ifdef NO_PURPOSE
#define helloPurpose(a, v) true
#else
#define helloPurpose(a, v) (s[a].purpose == s[v].purpose)
#endif
#ifdef NO_NONCE
#define helloNonce(a, v) true
#else
#define helloNonce(a, v) (a == s[v].nonce && s[a].nonce == v)
#endif
#define hellosInOrder(a, v) (helloPurpose(a, v) && helloNonce(a, v) && s[a].role == s[v].peerRole && s[a].peerRole == s[v].role && s[v].data == GENUINE && s[a].data == GENUINE)
#define hellosReflected(a, v) (a == v)
#ifdef NO_HELLO
#define sameHellos(a, v) true
#else
#ifdef NO_ROLE
#define sameHellos(a, v) (hellosInOrder(a, v) || hellosReflected(a, v))
#else
#define sameHellos(a, v) hellosInOrder(a, v)
#endif
#endif

/* The attester a computed, over its own session, what v computes over its own. */
#define sameBinding(a, v) (sameExporter(a, v) && sameKeys(a, v) && sameRole(a, v) && samePurpose(a, v) && sameHellos(a, v))

/* ---- What a verifier asks of the machine. ---- */

#define unmarked(v) (s[v].peerRole == joiner || s[v].peerRole == locked)
#define isMember(m) (m == first || m == second)

/* The statement of our owner names our cluster; an altered one, the foreign. */
#ifdef NO_STATEMENT
#define trusted(v) (s[v].data)
#else
#define trusted(v) GENUINE
#endif
#define takesStatement(v) (s[v].client && s[v].purpose != init_ && s[v].purpose != attest)

#ifdef NO_MARK
#define rightMark(m, v) true
#else
#define rightMark(m, v) ((unmarked(v) && (m == fresh || m == asleep)) || (!unmarked(v) && ((isMember(m) && (!takesStatement(v) || trusted(v) == GENUINE)) || (m == foreign && takesStatement(v) && trusted(v) == ALTERED))))
#endif

#ifdef NO_NAME
#define rightName(m, v) true
#else
#define rightName(m, v) (s[v].meant == nobody || s[v].meant == m)
#endif

/* The engine's CA certifies the AKs of members, and those of fresh and locked
 * machines may still have a certificate of it: who shows one is not challenged.
 * All others prove their AK by activation. */
#ifdef NO_CERTIFICATE
#define certified(m) true
#else
#define certified(m) (isMember(m) || m == foreign || m == fresh || m == asleep)
#endif
#ifdef NO_AK_PROOF
#define provenAK(m, v) true
#define mayProve(v) false
#else
#define mayProve(v) unmarked(v)
#ifdef NO_AK_MATCH
#define provenAK(m, v) (s[v].proved || certified(m))
#else
#define provenAK(m, v) ((s[v].proved && s[v].ak == m) || (!s[v].proved && certified(m)))
#endif
#endif

/* Evidence of the attester of strand a, of a machine of the attacker's, and of
 * the public endpoint, where all but the countermeasure itself is as wished. */
#define admitsStrand(a, v) (s[a].attested && sameBinding(a, v) && rightMark(s[a].machine, v) && provenAK(s[a].machine, v) && rightName(s[a].machine, v) && reaches(a, v))
#define admitsForeign(v) (mayForge(v) && !unmarked(v) && rightMark(foreign, v) && provenAK(foreign, v) && rightName(foreign, v))
#ifdef NO_REGISTERS
#define admitsHostile(v) (mayForge(v) && provenAK(hostile, v) && rightName(hostile, v))
#else
#define admitsHostile(v) false
#endif
#define admitsSoftware(v) (mayForge(v) && provenAK(software, v))
#ifdef NO_LABEL
#define admitsPublic(m, v) (mayForge(v) && rightMark(m, v) && provenAK(m, v) && rightName(m, v))
#else
#define admitsPublic(m, v) false
#endif

/* Without a session's secrets the attacker alters nothing between two strands. */
#ifdef NO_SESSION_SECRETS
#define mayForge(v) (s[v].linked == NOBODY)
#define reaches(a, v) (s[v].linked == NOBODY || s[v].linked == a)
#else
#define mayForge(v) true
#define reaches(a, v) true
#endif

/* ---- Activation. ---- */

/* The TPM of a opens the challenge of v: it is for its EK, and names its AK. */
#ifdef NO_AK_NAME
#define opens(a, v) (s[v].ek == s[a].machine && reaches(v, a))
#else
#define opens(a, v) (s[v].ek == s[a].machine && s[v].ak == s[a].machine && reaches(v, a))
#endif

#ifdef NO_ACTIVATION_BINDING
#define proves(a, v) (s[a].attested && s[a].proof == v && reaches(a, v))
#else
#define proves(a, v) (s[a].attested && s[a].proof == v && reaches(a, v) && sameBinding(a, v))
#endif

/* ---- Owners' requests. ---- */

#ifdef NO_SIGNED_EXPORTER
#define signedExporter(c, v) true
#else
#define signedExporter(c, v) (s[c].exporter == s[v].exporter)
#endif
#ifdef NO_SIGNED_KEY
#define signedKey(c, v) true
#else
#define signedKey(c, v) (s[c].peerKey == s[v].key)
#endif
#ifdef NO_SIGNED_PURPOSE
#define signedPurpose(c, v) true
#else
#define signedPurpose(c, v) (s[c].purpose == s[v].purpose)
#endif
#define signedFor(c, v) (s[c].requested && signedExporter(c, v) && signedKey(c, v) && signedPurpose(c, v) && reaches(c, v))

/* ---- What must hold. ---- */

#define claim(n, holds, text) \
	if \
	:: (ONLY == 0 || ONLY == n) && !(holds) -> printf(text); assert(false) \
	:: else \
	fi

/* Verifier v admits what strand a attested: both saw the same session, and a runs
 * on the right machine. */
inline claimAdmission(a, v) {
	claim(1, s[a].exporter == s[v].exporter, "BROKEN 1: the evidence was made in another TLS session\n");
	claim(2, keysInOrder(a, v), "BROKEN 2: the ends do not agree on their TLS keys\n");
	claim(3, a != v && s[a].role == s[v].peerRole && s[a].peerRole == s[v].role, "BROKEN 3: the ends do not agree on their roles\n");
	claim(4, s[a].purpose == s[v].purpose, "BROKEN 4: the ends do not agree on the purpose\n");
	claim(5, s[a].data == GENUINE && s[v].data == GENUINE, "BROKEN 5: a hello arrived altered\n");
	claim(6, unmarked(v) || isMember(s[a].machine), "BROKEN 6: the machine bears another mark\n");
	claim(7, s[v].meant == nobody || s[v].meant == s[a].machine, "BROKEN 7: the machine is not the one that was dialled\n");
	claim(8, !s[v].proved || (s[v].ek == s[a].machine && s[v].ak == s[a].machine), "BROKEN 8: the identity is another machine's\n");
	claim(14, !s[a].taken, "BROKEN 14: the evidence was admitted before\n")
}

/* Server v carries out what client c signed. */
inline claimRequest(c, v) {
	claim(13, s[c].admitted && s[c].exporter == s[v].exporter && s[v].peerKey == s[c].key, "BROKEN 13: no owner who admitted this session asked for it\n");
	claim(15, s[c].peerKey == s[v].key, "BROKEN 15: the owner asked another machine\n");
	claim(16, s[c].purpose == s[v].purpose, "BROKEN 16: the owner asked for another purpose\n")
}

/* ---- The frames. ---- */

#define needsActivation(i) (s[i].machine == fresh || s[i].machine == asleep)
#ifdef NO_STATEMENT
#define acceptsStatement(i) true
#else
#define acceptsStatement(i) (!takesStatement(i) || s[i].data == GENUINE)
#endif
#define clientAttests(i) (s[i].purpose == join || s[i].purpose == rejoin || s[i].purpose == attest)

/* A key that the attacker authenticates with. One of a process in another role
 * serves it no better than its own: the other end's evidence names it nowhere. */
#define mayLeak(j, i) (s[j].role == s[i].peerRole)
inline pickKey(i) {
	if
	:: s[i].peerKey = attacker
#ifdef NO_SELF_CHECK
	:: s[i].peerKey = s[i].key
#endif
#ifndef NO_LEAKED_KEYS
	:: mayLeak(0, i) -> s[i].peerKey = s[0].key
	:: mayLeak(1, i) -> s[i].peerKey = s[1].key
#if STRANDS > 2
	:: mayLeak(2, i) -> s[i].peerKey = s[2].key
#endif
#endif
	fi
}

/* What i receives as the other's hello: one that the attacker wrote itself, or one
 * that it has seen. It bears the role and purpose that i accepts, so that only
 * such a one can be repeated; with one byte altered it is the attacker's own. */
#define seen(j, i) (s[j].greeted && s[j].role == s[i].peerRole && helloPurpose(j, i))
inline receiveHello(i) {
	if
	:: mayForge(i) -> s[i].nonce = NOBODY; s[i].data = GENUINE
	:: mayForge(i) -> s[i].nonce = NOBODY; s[i].data = ALTERED
	:: reaches(0, i) && seen(0, i) -> s[i].nonce = 0; s[i].data = GENUINE
	:: reaches(1, i) && seen(1, i) -> s[i].nonce = 1; s[i].data = GENUINE
#if STRANDS > 2
	:: reaches(2, i) && seen(2, i) -> s[i].nonce = 2; s[i].data = GENUINE
#endif
	fi
}

/* Who serves the purpose of client i. */
inline expectServer(i) {
	if
	:: s[i].purpose == init_ -> s[i].peerRole = joiner
	:: s[i].purpose == recover_ -> s[i].peerRole = locked
	:: s[i].purpose == join || s[i].purpose == rejoin -> s[i].peerRole = joinservice
	:: s[i].purpose == attest || s[i].purpose == admin -> s[i].peerRole = member
	fi
}

/* TLS with the attacker as the server, and the client's hello. */
inline dialAttacker(i) {
	pickKey(i);
	s[i].exporter = i;
	s[i].greeted = true;
	printf("%d: %e dials for %e, and the attacker answers with the key of %e\n", i, s[i].key, s[i].purpose, s[i].peerKey)
}

/* TLS between client c and server i. The exporter covers the server's certificate
 * and not the client's, for which whoever holds the secrets may answer. */
#ifdef NO_SESSION_SECRETS
#define reachable(i, c) (s[c].client && !s[c].greeted && s[i].purpose == s[c].purpose && s[i].peerRole == s[c].role)
#else
#define reachable(i, c) (s[c].client && !s[c].greeted)
#endif
inline accept(i, c) {
	s[i].linked = c; s[c].linked = i;
	s[i].exporter = c; s[c].exporter = c;
	s[c].peerKey = s[i].key; s[c].greeted = true;
	if
	:: s[i].peerKey = s[c].key
#ifndef NO_SESSION_SECRETS
	:: pickKey(i)
#endif
	fi;
	printf("%d: %e dials for %e, and reaches %d, %e, which sees the key of %e\n", c, s[c].key, s[c].purpose, i, s[i].key, s[i].peerKey)
}

/* Frame 1 at the server: role and purpose, which must fit each other and it. */
inline receivePurpose(i) {
	if
	:: s[i].role == joiner -> s[i].purpose = init_; s[i].peerRole = owner
	:: s[i].role == locked -> s[i].purpose = recover_; s[i].peerRole = owner
	:: s[i].role == joinservice ->
		if
		:: s[i].purpose = join; s[i].peerRole = joiner
		:: s[i].purpose = rejoin; s[i].peerRole = locked
#ifdef NO_PURPOSE
		:: s[i].purpose = rejoin; s[i].peerRole = joiner
		:: s[i].purpose = join; s[i].peerRole = locked
#endif
		fi
	:: s[i].role == member ->
		if
		:: s[i].purpose = attest; s[i].peerRole = joinservice
		:: s[i].purpose = admin; s[i].peerRole = owner
#ifdef NO_PURPOSE
		:: s[i].purpose = admin; s[i].peerRole = joinservice
		:: s[i].purpose = attest; s[i].peerRole = owner
#endif
		fi
	fi
}
#define reachesMachine(m, i) (mayForge(i) || s[s[i].linked].machine == m)
/* Frames 3a and 6: an EK, and an AK that is said to live beside it. */
inline challengeIdentity(i) {
	if
	:: reachesMachine(fresh, i) -> s[i].ek = fresh
	:: reachesMachine(asleep, i) -> s[i].ek = asleep
	:: mayForge(i) -> s[i].ek = hostile
	fi;
	if
	:: s[i].ak = s[i].ek
	:: mayForge(i) && s[i].ek != hostile -> s[i].ak = software
	fi;
	printf("%d: %e challenges the AK of %e beside the EK of %e\n", i, s[i].key, s[i].ak, s[i].ek)
}

/* Frames 3b and 7 at the attester, and its evidence. Without a challenge, as its
 * AK has a certificate, it answers nobody's; so it does one of the attacker's. */
inline activateAndAttest(i) {
	if
	:: s[i].proof = NOBODY
	:: opens(i, 0) -> s[i].proof = 0
	:: opens(i, 1) -> s[i].proof = 1
#if STRANDS > 2
	:: opens(i, 2) -> s[i].proof = 2
#endif
	fi;
	s[i].attested = true;
	printf("%d: %e of %e attests, with the answer to a challenge of %d\n", i, s[i].key, s[i].machine, s[i].proof)
}

/* Frames 4 and 8 at the verifier: the activation proof. */
inline checkProof(i) {
	if
	:: s[i].ek == hostile && s[i].ak == hostile && mayForge(i) -> from = NOBODY
	:: proves(0, i) -> from = 0
	:: proves(1, i) -> from = 1
#if STRANDS > 2
	:: proves(2, i) -> from = 2
#endif
	fi;
	if
	:: from != NOBODY ->
		printf("%d: %e believes the activation by %d\n", i, s[i].key, from);
		claim(9, s[from].exporter == s[i].exporter && keysInOrder(from, i) && s[from].purpose == s[i].purpose, "BROKEN 9: the activation was for another session\n")
	:: else
	fi;
	from = NOBODY; s[i].proved = true
}

/* Frames 4 and 8 at the verifier: the evidence, from wherever. */
inline checkEvidence(i) {
	if
	:: admitsStrand(0, i) -> from = 0
	:: admitsStrand(1, i) -> from = 1
#if STRANDS > 2
	:: admitsStrand(2, i) -> from = 2
#endif
	:: admitsForeign(i) -> printf("%d: %e admits the foreign machine as %e\n", i, s[i].key, s[i].peerRole);
		claim(6, false, "BROKEN 6: the machine bears another mark\n")
	:: admitsHostile(i) -> printf("%d: %e admits the hostile machine as %e\n", i, s[i].key, s[i].peerRole);
		claim(10, false, "BROKEN 10: the machine booted something else\n")
	:: admitsSoftware(i) -> printf("%d: %e admits a key in software as %e\n", i, s[i].key, s[i].peerRole);
		claim(11, false, "BROKEN 11: no TPM made the evidence\n")
	:: admitsPublic(first, i) || admitsPublic(second, i) -> printf("%d: %e admits a public statement as evidence of %e\n", i, s[i].key, s[i].peerRole);
		claim(12, false, "BROKEN 12: the evidence was made for no session\n")
	fi;
	if
	:: from != NOBODY ->
		printf("%d: %e admits the %e of %d, of %e, for %e\n", i, s[i].key, s[i].peerRole, from, s[from].machine, s[i].purpose);
		claimAdmission(from, i);
		s[from].taken = true
	:: else
	fi;
	from = NOBODY; s[i].admitted = true
}

/* Frames 5 and 6, and what the client sends after them without being asked. */
inline proceed(i) {
	if
	:: !clientAttests(i) -> s[i].requested = true
	:: clientAttests(i) -> s[i].attested = !needsActivation(i)
	fi
}

/* After the handshake: a server carries out what an owner signed. */
inline checkRequest(i) {
	if
	:: signedFor(0, i) -> from = 0
	:: signedFor(1, i) -> from = 1
#if STRANDS > 2
	:: signedFor(2, i) -> from = 2
#endif
#ifdef NO_SIGNATURE
	:: mayForge(i) -> printf("%d: %e obeys the attacker\n", i, s[i].key);
		claim(13, false, "BROKEN 13: no owner who admitted this session asked for it\n")
#endif
	fi;
	if
	:: from != NOBODY ->
		printf("%d: %e obeys %d for %e\n", i, s[i].key, from, s[i].purpose);
		claimRequest(from, i)
	:: else
	fi;
	from = NOBODY
}

/* An honest session came to its end, and if the certificate of an AK is asked for,
 * nobody was challenged in it. Reachable, or the claims say nothing. */
#ifdef CERTIFIED
#define asWished(i) (!s[i].proved && !s[s[i].linked].proved)
#else
#define asWished(i) true
#endif
inline complete(i) {
	if
	:: s[i].purpose == REACH && s[i].linked != NOBODY && s[s[i].linked].admitted && asWished(i) -> printf("REACHED %e\n", s[i].purpose); assert(false)
	:: else
	fi
}

/* ---- The parties. ---- */

proctype Client(byte i) {
	byte from = NOBODY; /* whose message it accepts: used within one step */
	if
	:: atomic { !s[i].greeted -> expectServer(i); dialAttacker(i) };
		atomic { true -> receiveHello(i) }
	:: atomic { s[i].greeted -> expectServer(i); receiveHello(i) }
	fi;
	if
	:: atomic { acceptsStatement(i) && mayProve(i) -> challengeIdentity(i) };
		atomic { true -> checkProof(i); checkEvidence(i); proceed(i) }
	:: atomic { acceptsStatement(i) -> checkEvidence(i); proceed(i) }
	fi;
	atomic { clientAttests(i) && needsActivation(i) -> activateAndAttest(i) }
}

proctype Server(byte i) {
	byte from = NOBODY;
	atomic { /* TLS, frames 1 and 2 */
		receivePurpose(i);
		if
		:: pickKey(i); s[i].exporter = i; printf("%d: the attacker dials %e with the key of %e\n", i, s[i].key, s[i].peerKey)
		:: reachable(i, 0) -> accept(i, 0)
		:: reachable(i, 1) -> accept(i, 1)
#if STRANDS > 2
		:: reachable(i, 2) -> accept(i, 2)
#endif
		fi;
		receiveHello(i);
		printf("%d: %e hears of a %e for %e\n", i, s[i].key, s[i].peerRole, s[i].purpose);
		s[i].greeted = true;
		s[i].attested = !needsActivation(i)
	};
	if
	:: atomic { needsActivation(i) -> activateAndAttest(i) };
		atomic { true -> checkRequest(i); complete(i) }
	:: atomic { s[i].purpose == admin -> checkRequest(i); complete(i) }
	:: atomic { clientAttests(i) && mayProve(i) -> challengeIdentity(i) };
		atomic { true -> checkProof(i); checkEvidence(i); complete(i) }
	:: atomic { clientAttests(i) -> checkEvidence(i); complete(i) }
	fi
}

inline be(i, isClient, itsKey, itsMachine, itsRole) {
	s[i].client = isClient; s[i].key = itsKey; s[i].machine = itsMachine; s[i].role = itsRole
}

inline mean(i) {
	if
	:: s[i].meant = first
	:: s[i].meant = second
	fi
}

/* Which honest strands there are: in order, as their numbers mean nothing. */
inline cast(i, least) {
	if
	:: least <= 1 && played(1) -> be(i, true, cli, nobody, owner); least = 1;
		if
		:: s[i].purpose = init_
		:: s[i].purpose = recover_
		:: s[i].purpose = admin; mean(i)
		fi
	:: least <= 2 && played(2) -> be(i, true, fresh, fresh, joiner); s[i].purpose = join; least = 2
	:: least <= 3 && played(3) -> be(i, true, asleep, asleep, locked); s[i].purpose = rejoin; least = 3
	:: least <= 4 && played(4) -> be(i, true, service, first, joinservice); s[i].purpose = attest; mean(i); least = 4
	:: least <= 5 && played(5) -> be(i, false, fresh, fresh, joiner); least = 5
	:: least <= 6 && played(6) -> be(i, false, asleep, asleep, locked); least = 6
	:: least <= 7 && played(7) -> be(i, false, service, first, joinservice); least = 7
	:: least <= 8 && played(8) -> be(i, false, first, first, member); least = 8
	:: least <= 9 && played(9) -> be(i, false, second, second, member); least = 9
	fi;
	s[i].meant = (s[i].meant == 0 -> nobody : s[i].meant);
	s[i].linked = NOBODY; s[i].exporter = NOBODY; s[i].proof = NOBODY;
	if
	:: s[i].client -> run Client(i)
	:: else -> run Server(i)
	fi
}

init {
	byte least;
	atomic {
		cast(0, least);
		cast(1, least);
#if STRANDS > 2
		cast(2, least);
#endif
		least = 0
	}
}
