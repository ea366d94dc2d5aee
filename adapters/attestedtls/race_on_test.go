//go:build race

package attestedtls_test

// shadow is how many bytes of memory stand for one: the detector keeps its own.
const shadow = 2
