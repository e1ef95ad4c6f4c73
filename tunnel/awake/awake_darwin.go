package awake

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// Hold keeps the computer awake until release is called. It asks caffeinate, which
// ends with this program at the latest.
func Hold(_ context.Context, _ string) (release func() error, err error) {
	c := exec.Command("/usr/bin/caffeinate", "-i", "-s", "-w", strconv.Itoa(os.Getpid()))
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("caffeinate does not keep this computer awake: %w", err)
	}
	return func() error {
		err := c.Process.Kill()
		_ = c.Wait() // it was killed
		return err
	}, nil
}
