package tunnel

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
	"lockbox/tunnel/ngroktest"
)

// within is how soon what is wrong has to be seen.
const within = 10 * time.Second

func TestTroubles(t *testing.T) {
	page := httptest.NewServer(http.NotFoundHandler()) // a login page
	t.Cleanup(page.Close)
	refuse := func(text string, code int) func(*ngroktest.Rules) {
		return func(r *ngroktest.Rules) { r.AuthError = ngroktest.Refusal(text, code) }
	}
	rules := func(change func(*ngroktest.Rules)) func(*testing.T, *lab) {
		return func(_ *testing.T, l *lab) { l.edge.Set(change) }
	}
	well := rules(func(r *ngroktest.Rules) { *r = ngroktest.Rules{Authtoken: goodToken} })
	for _, tt := range []struct {
		name    string
		request Request
		options func(*Options)
		wrong   func(*testing.T, *lab)
		phase   Phase
		title   string
		code    string
		mend    func(*testing.T, *lab) // nil: it takes another Open
	}{
		{name: "a wrong authtoken", request: Request{Authtoken: secret.New("a-wrong-token")},
			phase: Closed, title: "The authtoken is not valid", code: "ERR_NGROK_107"},
		{name: "no authtoken at all", wrong: rules(refuse("The authtoken you specified does not look like a proper ngrok authtoken.\nYour authtoken: "+goodToken, 105)),
			phase: Closed, title: "This is no authtoken", code: "ERR_NGROK_105"},
		{name: "a suspended account", wrong: rules(refuse("suspended", 103)), phase: Closed, title: "The ngrok account is suspended", code: "ERR_NGROK_103"},
		{name: "another's domain", request: Request{Domain: "theirs.ngrok.test"},
			phase: Closed, title: "The domain is another account's", code: "ERR_NGROK_320"},
		{name: "session limit", wrong: rules(refuse("Your account is limited to 1 simultaneous ngrok agent session.", 108)),
			phase: Lost, title: "Too many agents are connected", code: "ERR_NGROK_108", mend: well},
		{name: "address in use", wrong: rules(func(r *ngroktest.Rules) { r.BindError = ngroktest.Refusal("The endpoint is already online.", 334) }),
			phase: Lost, title: "The public address is in use", code: "ERR_NGROK_334", mend: well},
		{name: "an unknown refusal", wrong: rules(refuse("No, "+goodToken+".", 99999)), phase: Lost, title: "ngrok refuses", code: "ERR_NGROK_99999", mend: well},
		{name: "edge down", wrong: func(_ *testing.T, l *lab) { l.edge.Down() }, phase: Lost, title: "ngrok's edge takes no connections", mend: func(t *testing.T, l *lab) {
			if err := l.edge.Up(); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "DNS failure", options: func(o *Options) { o.Edge = "edge.invalid:443" }, phase: Lost, title: "ngrok's address cannot be looked up"},
		{name: "another CA", wrong: impostor(true), phase: Lost, title: "Someone else answers for ngrok", mend: impostor(false)},
		{name: "a login page", options: func(o *Options) { o.Edge = strings.TrimPrefix(page.URL, "http://") }, phase: Lost, title: "Something else answers in ngrok's place"},
		{name: "no answer", wrong: rules(func(r *ngroktest.Rules) { r.Stalled = true }), phase: Lost, title: "ngrok does not answer", mend: well},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var change []func(*Options)
			if tt.options != nil {
				change = append(change, tt.options)
			}
			l := newLab(t, ngroktest.Rules{}, nil, change...)
			if tt.wrong != nil {
				tt.wrong(t, l)
			}
			l.open(t, tt.request)
			s, took := l.await(t, tt.name, func(s State) bool { return !s.Trouble.IsZero() })
			if s.Phase != tt.phase || s.Trouble.Title != tt.title || s.Trouble.Code != tt.code || took > within {
				t.Errorf("after %v: %s, %q %q, want %s, %q %q", took, s.Phase, s.Trouble.Title, s.Trouble.Code, tt.phase, tt.title, tt.code)
			}
			if text := s.Trouble.String(); strings.Contains(text, goodToken) || strings.Contains(text, "a-wrong-token") {
				t.Errorf("the words hold the authtoken: %s", text)
			}
			t.Logf("%v: %s", took.Round(time.Millisecond), s.Trouble)
			if s.Phase == Closed {
				asked := len(l.edge.Auths())
				time.Sleep(1500 * time.Millisecond) // the SDK would have tried again
				if now := len(l.edge.Auths()); asked != 1 || now != 1 {
					t.Errorf("%d and then %d sessions were asked for, want one", asked, now)
				}
				if err := l.Open(Request{Authtoken: secret.New(goodToken)}); err != nil {
					t.Errorf("it cannot be opened again: %v", err)
				}
			}
			if tt.mend == nil {
				return
			}
			if tt.name == "another CA" && len(l.edge.Auths()) > 0 {
				t.Error("the impostor was told the authtoken")
			}
			tt.mend(t, l)
			if s, _ := l.await(t, "open", isOpen); !s.Trouble.IsZero() || s.URL == "" {
				t.Errorf("mended: %+v", s)
			}
			if status, _ := l.get(t, "", "/"); status != 200 {
				t.Errorf("a call: %d", status)
			}
		})
	}
}

