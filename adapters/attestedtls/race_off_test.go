//go:build !race

package attestedtls_test

// shadow is how many bytes of memory stand for one.
const shadow = 1
