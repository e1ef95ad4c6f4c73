package proxy

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/drift"
	"lockbox/proxy/register"
	"lockbox/proxy/token"
)

// driftLab is a lab with a list of tokens and their habits.
type driftLab struct {
	*lab
	list   *register.Register
	habits *drift.Tracker
	public string

	mu   sync.Mutex
	told []Drifted
}

const homeAddress = "198.51.100.7"

func newDriftLab(t testing.TB, text string) *driftLab {
	t.Helper()
	d := &driftLab{habits: drift.Open(filepath.Join(t.TempDir(), "drift.jsonl"), slog.New(slog.DiscardHandler))}
	t.Cleanup(func() {
		if err := d.habits.Close(); err != nil {
			t.Error(err)
		}
	})
	d.lab = newLab(t, text, registered(t, &d.list), func(l *lab) {
		l.opts.Habits = d.habits
		l.opts.OnDrift = func(x Drifted) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.told = append(d.told, x)
		}
	})
	d.public = "http://" + opened(t, d.lab)
	return d
}

// learnt makes a token that was used for two weeks, at this hour, by a program from
// this computer and from home.
func (d *driftLab) learnt(t testing.TB, service string) (raw, id string) {
	t.Helper()
	v, c, err := token.Issue(labKey, service, "x", time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.list.Add("", c); err != nil {
		t.Fatal(err)
	}
	for day := range 14 {
		for _, remote := range []string{"127.0.0.1:1", homeAddress} {
			at := time.Now().AddDate(0, 0, day-14)
			d.habits.Of(c.JTI).See(drift.Call{At: at, Remote: remote, Agent: "Zapier/1.0"})
		}
	}
	return v.Reveal(), c.JTI
}

// call calls from here, or with a from on the public side.
func (d *driftLab) call(t testing.TB, service, raw, agent, from string) reply {
	t.Helper()
	url, headers := d.url, []string{"Authorization", "Bearer " + raw, "User-Agent", agent}
	if from != "" {
		url, headers = d.public, append(headers, "X-Forwarded-For", from)
	}
	return get(t, url+"/s/"+service+"/x", headers...)
}

func TestDrift(t *testing.T) {
	up := echo(t)
	d := newDriftLab(t, services(
		"mark", shut(up.URL, public), "notify", shut(up.URL, public, `"drift": "notify"`),
		"pause", shut(up.URL, public, `"drift": "pause"`), "off", shut(up.URL, public, `"drift": "off"`)))
	for _, service := range []string{"mark", "notify", "pause", "off"} {
		for _, tt := range []struct {
			name, agent, from, news string
		}{
			{"as ever, from here", "Zapier/1.0", "", ""},
			{"as ever, from home", "Zapier/1.1", homeAddress, ""},
			{"from home, by another address", "Zapier/1.1", "198.51.100.200", ""},
			{"another program, from here", "curl/8.5", "", "user_agent"},
			{"another program, from home", "curl/8.5", homeAddress, "user_agent"},
			{"another network", "Zapier/1.0", "203.0.113.9", "network"},
			{"a thief", "python-requests/2", "2001:db8::1", "network,user_agent"},
		} {
			raw, id := d.learnt(t, service)
			d.told = nil
			strange := tt.news != "" && service != "off"
			wantDrift, wantStatus, wantAgain := tt.news, http.StatusOK, http.StatusOK
			if !strange {
				wantDrift = ""
			}
			reason, againReason := "", ""
			if strange && service == "pause" {
				wantStatus, wantAgain = http.StatusForbidden, http.StatusForbidden
				if tt.from != "" {
					wantStatus = http.StatusUnauthorized
				}
				reason, againReason = "token_paused", "token_paused"
			}
			for _, step := range []struct {
				what          string
				agent, from   string
				status        int
				drift, reason string
			}{
				{"first", tt.agent, tt.from, wantStatus, wantDrift, reason},
				{"the same again", tt.agent, tt.from, wantStatus, "", againReason},
				{"as ever, after it", "Zapier/1.0", "", wantAgain, "", againReason},
			} {
				r := d.call(t, service, raw, step.agent, step.from)
				x := d.exchanges(t)[0]
				code, _, _ := strings.Cut(x.Reason, ":")
				if r.status != step.status || x.Status != step.status || x.Drift != step.drift || x.JTI != id || code != step.reason {
					t.Errorf("%s, %s, %s: %d; the record has %d, drift %q, reason %q; want %d, %q, %q", service, tt.name, step.what, r.status, x.Status, x.Drift, x.Reason, step.status, step.drift, step.reason)
				}
				if r.status == http.StatusForbidden && (r.header.Get("X-Lockbox-Error") != "token_paused" || !strings.Contains(r.body, "used in a new way")) {
					t.Errorf("%s, %s: the answer is %+v", service, tt.name, r)
				}
			}
			info, _ := d.list.Get(id)
			if strange != (len(info.Sights) == 1) || strange != (len(d.told) == 1) {
				t.Errorf("%s, %s: in the list %+v, told %+v", service, tt.name, info.Sights, d.told)
				continue
			}
			if strange && (info.Sights[0].News.String() != tt.news || d.told[0].ID != id || d.told[0].Choice != config.Drift(service) || d.told[0].Sight != info.Sights[0]) {
				t.Errorf("%s, %s: in the list %+v, told %+v", service, tt.name, info.Sights, d.told)
			}
			if paused := !info.Paused.IsZero(); paused != (strange && service == "pause") {
				t.Errorf("%s, %s: paused %v", service, tt.name, paused)
			}
		}
	}
}

// TestDriftAccepted: what the owner accepts passes, on either side, and nothing
// else does.
func TestDriftAccepted(t *testing.T) {
	d := newDriftLab(t, `{"drift": "pause", `+strings.TrimPrefix(services("e", shut(echo(t).URL, public)), "{"))
	for _, from := range []string{"", "203.0.113.9"} {
		raw, id := d.learnt(t, "e")
		first := d.call(t, "e", raw, "curl/8.5", from)
		if err := d.list.Accept(id, time.Now()); err != nil {
			t.Fatal(err)
		}
		if r := d.call(t, "e", raw, "curl/8.6", from); first.status < 400 || r.status != http.StatusOK {
			t.Errorf("from %q: %d, then accepted %+v", from, first.status, r)
		}
		if r := d.call(t, "e", raw, "wget/1", from); r.status < 400 {
			t.Errorf("from %q, another: %+v", from, r)
		}
		if err := d.list.Accept(id, time.Now()); err != nil {
			t.Fatal(err)
		}
		if r := d.call(t, "e", raw, "Zapier/1", from); r.status != http.StatusOK {
			t.Errorf("from %q, as ever: %+v", from, r)
		}
	}
	// A program that cannot be written down: the owner is not asked for ever.
	raw, id := d.learnt(t, "e")
	secretive := raw[len(raw)-20:] + "x"
	d.call(t, "e", raw, secretive, "")
	info, _ := d.list.Get(id)
	if len(info.Sights) != 1 || info.Paused.IsZero() {
		t.Fatalf("%q: %+v", secretive, info)
	}
	if err := d.list.Accept(id, time.Now()); err != nil {
		t.Fatal(err)
	}
	if r := d.call(t, "e", raw, secretive, ""); r.status != http.StatusOK {
		t.Errorf("accepted: %+v", r)
	}
}

// TestDriftSecrets: a key that is sent as the User-Agent comes into no list.
func TestDriftSecrets(t *testing.T) {
	d := newDriftLab(t, services("e", shut(echo(t).URL, `"credential": {"token": "swordfish"}`)))
	raw, id := d.learnt(t, "e")
	d.call(t, "e", raw, "swordfish/1.0", "")
	if info, _ := d.list.Get(id); len(info.Sights) != 1 || info.Sights[0].Program != "" {
		t.Errorf("in the list: %+v", info.Sights)
	}
	if strings.Contains(d.said.String(), "swordfish") {
		t.Error("the log has it")
	}
}

// TestDriftLane: a call with nothing new about it stays in the lane, while the token
// is learnt and after; a strange one is carried by net/http, once.
func TestDriftLane(t *testing.T) {
	var calls []string
	var mu sync.Mutex
	up := upstreamOf(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, r.Header.Get("User-Agent"))
	})
	d := newDriftLab(t, services("e", shut(up.URL)))
	raw, _ := d.learnt(t, "e")
	young := d.token(t, "e")
	own := &http.Client{Transport: &http.Transport{MaxIdleConns: 1}}
	t.Cleanup(own.CloseIdleConnections)
	lane := func(tt int64) int64 { // that are there at last
		for end := time.Now().Add(time.Minute); d.callers.Load() != tt && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		return d.callers.Load()
	}
	for i, tt := range []struct {
		token, agent string
		lane         int64
	}{
		{young, "a", 1}, {young, "b", 1}, {raw, "Zapier/1.0", 1}, {raw, "Zapier/2.0", 1}, {raw, "curl/8.5", 0},
	} {
		res, err := own.Do(request(t, "GET", d.url+"/s/e/x", nil, "Authorization", "Bearer "+tt.token, "User-Agent", tt.agent))
		if err != nil {
			t.Fatal(err)
		}
		if finish(res).status != http.StatusOK || !withoutLane && lanes && lane(tt.lane) != tt.lane {
			t.Errorf("call %d: %d, %d connections in the lane, want %d", i, res.StatusCode, d.callers.Load(), tt.lane)
		}
	}
	if want := []string{"a", "b", "Zapier/1.0", "Zapier/2.0", "curl/8.5"}; !slices.Equal(calls, want) {
		t.Errorf("the upstream got %v, want %v", calls, want)
	}
	if n := d.log.Count(); n != 5 {
		t.Errorf("%d records", n)
	}
}

// TestDriftFound: marked calls are found in the log, by what was new too.
func TestDriftFound(t *testing.T) {
	d := newDriftLab(t, services("e", shut(echo(t).URL, public)))
	raw, _ := d.learnt(t, "e")
	d.call(t, "e", raw, "Zapier/1", homeAddress)
	d.call(t, "e", raw, "curl/8", homeAddress)
	d.call(t, "e", raw, "curl/8", "203.0.113.9")
	for words, want := range map[string]int64{"drift:yes": 2, "drift:network": 1, "drift:user_agent": 1, "drift:hour": 0, "drift:yes service:e": 2, "drift:hour drift:network": 1, "": 3} {
		q, err := audit.ParseQuery(words, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := d.log.Matches(t.Context(), q); n != want || err != nil {
			t.Errorf("%q: %d found, %v; want %d", words, n, err, want)
		}
	}
	if v, err := d.log.Verify(t.Context(), func(int64, int64) {}); err != nil || !v.OK() {
		t.Errorf("verify: %+v, %v", v, err)
	}
}