func impostor(on bool) func(*testing.T, *lab) {
	return func(t *testing.T, l *lab) {
		if err := l.edge.Impostor(on); err != nil {
			t.Fatal(err)
		}
	}
}

// An open tunnel that is lost says so within seconds, and comes back.
func TestLost(t *testing.T) {
	for _, tt := range []struct {
		name        string
		lose, again func(*testing.T, *lab)
		title       string
	}{
		{"dropped", func(_ *testing.T, l *lab) { l.edge.Drop() }, func(*testing.T, *lab) {}, "The connection to ngrok is lost"},
		{"edge gone", func(_ *testing.T, l *lab) { l.edge.Down() }, func(t *testing.T, l *lab) {
			l.await(t, "the refusal", func(s State) bool { return s.Trouble == refused && !s.Retry.IsZero() })
			time.Sleep(5 * time.Second) // some attempts
			if n := l.State(); n.Phase != Lost {
				t.Errorf("in between: %+v", n)
			}
			if err := l.edge.Up(); err != nil {
				t.Fatal(err)
			}
		}, "The connection to ngrok is lost"},
		// The connection looks as it did.
		{"stalled", func(_ *testing.T, l *lab) { l.edge.Set(func(r *ngroktest.Rules) { r.Stalled = true }) }, func(_ *testing.T, l *lab) {
			l.edge.Set(func(r *ngroktest.Rules) { r.Stalled = false })
		}, "The connection to ngrok is lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, ngroktest.Rules{}, nil)
			l.beat = beat
			l.open(t, Request{})
			before, _ := l.await(t, "open", isOpen)
			tt.lose(t, l)
			s, took := l.await(t, "lost", func(s State) bool { return s.Phase == Lost })
			if s.Trouble.Title != tt.title || s.URL != before.URL || took > within {
				t.Errorf("after %v: %+v", took, s)
			}
			t.Logf("lost after %v", took)
			tt.again(t, l)
			if s, _ := l.await(t, "open again", isOpen); s.URL != before.URL || s.Former != "" || !s.Trouble.IsZero() {
				t.Errorf("again: %+v", s)
			}
			if status, _ := l.get(t, "", "/"); status != 200 {
				t.Errorf("a call: %d", status)
			}
		})
	}
}

// An edge that drops each session is not stormed.
func TestKeepsBreaking(t *testing.T) {
	l := newLab(t, ngroktest.Rules{Lifetime: 2 * time.Second}, nil)
	l.open(t, Request{})
	began := time.Now()
	s, took := l.await(t, "the words", func(s State) bool { return s.Trouble.Title == "The connection keeps breaking" })
	if s.Phase != Lost || took > within {
		t.Errorf("after %v: %+v", took, s)
	}
	l.await(t, "open in between", func(s State) bool { return s.Phase == Open && s.Trouble == keepsBreaking })
	l.await(t, "lost again", func(s State) bool { return s.Phase == Lost })
	// Sessions of two seconds, and waits of 1, 2, 4 …
	if n, most := len(l.edge.Dials()), 2+int(time.Since(began).Seconds()/3); n > most {
		t.Errorf("%d connections in %v, want at most %d", n, time.Since(began), most)
	}
	l.edge.Set(func(r *ngroktest.Rules) { r.Lifetime = 0 })
	l.await(t, "open", isOpen)
}

func TestAddressChanges(t *testing.T) {
	l := newLab(t, ngroktest.Rules{}, nil)
	l.open(t, Request{})
	before, _ := l.await(t, "open", isOpen)
	l.edge.Forget()
	l.edge.Drop()
	s, _ := l.await(t, "another address", func(s State) bool { return s.Phase == Open && s.URL != before.URL })
	if s.Former != before.URL || !strings.Contains(l.String(), "has changed") {
		t.Errorf("state %+v, said %s", s, l)
	}
	if status, _ := l.get(t, "", "/"); status != 200 {
		t.Errorf("a call: %d", status)
	}
}

func TestEndedElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name, title, code string
		end               func(*lab)
	}{
		{"agent stopped", "ngrok stopped the tunnel", "", func(l *lab) { l.edge.Stop() }},
		{"endpoint ended", "ngrok closed the public address", "", func(l *lab) { l.edge.End("Over.", "") }},
		{"endpoint ended by a known code", "The ngrok account is suspended", "ERR_NGROK_103", func(l *lab) { l.edge.End("Over.", "ERR_NGROK_103") }},
		{"endpoint ended by another code", "ngrok refuses", "ERR_NGROK_4444", func(l *lab) { l.edge.End("Over.", "ERR_NGROK_4444") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, ngroktest.Rules{}, nil)
			l.open(t, Request{})
			l.await(t, "open", isOpen)
			tt.end(l)
			s, took := l.await(t, "closed", func(s State) bool { return s.Phase == Closed })
			if s.Trouble.Title != tt.title || s.Trouble.Code != tt.code || took > within {
				t.Errorf("after %v: %+v", took, s)
			}
		})
	}
}

