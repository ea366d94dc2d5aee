// Package layout says under which of etcd's keys the engine's items are, and reads
// such keys back. It takes nothing for an item that it would not have written.
package layout
