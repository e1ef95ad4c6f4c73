//go:build race

package guard

// rounds are of a hundred answers each; the race detector makes them slow.
const rounds = 25
