// Load has many honest machines join while hostile clients do what they can to stop
// them, and says what it cost.
//
// It starts one JoinService as a process of its own, and machines that are software
// TPMs. The honest clients make real evidence and hold whole joins. The hostile
// ones need no TPM: they drip bytes, announce frames that never come or are too
// large, say nothing before or after TLS, send garbage in both places, and stall
// within their evidence. The program fails if one honest join does, or if the
// server has used more memory than it may.
//
//	go run ./e2e/load -handshakes 1000 -hostile 100 -clients 16
package main
