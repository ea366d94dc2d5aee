// Package e2e will hold clusters of real parts: processes first, then virtual
// machines with a TPM, then Kubernetes. It uses everything through public entry
// points only, and nothing imports it.
//
// There is no service to start yet. The command line, the one program that
// exists, is tested through its own entry point in apps/asterism.
package e2e