func TestClosesByItself(t *testing.T) {
	l := newLab(t, ngroktest.Rules{}, nil)
	l.open(t, Request{For: 2 * time.Second})
	if s, _ := l.await(t, "open", isOpen); time.Until(s.Until) > 2*time.Second || s.Until.IsZero() {
		t.Errorf("state %+v", s)
	}
	if s, _ := l.await(t, "closed", func(s State) bool { return s.Phase == Closed }); s.Trouble != timeUp {
		t.Errorf("state %+v", s)
	}
}

// Close is short whatever is going on.
func TestCloseWhileNotOpen(t *testing.T) {
	for name, wrong := range map[string]func(*lab){
		"at once": func(*lab) {},
		"down":    func(l *lab) { l.edge.Down() },
		"stalled": func(l *lab) { l.edge.Set(func(r *ngroktest.Rules) { r.Stalled = true }) },
		"refused": func(l *lab) { l.edge.Set(func(r *ngroktest.Rules) { r.AuthError = ngroktest.Refusal("full", 108) }) },
	} {
		for _, wait := range []time.Duration{0, 50 * time.Millisecond, 2 * time.Second} {
			t.Run(name+" "+wait.String(), func(t *testing.T) {
				l := newLab(t, ngroktest.Rules{}, nil)
				wrong(l)
				l.open(t, Request{})
				time.Sleep(wait)
				began := time.Now()
				l.Close("the test")
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
				if s := l.State(); s.Phase != Closed || !s.Trouble.IsZero() {
					t.Errorf("state %+v", s)
				}
			})
		}
	}
}

func TestDiagnose(t *testing.T) {
	for _, tt := range []struct {
		name    string
		wrong   func(*testing.T, *lab)
		options func(*Options)
		steps   int // the last of them is what fails, if there are fewer than 4
		want    string
	}{
		{"well", func(*testing.T, *lab) {}, func(*Options) {}, 4, "ngrok answers, region lo"},
		{"no name", func(*testing.T, *lab) {}, func(o *Options) { o.Edge = "edge.invalid:443" }, 1, "cannot be looked up"},
		{"down", func(_ *testing.T, l *lab) { l.edge.Down() }, func(*Options) {}, 2, "takes no connections"},
		{"another CA", impostor(true), func(*Options) {}, 3, "Someone else answers for ngrok"},
		{"ngrok's own CA", func(*testing.T, *lab) {}, func(o *Options) { o.EdgeCAs = nil }, 3, "Someone else answers for ngrok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, ngroktest.Rules{}, nil, tt.options)
			tt.wrong(t, l)
			steps := l.Diagnose(t.Context())
			last := steps[len(steps)-1]
			if len(steps) != tt.steps || !strings.Contains(last.Text, tt.want) || last.OK != (tt.steps == 4) {
				t.Errorf("steps %+v, want %d and %q", steps, tt.steps, tt.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name, token string
		wrong       func(*testing.T, *lab)
		want        string // in the error; "": none
	}{
		{"good", goodToken, nil, ""},
		{"wrong", "a-wrong-token", nil, "The authtoken is not valid"},
		{"another agent is connected", goodToken, func(_ *testing.T, l *lab) {
			l.edge.Set(func(r *ngroktest.Rules) { r.AuthError = ngroktest.Refusal("limited", 108) })
		}, ""},
		{"ngrok cannot be asked", goodToken, func(_ *testing.T, l *lab) { l.edge.Down() }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, ngroktest.Rules{}, nil)
			if tt.wrong != nil {
				tt.wrong(t, l)
			}
			err := l.Check(t.Context(), secret.New(tt.token))
			if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), tt.token)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if len(l.edge.Binds()) > 0 || l.State().Phase != Closed {
				t.Errorf("it opened something: %+v", l.State())
			}
		})
	}
}

func TestParseEdge(t *testing.T) {
	for in, want := range map[string]string{
		"edge.example:4443": "edge.example:4443", "edge.example": "edge.example:443", "https://edge.example": "edge.example:443",
		"tls://127.0.0.1:1/": "127.0.0.1:1", "[::1]:2": "[::1]:2", "::1": "[::1]:443",
		"": "", "https://edge.example/path": "", "a b": "", "user@edge": "", ":443": "",
	} {
		got, err := ParseEdge(in)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("ParseEdge(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestOpenWantsAnAuthtoken(t *testing.T) {
	if err := New(Options{}).Open(Request{}); err == nil || !strings.Contains(err.Error(), "dashboard.ngrok.com") {
		t.Errorf("without one: %v", err)
	}
}

func TestNetworkTrouble(t *testing.T) {
	if got := networkTrouble(&net.OpError{Op: "dial", Err: errors.New("x")}); got != dropped {
		t.Errorf("got %+v", got)
	}
}
