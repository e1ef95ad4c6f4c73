package ngroktest

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"golang.ngrok.com/muxado/v2"
)

// The types of streams: what the one that opens it asks for.
const (
	auth       muxado.StreamType = 0
	bind       muxado.StreamType = 1
	unbind     muxado.StreamType = 2
	proxy      muxado.StreamType = 3
	stopAgent  muxado.StreamType = 5
	srvInfo    muxado.StreamType = 8
	stopTunnel muxado.StreamType = 9
)

// session is an agent that is connected.
type session struct {
	edge *Edge
	conn net.Conn
	mux  *muxado.Heartbeat
	// opening keeps a stream's header next to its beginning: the agent takes one after
	// the other, and refuses those that come while 128 wait for a header.
	opening sync.Mutex

	mu   sync.Mutex
	good bool              // the authtoken was
	urls map[string]string // by the id of the endpoint
	made int
}

// serve talks with an agent until one of the two ends that.
func (e *Edge) serve(raw net.Conn, cert tls.Certificate) {
	conn := tls.Server(slow{raw, e}, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	defer func() { _ = raw.Close() }()
	if conn.HandshakeContext(e.ctx) != nil {
		return
	}
	s := &session{edge: e, conn: raw, urls: map[string]string{}}
	typed := muxado.NewTypedStreamSession(muxado.Server(conn, &muxado.Config{}))
	s.mux = muxado.NewHeartbeat(typed, func(time.Duration, bool) {}, muxado.NewHeartbeatConfig())
	defer func() { _ = s.mux.Close() }()
	e.mu.Lock()
	e.sessions[s] = struct{}{}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.sessions, s)
	}()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		stream, err := s.mux.AcceptTypedStream()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer func() { _ = stream.Close() }()
			s.answer(stream)
		})
	}
}

// answer answers one request of the agent.
func (s *session) answer(stream muxado.TypedStream) {
	var req struct {
		ID            string `json:"Id"`
		Proto         string
		ForwardsTo    string
		ForwardsProto string
		Opts          struct{ URL, TrafficPolicy string }
		Extra         struct {
			Authtoken, Cookie, UserAgent string
			Token, Metadata              string
			HeartbeatInterval            time.Duration
			HeartbeatTolerance           time.Duration
		}
	}
	if json.NewDecoder(stream).Decode(&req) != nil {
		return
	}
	var answer any = struct{}{}
	switch stream.StreamType() {
	case auth:
		a := Auth{Authtoken: req.Extra.Authtoken, Cookie: req.Extra.Cookie, UserAgent: req.Extra.UserAgent,
			Beat: req.Extra.HeartbeatInterval, BeatWait: req.Extra.HeartbeatTolerance}
		s.edge.authenticate(&a)
		s.mu.Lock()
		s.good = a.Refused == ""
		s.mu.Unlock()
		// No ClientId: with one the SDK makes its logger anew, which its heartbeats use
		// at the same time.
		answer = map[string]any{"Version": "3", "ClientId": "", "Error": a.Refused, "Extra": map[string]any{
			"Region": "lo", "Cookie": "cookie", "AccountName": "Ann", "PlanName": "Free", "AgentSessionID": "ts_1",
		}}
		if life := s.edge.Rules().Lifetime; life > 0 {
			timer := time.AfterFunc(life, func() { _ = s.conn.Close() })
			s.edge.wg.Go(func() { <-s.edge.ctx.Done(); timer.Stop() })
		}
	case bind:
		b := Bind{URL: req.Opts.URL, ForwardsTo: req.ForwardsTo, Metadata: req.Extra.Metadata, TrafficPolicy: req.Opts.TrafficPolicy}
		token := s.edge.bind(&b, req.Extra.Token)
		id := req.ID
		if b.Refused == "" {
			id = s.bound(id, b.URL)
		}
		answer = map[string]any{"Id": id, "URL": b.URL, "Proto": req.Proto, "Opts": map[string]string{"URL": b.URL, "TrafficPolicy": b.TrafficPolicy}, "Error": b.Refused,
			"Extra": map[string]string{"Token": token, "TunnelID": "tn_1"}}
	case unbind:
		s.unbind(req.ID)
	case srvInfo:
		answer = map[string]string{"Region": "lo"}
	}
	_ = json.NewEncoder(stream).Encode(answer) // the agent may be gone
}

// authenticate judges a session.
func (e *Edge) authenticate(a *Auth) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.rules.AuthError != "":
		a.Refused = e.rules.AuthError
	case a.Beat < e.rules.LeastBeat:
		a.Refused = Refusal(fmt.Sprintf("The heartbeat interval you specified is not valid.\nIt must be at least %v, you specified %v", e.rules.LeastBeat, a.Beat), 111)
	case a.BeatWait < e.rules.LeastBeat:
		a.Refused = Refusal(fmt.Sprintf("The heartbeat tolerance you specified is not valid.\nIt must be at least %v, you specified %v", e.rules.LeastBeat, a.BeatWait), 112)
	case a.Authtoken != e.rules.Authtoken:
		// ngrok repeats the token too.
		a.Refused = Refusal("The authtoken you specified is properly formed, but it is invalid.\nYour authtoken: "+a.Authtoken, 107)
	}
	e.auths = append(e.auths, *a)
}

// bind judges an endpoint and finds its URL. It returns the token by which the
// agent gets the same again.
func (e *Edge) bind(b *Bind, token string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { e.binds = append(e.binds, *b) }()
	_, b.Again = e.tokens[token]
	if e.rules.BindError != "" {
		b.Refused = e.rules.BindError
		return ""
	}
	if e.rules.PolicyError != "" && b.TrafficPolicy != "" {
		b.Refused = e.rules.PolicyError
		return ""
	}
	if b.Again {
		b.URL = e.tokens[token]
		return token
	}
	owned := b.URL == ""
	if b.URL == "" {
		if len(e.rules.Domains) > 0 {
			b.URL = "https://" + e.rules.Domains[0]
		} else {
			e.named++
			b.URL = fmt.Sprintf("https://random-%d.ngrok.test", e.named)
		}
	}
	for _, d := range e.rules.Domains {
		owned = owned || b.URL == "https://"+d
	}
	if !owned {
		b.Refused = Refusal("This domain is reserved for another account.\nFailed to bind the domain '"+b.URL+"' for the account 'Ann'.", 320)
		return ""
	}
	token = fmt.Sprintf("bind-%d", len(e.binds))
	e.tokens[token] = b.URL
	return token
}

// Refusal is an error's text as ngrok has it.
func Refusal(text string, code int) string {
	return fmt.Sprintf("%s\r\n\r\nERR_NGROK_%d\r\n", text, code)
}

func (s *session) bound(id, address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" {
		s.made++
		id = fmt.Sprintf("endpoint-%p-%d", s, s.made)
	}
	s.urls[id] = address
	return id
}

func (s *session) unbind(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.urls, id)
}

// endpoints are the session's URLs by their ids.
func (s *session) endpoints() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for id, u := range s.urls {
		all[id] = u
	}
	return all
}

// request asks something of the agent, and does not wait for what it says.
func (s *session) request(what muxado.StreamType, v any) {
	if stream, err := s.mux.OpenTypedStream(what); err == nil {
		_ = json.NewEncoder(stream).Encode(v)
	}
}

// endpoint is the session that has bound a host, and the endpoint's id there.
func (e *Edge) endpoint(host string) (*session, string) {
	for _, s := range e.connected() {
		for id, raw := range s.endpoints() {
			if u, err := url.Parse(raw); err == nil && u.Host == host {
				return s, id
			}
		}
	}
	return nil, ""
}
