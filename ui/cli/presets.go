package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"lockbox/proxy/preset"
)

type presetsCmd struct {
	Words []string `arg:"" optional:"" help:"What to look for, such as gpt or mail; without it all are listed."`
	JSON  bool     `name:"json" help:"As JSON, each with its service as the config file takes it."`
}

// Run prints the APIs that Lockbox knows how to set up.
func (c presetsCmd) Run(t Terminal) error {
	found := preset.Find(strings.Join(c.Words, " "))
	if c.JSON {
		if found == nil {
			found = []*preset.Preset{}
		}
		e := json.NewEncoder(t.Out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(found)
	}
	if len(found) == 0 {
		t.say("No API like that is known. Any API can be a service: give it a base_url and a credential in the config file.")
		return nil
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tNAME\tBASE URL\tCREDENTIAL\tWHERE THE KEY IS")
	for _, p := range found {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.ID, p.Name, p.Template(), p.Credential().Type, p.KeyURL(nil))
	}
	return w.Flush()
}
