//go:build race

package ui

// slowed is how much longer things take with the race detector.
const slowed = 10
