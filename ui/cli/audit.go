package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lockbox/proxy/config"
	"lockbox/ui/backend"
)

type auditCmd struct {
	List   auditListCmd   `cmd:"" help:"List calls, the newest first."`
	Show   auditShowCmd   `cmd:"" help:"Show a call, with headers and bodies."`
	Export auditExportCmd `cmd:"" help:"Write calls as JSON Lines, CSV or HAR."`
	Verify auditVerifyCmd `cmd:"" help:"Find what was altered, taken out or put in since it was recorded. Exit code 1 if anything was."`
	Tail   auditTailCmd   `cmd:"" help:"Show the newest calls last, and those to come."`
}

// auditFilter says which records a command is about.
type auditFilter struct {
	Words []string `arg:"" optional:"" name:"query" help:"Words that all have to be in the path, the headers or the bodies, and filters as one types them in the window: service:github status:5xx since:1h."`

	Service  []string `sep:"none" placeholder:"NAME" help:"To this service; may be given several times, as may those below."`
	Method   []string `sep:"none" placeholder:"GET" help:"With this method."`
	Status   []string `sep:"none" placeholder:"404|5xx" help:"Answered with this status, or class of them."`
	Listener []string `sep:"none" placeholder:"local|public" help:"That came in here; replay and test for calls of the window's own."`
	Audience []string `sep:"none" placeholder:"WHO" help:"With a token for this audience."`
	Decision []string `sep:"none" placeholder:"allowed|refused|failed" help:"Of which this became."`
	Drift    []string `sep:"none" placeholder:"yes|network|user_agent|hour" help:"With a token that was used in a new way, or in this one."`
	Token    string   `placeholder:"ID" help:"With this token, by its id in lockbox tokens list."`
	Since    string   `placeholder:"TIME" help:"From then on: 2026-01-31, 2026-01-31T15:04:05Z, or a while back such as 90m, 24h, 7d."`
	Until    string   `placeholder:"TIME" help:"Before then."`
	Search   []string `sep:"none" placeholder:"WORDS" help:"With these words, whatever they look like."`
}

// AfterApply refuses what cannot be asked for as wrong usage.
func (c auditFilter) AfterApply() error {
	_, err := c.query()
	return err
}

func (c auditFilter) query() (backend.Query, error) {
	terms := slices.Clone(c.Words)
	for i, t := range terms {
		// The shell has taken the quotes away that a value with spaces needs.
		word, value, ok := strings.Cut(t, ":")
		if ok && slices.Contains(backend.FilterWords, word) && strings.ContainsAny(value, " \t") && !strings.HasPrefix(value, `"`) {
			terms[i] = word + ":" + strconv.Quote(value)
		}
	}
	q, err := backend.ParseQuery(strings.Join(terms, " "))
	if err != nil {
		return q, err
	}
	for _, f := range []struct {
		word   string
		values []string
	}{
		{"service", c.Service}, {"method", c.Method}, {"status", c.Status}, {"listener", c.Listener}, {"audience", c.Audience},
		{"decision", c.Decision}, {"drift", c.Drift}, {"token", given(c.Token)}, {"since", given(c.Since)}, {"until", given(c.Until)},
	} {
		for _, v := range f.values {
			if err := backend.AddFilter(&q, f.word, v); err != nil {
				return q, fmt.Errorf("--%w", err)
			}
		}
	}
	q.Text = strings.Join(strings.Fields(strings.Join(append([]string{q.Text}, c.Search...), " ")), " ")
	return q, nil
}

// given is a flag that can be given once, as a list.
func given(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// read opens the audit log for f, until the person interrupts; twice, if f does not
// heed it.
func read(t Terminal, f func(ctx context.Context, o backend.Options, l *backend.AuditLog) error) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	o := place{}.options(t)
	l, err := backend.OpenAudit(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return f(ctx, o, l)
}

type auditListCmd struct {
	auditFilter
	Limit int  `default:"100" placeholder:"N" help:"How many at most."`
	JSON  bool `name:"json" help:"As JSON Lines, without headers and bodies."`
}

// AfterApply refuses a limit that is none.
func (c auditListCmd) AfterApply() error {
	return errors.Join(c.auditFilter.AfterApply(), checkLimit(c.Limit))
}

func checkLimit(n int) error {
	if n < 1 {
		return errors.New("--limit: must be 1 or more")
	}
	return nil
}

// Run prints the list.
func (c auditListCmd) Run(t Terminal) error {
	return read(t, func(_ context.Context, _ backend.Options, l *backend.AuditLog) error {
		q, err := c.query()
		if err != nil {
			return err
		}
		q.Limit = c.Limit
		xs, err := l.List(q)
		if err != nil {
			return err
		}
		if len(xs) == 0 {
			t.say("There are no such calls on record.")
		}
		if n := l.Unsearched(); n > 0 && !q.IsZero() {
			t.say("%d calls are not indexed yet and were not searched: try again in a while.", n)
		}
		return newAuditTable(t, c.JSON).print(xs)
	})
}

type auditExportCmd struct {
	auditFilter
	Format string `enum:"jsonl,csv,har" default:"jsonl" placeholder:"jsonl|csv|har" help:"jsonl has all of each record; csv leaves headers and bodies out; har is for browsers' tools. Without it jsonl."`
	Output string `short:"o" type:"path" placeholder:"FILE" help:"File to write, whole or not at all; without it stdout."`
	Limit  int    `placeholder:"N" help:"How many at most, the newest; without it all."`
}

// Run writes the records.
func (c auditExportCmd) Run(t Terminal) error {
	return read(t, func(ctx context.Context, o backend.Options, l *backend.AuditLog) error {
		q, err := c.query()
		if err != nil {
			return err
		}
		q.Limit = c.Limit
		p := newProgress(t)
		write := func(w io.Writer) error {
			n, err := backend.ExportRecords(ctx, o, l, w, q, backend.ExportFormat(c.Format), p.show)
			p.end()
			if err == nil && c.Output != "" {
				t.say("%s: %s", c.Output, count(int(n), "record"))
			}
			return err
		}
		if c.Output == "" {
			return write(t.Out)
		}
		return config.ReplaceFileBy(c.Output, write)
	})
}

// progress says how far something is that takes long.
type progress struct {
	t        Terminal
	terminal bool
	next     time.Time
	said     bool
}

func newProgress(t Terminal) *progress {
	_, terminal := isTerminal(t.Err)
	return &progress{t: t, terminal: terminal, next: time.Now().Add(time.Second)}
}

// show says so once a while: in one place on a terminal, and line by line where
// they stay.
func (p *progress) show(done, total int64) {
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	line := fmt.Sprintf("%d of %s (%d%%)", done, count(int(total), "record"), done*100/max(total, 1))
	if p.terminal {
		_, _ = fmt.Fprintf(p.t.Err, "\r%s\x1b[K", line)
		p.said, p.next = true, now.Add(100*time.Millisecond)
		return
	}
	p.t.say("%s", line)
	p.next = now.Add(5 * time.Second)
}

func (p *progress) end() {
	if p.said {
		_, _ = fmt.Fprint(p.t.Err, "\r\x1b[K")
	}
}

// jsonLine writes a record as a line of JSON.
func jsonLine(t Terminal, x *backend.Exchange) error { return json.NewEncoder(t.Out).Encode(x) }
