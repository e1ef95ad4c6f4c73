package proxy

import (
	"fmt"
	"net/http"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/drift"
	"lockbox/proxy/register"
)

// Drifted is a token whose use was new in some way.
type Drifted struct {
	ID     string // in the list of tokens
	Sight  drift.Sight
	Choice config.Drift // of the service's
}

// habitOf is how a token of the list was used so far, with what its owner has
// accepted of it; nil if nothing is learnt.
func (st *state) habitOf(e *register.Entry) *drift.Habit {
	h := st.habits.Of(e.ID())
	if s, ok := st.register.Accepted(e); ok && h != nil {
		h.Accept(s)
	}
	return h
}

// use is a call as its token's habit looks at it.
func (c *record) use() drift.Call {
	agent := ""
	if values := c.in["User-Agent"]; len(values) > 0 {
		agent = values[0]
	}
	return drift.Call{At: c.began, Remote: c.x.Remote, Agent: agent}
}

// strange reports whether a call is unlike those that were made so far with its
// token. The lane carries no such call.
func (c *record) strange(rt *route) bool {
	return c.habit != nil && rt.drift != config.DriftOff && c.habit.See(c.use()) != 0
}

// watch marks a strange call, or has its token paused and refuses it.
func (s *Server) watch(rt *route, rec *record) *problem {
	if rec.habit == nil || rt.drift == config.DriftOff {
		return nil
	}
	pause, use := rt.drift == config.DriftPause, rec.use()
	news := rec.habit.See(use)
	if news != 0 && !pause {
		news = rec.habit.Learn(use) // nothing, if another call was faster
	}
	if news == 0 {
		return nil
	}
	sight := use.Sight(news, rec.harmless)
	rec.drifted(news)
	var p *problem
	if pause {
		p = pausedProblem(sight)
		if err := s.opts.Register.Pause(rec.entry.ID(), sight); err != nil {
			s.log.Error("a token is paused, which cannot be written down: it may be good again after a restart", "id", rec.entry.ID(), "why", err)
		}
	} else {
		s.opts.Register.Note(rec.entry.ID(), sight)
	}
	s.log.Warn("a token is used in a new way", "id", rec.entry.ID(), "service", rt.service.Name, "new", sight.Words(), "paused", pause)
	if s.opts.OnDrift != nil {
		s.opts.OnDrift(Drifted{rec.entry.ID(), sight, rt.drift})
	}
	return p
}

// harmless reports whether a text has nothing secret in it, as far as is known.
func (c *record) harmless(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.redactorOf().Text(text) == text
}

// drifted notes what was new about the use of the token.
func (c *record) drifted(news drift.News) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.x.Drift = news.String()
}

func pausedProblem(s drift.Sight) *problem {
	return refuse(http.StatusForbidden, "token_paused", "Token paused",
		fmt.Sprintf("The token is paused, for it was used in a new way: %s (%s). Its owner can say that it was them, on Lockbox's Tokens page or with lockbox tokens resume, or revoke it.", s.Words(), s.At.UTC().Format(time.RFC3339)))
}
