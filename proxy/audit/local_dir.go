package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// queueLength is how many exchanges wait to be written before calls wait too.
const queueLength = 1024

// LocalDir writes the files of the Python original:
// ROOT/SERVICE/YYYY-MM-DD/HH-MM-SS-UUID.json, an event each, in UTC.
type LocalDir struct {
	root   *os.Root
	logger *slog.Logger
	mu     sync.RWMutex // held for writing by Close alone
	queue  chan Exchange
	done   chan struct{}
}

// OpenLocalDir makes root where it is missing. Nothing is written outside it.
func OpenLocalDir(root string, logger *slog.Logger) (*LocalDir, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("audit_log.root_dir cannot be made: %w", err)
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("audit_log.root_dir cannot be opened: %w", err)
	}
	d := &LocalDir{root: r, logger: logger, queue: make(chan Exchange, queueLength), done: make(chan struct{})}
	if err := d.probe(); err != nil {
		return nil, errors.Join(fmt.Errorf("audit_log.root_dir cannot be written: %w", err), r.Close())
	}
	go d.run(d.queue)
	return d, nil
}

func (d *LocalDir) probe() error {
	name := ".lockbox-" + uuid.NewString()
	f, err := d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), d.root.Remove(name))
}

// Write queues the events of an exchange. After Close it does nothing.
func (d *LocalDir) Write(x *Exchange) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.queue != nil {
		d.queue <- *x
	}
}

// Close writes what is queued and lets the directory go.
func (d *LocalDir) Close() error {
	d.mu.Lock()
	queue := d.queue
	d.queue = nil
	d.mu.Unlock()
	if queue == nil {
		return nil
	}
	close(queue)
	<-d.done
	return d.root.Close()
}

func (d *LocalDir) run(queue <-chan Exchange) {
	defer close(d.done)
	for x := range queue {
		for _, e := range events(&x) {
			if err := d.write(e); err != nil {
				d.logger.Error("an audit file was not written", "service", x.Service, "why", err)
			}
		}
	}
}

// event is a file's content, its keys in the original's order.
type event struct {
	TS          float64 `json:"ts"`
	EventName   string  `json:"event_name"`
	ServiceName string  `json:"service_name"`
	RequestID   string  `json:"request_id"`
	Payload     any     `json:"payload"`
	at          time.Time
}

// events are what the original would have written of an exchange.
func events(x *Exchange) []event {
	end := x.Time.Add(x.Duration)
	id := x.ID
	if id == "" {
		id = uuid.NewString()
	}
	make1 := func(at time.Time, name string, payload any) event {
		return event{float64(at.UnixMicro()) / 1e6, name, x.Service, id, payload, at.UTC()}
	}
	out := []event{make1(x.Time, "request_to_lockbox", map[string]any{"request": request(x)})}
	claims := map[string]any{"service_name": x.Service, "aud": x.Audience, "jti": x.JTI}
	if x.Audience == "" {
		claims = nil
	}
	switch {
	case x.Decision == Refused && x.Status == http.StatusUnauthorized:
		return append(out, make1(end, "lockbox_auth_failure", map[string]any{"error": x.Reason, "service_token_payload": claims}))
	case x.Decision == Refused:
		return append(out, make1(end, "lockbox_internal_error", map[string]any{"error": x.Reason}))
	}
	if claims != nil {
		out = append(out, make1(x.Time, "lockbox_auth_success", map[string]any{"service_token_payload": claims}))
	}
	if x.Decision == Failed {
		return append(out, make1(end, "lockbox_internal_error", map[string]any{"error": x.Reason}))
	}
	return append(out, make1(end, "response_from_service", map[string]any{"response": map[string]any{
		"status_code": x.Status, "headers": flat(x.ResponseHeader), "data": data(x.ResponseBody),
	}}))
}

func request(x *Exchange) map[string]any {
	r := map[string]any{
		"method": x.Method, "path": x.Path,
		"args": firsts(x.Query), "headers": flat(x.RequestHeader),
		"data": data(x.RequestBody), "form": map[string]string{},
	}
	if isForm(x.RequestHeader) && x.RequestBody != nil {
		r["form"], r["data"] = firsts(x.RequestBody.Text), ""
	}
	return r
}

// flat joins repeated headers, as RFC 9110, section 5.3 allows.
func flat(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for name, values := range h {
		out[name] = strings.Join(values, ", ")
	}
	return out
}

// firsts keeps the first value of a parameter, as the original did.
func firsts(query string) map[string]string {
	values, _ := url.ParseQuery(query) // what cannot be read is left out
	out := make(map[string]string, len(values))
	for name, v := range values {
		out[name] = v[0]
	}
	return out
}

func data(b *Body) any {
	switch {
	case b == nil:
		return ""
	case b.Note != "":
		return b.Note
	case b.Base64 != nil:
		return map[string]any{"base64": b.Base64}
	}
	return b.Text
}

// write makes the event's file. A service whose name is no single path segment
// gets none.
func (d *LocalDir) write(e event) error {
	if e.ServiceName == "" || strings.ContainsAny(e.ServiceName, `/\`) || e.ServiceName == "." || e.ServiceName == ".." {
		return errors.New("the service's name makes no folder")
	}
	text, err := json.MarshalIndent(e, "", "    ")
	if err != nil {
		return err
	}
	dir := path.Join(e.ServiceName, e.at.Format("2006-01-02"))
	if err := d.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := path.Join(dir, e.at.Format("15-04-05")+"-"+uuid.NewString()+".json")
	f, err := d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
