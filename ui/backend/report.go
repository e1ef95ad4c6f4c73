package backend

import (
	"fmt"
	"maps"
	"slices"

	"lockbox/proxy"
)

// mostSaid bounds what is said of one kind at a load: a locked vault concerns
// every service, of thousands too.
const mostSaid = 50

// fewer are the first warnings, with the number of the others.
func fewer(warnings []string) []string {
	if len(warnings) <= mostSaid {
		return warnings
	}
	return append(slices.Clone(warnings[:mostSaid]), fmt.Sprintf("and %d more warnings", len(warnings)-mostSaid))
}

// say has the log know what a load found.
func (b *Backend) say(report proxy.Report) {
	for _, w := range fewer(report.Warnings) {
		b.opts.Logger.Warn(w)
	}
	if b.server.Locked() {
		return // that explains it all
	}
	for i, service := range slices.Sorted(maps.Keys(report.Unavailable)) {
		if i == mostSaid {
			b.opts.Logger.Warn("and more services cannot be served", "services", len(report.Unavailable)-i)
			break
		}
		b.opts.Logger.Warn("a service cannot be served", "service", service, "why", report.Unavailable[service])
	}
	if report.KeyProblem != "" {
		b.opts.Logger.Warn("service tokens cannot be checked", "why", report.KeyProblem)
	}
}
