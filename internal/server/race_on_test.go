//go:build race

package server

// underRace: the race detector is on, and everything takes ten times as long.
const underRace = true
