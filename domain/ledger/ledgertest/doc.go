// Package ledgertest makes ledgers for tests: complete, signed, and the same
// whenever they are made.
package ledgertest
