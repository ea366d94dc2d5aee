// Package etcdtest starts the store for tests: members in this process, or
// Debian's etcd as a second opinion. It all lies in memory and listens on loopback
// addresses.
package etcdtest
