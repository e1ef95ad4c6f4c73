package audit

import (
	"net/http"
	"time"
)

// Decision is what Lockbox did with a call.
type Decision string

// The decisions.
const (
	Allowed Decision = "allowed" // forwarded, and answered by the upstream
	Refused Decision = "refused" // by Lockbox
	Failed  Decision = "failed"  // allowed, but the upstream or the caller broke off
	Noted   Decision = "noted"   // no call: something that Lockbox itself did or met, see Event
)

// BodyLimit is how much of a body is captured where nothing else is said, in bytes.
const BodyLimit = 64 << 10

// Exchange is one call through Lockbox, from request to response.
type Exchange struct {
	ID       string        `json:"id"`  // given by Log.Append: a UUIDv7, so that IDs sort by time
	Seq      int64         `json:"seq"` // given by Log.Append: the place in the chain, from 1
	Time     time.Time     `json:"time"`
	Service  string        `json:"service,omitempty"`
	Method   string        `json:"method"`
	Path     string        `json:"path"`
	Query    string        `json:"query,omitempty"`
	Status   int           `json:"status"`
	Duration time.Duration `json:"duration_ns"`
	BytesIn  int64         `json:"bytes_in"`
	BytesOut int64         `json:"bytes_out"`
	Audience string        `json:"audience,omitempty"`
	JTI      string        `json:"jti,omitempty"`
	Listener string        `json:"listener"`
	Remote   string        `json:"remote"`
	Decision Decision      `json:"decision"`
	// Reason is a problem's code and its sentence: "token_expired: …".
	Reason string `json:"reason,omitempty"`
	// Rule is the one of the service's that decided, its number first: "2 deny /admin/**".
	Rule string `json:"rule,omitempty"`
	// Event is what a record is about that is of no call: "gap", "tunnel_opened".
	Event string `json:"event,omitempty"`
	// Drift is what was new about the use of the token: "network,user_agent,hour".
	Drift string `json:"drift,omitempty"`
	// ReplayOf is the ID of the exchange that this one repeats, on a person's wish.
	ReplayOf       string      `json:"replay_of,omitempty"`
	RequestHeader  http.Header `json:"request_header,omitempty"`
	ResponseHeader http.Header `json:"response_header,omitempty"`
	RequestBody    *Body       `json:"request_body,omitempty"`
	ResponseBody   *Body       `json:"response_body,omitempty"`

	requestHeader, responseHeader []byte // encoded already, in the place of those above
}

// SetHeaders gives x its headers as Shown encodes them; they are in none of its
// fields then.
func (x *Exchange) SetHeaders(request, response []byte) {
	x.requestHeader, x.responseHeader = request, response
}

// Body is what was captured of a body, unpacked and redacted.
type Body struct {
	Text      string `json:"text,omitempty"`
	Base64    []byte `json:"base64,omitempty"` // where it is no text
	Size      int64  `json:"size"`             // as it was sent
	SHA256    string `json:"sha256,omitempty"` // of all of it as it was sent, in hex, where it is more than is kept
	Truncated bool   `json:"truncated,omitempty"`
	Note      string `json:"note,omitempty"` // why there is less than could be expected
}
