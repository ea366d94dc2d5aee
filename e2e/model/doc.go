// Package model runs the model of attested TLS that is in docs/model: Spin
// searches every state of the handshake under an attacker who owns the network.
//
// Its tests hold the model to four things. With every countermeasure in place no
// claim is broken, and the search was complete. Each purpose has an honest run
// that ends admitted, or the claims would say nothing. With one countermeasure
// taken out its attack appears. And what is there twice is so: each spare part
// may go alone, and not together with its companions.
//
// Without Spin or gcc the tests are skipped, but not in continuous integration (CI
// is set), nor where tools/setup.sh has installed what other tests need.
//
// The attacks are written to docs/model/attacks.md by `go test ./e2e/model -update`.
package model
