// Command simulation lets small worlds of nodes, owners and attackers live under a
// virtual clock, and checks what must always be so. docs/simulation.md says what
// is in such a world and how to read its story.
package main
