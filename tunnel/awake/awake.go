// Package awake keeps the computer from falling asleep while someone has to be
// reached on it. A person can still send it to sleep: by its menu, or by its lid.
package awake

import "time"

// holdTime is how long the system may take to agree.
const holdTime = 5 * time.Second

// who asks, as the system shows it.
const who = "Lockbox"
