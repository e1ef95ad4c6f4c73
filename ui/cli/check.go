package cli

import (
	"errors"

	"lockbox/proxy/config"
)

type checkCmd struct {
	File string `arg:"" optional:"" type:"path" help:"Config file; without it the one that lockbox serve would read."`
}

// Run prints each problem and each warning on a line of stdout, and fails when
// there is a problem.
func (c checkCmd) Run(t Terminal) error {
	path := c.File
	if path == "" {
		path = place{}.options(t).ConfigPath
	}
	cfg, err := config.Load(path)
	var problems config.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			if err := t.answer("%v", p); err != nil {
				return err
			}
		}
		t.say("%s: %s; Lockbox would not load it", path, count(len(problems), "problem"))
		return errSaid
	}
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		if err := t.answer("warning: %v", w); err != nil {
			return err
		}
	}
	t.say("%s: %s, %s", path, count(len(cfg.Services), "service"), count(len(cfg.Warnings), "warning"))
	return nil
}
