package main

// The story that docs/simulation.md shows.
const (
	storySeed  = 115
	storyNodes = 4
)
