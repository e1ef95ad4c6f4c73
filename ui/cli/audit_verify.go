package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

type auditVerifyCmd struct {
	JSON bool `name:"json" help:"The verdict as JSON."`
}

// errTampered ends a verify that found something, which was said already.
var errTampered = errors.New("the audit log is not what was recorded")

// Run reads the whole log and follows its chain.
func (c auditVerifyCmd) Run(t Terminal) error {
	return read(t, func(ctx context.Context, o backend.Options, l *backend.AuditLog) error {
		key, err := backend.AuditKey(ctx, o)
		if err != nil {
			_, _ = fmt.Fprintf(t.Err, "Signatures are not checked, as their key cannot be read (%v). Whoever rewrote the whole log would go unnoticed.\n", err)
			key = secret.Value{}
		}
		p := newProgress(t)
		v, err := l.VerifyWith(ctx, key, p.show)
		p.end()
		if err != nil {
			return err
		}
		if c.JSON {
			if err := json.NewEncoder(t.Out).Encode(v); err != nil {
				return err
			}
		} else {
			_, _ = fmt.Fprintln(t.Out, strings.Join(v.Lines(), "\n"))
		}
		if !v.OK() {
			return errTampered
		}
		return nil
	})
}
