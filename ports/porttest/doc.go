// Package porttest is the contract of each port as code: one suite a port, which
// every adapter of it passes. A suite knows no technology. Its fixture says what
// it has to know of the thing under test, and makes a fresh one for each test.
package porttest
