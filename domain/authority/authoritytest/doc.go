// Package authoritytest speaks for an owner in tests and simulations: it signs
// statements, policies, approvals and denials that a real Authority accepts, with
// keys that are computed from a seed, so that the same calls give the same bytes.
//
//	author := authoritytest.New(t, authoritytest.Config{})
//	a := author.Begin()
//	a, err := a.Apply(author.Statement())
//	a, err = a.Apply(author.Policy())
//	a, err = a.Apply(author.By("platform").Approve(authoritytest.Machine("w1"), join.Worker))
//
// Its keys are public knowledge and protect nothing.
package authoritytest
