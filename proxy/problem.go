package proxy

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// problem is a refusal by Lockbox itself: a problem document of RFC 9457 with
// our code. Its texts go to the caller, so they hold nothing of a token, a key
// or an upstream's error.
type problem struct {
	status int
	code   string
	title  string
	detail string      // what happened and what to do next, one sentence or two
	fields http.Header // more of the answer's header
}

// Error makes a problem usable as an error, for Test.
func (p *problem) Error() string { return p.detail }

// reason is the problem as the audit log has it.
func (p *problem) reason() string { return p.code + ": " + p.detail }

func refuse(status int, code, title, detail string) *problem {
	return &problem{status: status, code: code, title: title, detail: detail}
}

// The problems that say the same every time. Those that name a service or a
// reason are made where they occur.
var (
	errNotFound   = refuse(http.StatusNotFound, "not_found", "Not found", "There is nothing here. Services are at /s/{service}/.")
	errPaused     = refuse(http.StatusServiceUnavailable, "paused", "Paused", "Lockbox is paused. Its owner can resume it from the tray or the window.")
	errNoConfig   = refuse(http.StatusServiceUnavailable, "no_config", "No configuration", "Lockbox has no valid configuration yet. Its window, or lockbox check, says what is wrong.")
	errTarget     = refuse(http.StatusBadRequest, "bad_target", "Bad request target", "The request target must be a path that begins with one slash.")
	errPath       = refuse(http.StatusBadRequest, "bad_path", "Bad path", "The path holds .., a backslash, an empty first segment or the like, plain or encoded, which could lead out of the service.")
	errMethod     = refuse(http.StatusMethodNotAllowed, "method_not_allowed", "Method not allowed", "TRACE and TRACK would show the credential in the answer.")
	errConnect    = refuse(http.StatusBadRequest, "bad_method", "Bad method", "Lockbox is not a forward proxy: call /s/{service}/ instead of using CONNECT.")
	errHost       = refuse(http.StatusMisdirectedRequest, "wrong_host", "Misdirected request", "The Host header names another host. Call Lockbox by its address, such as 127.0.0.1 or localhost.")
	errCrossSite  = refuse(http.StatusForbidden, "cross_site", "Cross-site request", "Another site's page, or a browser on its behalf, may not call Lockbox.")
	errTokenInURL = refuse(http.StatusBadRequest, "token_in_url", "Service token in the address", "A service token stands in the path or the query, where the upstream would see it. Send it in a header, or have Lockbox's owner allow it there: token_in_query for ?lockbox_token=, token_in_path for /s/{service}/{token}/.")
	errBody       = refuse(http.StatusBadRequest, "bad_body", "Bad request body", "The request's body was malformed, too slow or cut short.")
	errRecord     = refuse(http.StatusInternalServerError, "audit_failed", "Audit log failed", "The call could not be recorded, so its answer is held back. The upstream may have carried it out.")
	errNoRecord   = refuse(http.StatusServiceUnavailable, "audit_unavailable", "Audit log unavailable", "Calls cannot be recorded at the moment, so none is made. The owner finds the reason in Lockbox's log.")
	errInternal   = refuse(http.StatusInternalServerError, "internal", "Internal error", "Lockbox failed. Its log says more.")
)

// dontWait has an answer go out that needs no body: net/http's server would hold
// it back until up to 256 KB of one have come, for as long as the caller likes.
// A body that is late ends the connection. Where there is none, the server watches
// for the caller to leave, and would take the deadline for that: every call that
// follows on the connection would begin cancelled.
func dontWait(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	// Fails where there is no connection to be held.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
}

// wasLate ends what dontWait began: what is late of the body has ended the connection
// once the answer is out, and the time would be over while it waits for the next
// request.
func wasLate(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	deadlines := http.NewResponseController(w)
	_ = deadlines.Flush() // as above
	_ = deadlines.SetReadDeadline(time.Time{})
}

// write sends the problem. It is the one way in which Lockbox refuses.
func (p *problem) write(w http.ResponseWriter, r *http.Request) {
	dontWait(w, r)
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Code   string `json:"code"`
	}{"urn:lockbox:problem:" + p.code, p.title, p.status, p.detail, p.code})
	if err != nil { // strings and an int: cannot be
		body = nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Lockbox-Error", p.code)
	switch {
	case p.status == http.StatusUnauthorized && (p.code == codeTokenMissing || p.code == errUnauthorized.code):
		// RFC 6750, section 3.1: no error code where there was no token.
		h.Set("WWW-Authenticate", `Bearer realm="lockbox"`)
	case p.status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="lockbox", error="invalid_token", error_description="`+p.title+`"`)
	case p.code == errConnect.code:
		// What follows a CONNECT is no request: never read it as one.
		h.Set("Connection", "close")
	case p.code == errMethod.code:
		h.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	maps.Copy(h, p.fields)
	w.WriteHeader(p.status)
	_, _ = w.Write(append(body, '\n')) // the caller may be gone
	wasLate(w, r)
}
