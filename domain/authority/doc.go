// Package authority holds what the owner, and those to whom the owner delegated,
// have said about a cluster, in the one order in which they said it.
//
// What was said is a Directive: a new cluster statement, a policy, an approval, a
// denial, a freeze. It travels as a SignedDirective, beside the signatures and
// the document that it is about. Directives form a chain, and an Authority is the
// fold of the chain from its beginning: Begin knows nothing but who the owner is,
// and Apply returns the next Authority, or says why the directive is refused and
// leaves everything as it was. Statements are the owner's alone. Everything else
// may be said by the owner or by one administrator whom the newest statement
// names; who is no longer named has nothing to say.
//
// A store that holds directives is not believed: it can leave out none, change
// none and put none in another place, and that it holds the end back is seen by
// whoever remembers a later Head.
package authority
