package proxy

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"lockbox/proxy/audit"
)

// reloadTimeout bounds a reload by the API, which may wait for a keychain.
const reloadTimeout = 30 * time.Second

// admin answers /admin/reload, and 404 to anything else there.
func (s *Server) admin(w http.ResponseWriter, r *http.Request, path string, st *state, rec *record) {
	if path != "/admin/reload" || r.Method != http.MethodPost {
		rec.refuse(w, errNotFound)
		return
	}
	if st == nil {
		rec.refuse(w, errNoConfig) // its keys are not known either
		return
	}
	claims, p := st.authorizeAdmin(r.Header, time.Now())
	rec.known(nil, claims)
	if p != nil {
		rec.refuse(w, p)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), reloadTimeout)
	defer cancel()
	status, decision, reason := http.StatusOK, audit.Allowed, ""
	answer := struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"ok", "Configuration reloaded successfully"}
	if _, err := s.Reload(ctx); err != nil {
		s.log.Error("the config was not reloaded, the old one goes on", "why", err)
		status, decision, reason = http.StatusInternalServerError, audit.Failed, "reload_failed: The config was not reloaded, the old one goes on."
		answer.Status, answer.Message = "error", err.Error()
		w.Header().Set("X-Lockbox-Error", "reload_failed")
	}
	body, err := json.Marshal(answer)
	if err != nil { // two strings: cannot be
		rec.refuse(w, errInternal)
		return
	}
	if err := rec.finish(status, decision, reason); err != nil {
		errRecord.write(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the caller may be gone
}
