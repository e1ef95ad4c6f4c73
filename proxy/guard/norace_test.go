//go:build !race

package guard

// rounds are of a hundred answers each.
const rounds = 100
