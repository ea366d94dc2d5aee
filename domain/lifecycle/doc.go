// Package lifecycle is the life of a node as a pure state machine, from power-on
// to membership and its end.
//
// Step takes the State of a node and an Event, and returns the next State and the
// Effects to carry out, in order. The bootstrapper is the loop around it: it feeds
// events in, one at a time, and reports what became of the effects as further
// events. What does not belong to a state is refused and changes nothing.
//
// Three rules carry the rest. The mark is the point of no return: before it an
// error brings the node back to waiting, after it only a reboot does. Secrets are
// used and stored only once the mark is reported to be there. And the seal is the
// one commitment: a disk without it is nobody's, and a disk with it is written by
// members only, or wiped because its owner said so. So power may be lost between
// any two effects, and what lies on the disk says how to go on.
//
// docs/lifecycle.md is drawn from this code.
package lifecycle
