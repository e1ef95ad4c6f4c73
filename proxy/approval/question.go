// Package approval keeps the calls that wait for a person's yes or no, and what
// was answered. All of it is in memory: a program that starts anew asks anew.
package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"lockbox/proxy/audit"
)

// Bounds of what is kept.
const (
	MaxOpen         = 100              // questions without an answer
	MaxOpenOfCaller = 20               // of them, one caller's
	MaxWaiting      = 256              // calls that wait
	DenyTime        = 10 * time.Minute // for which a Deny answers the same call
	GrantTime       = time.Hour        // of an Hour
	maxAnswered     = 50               // answered questions that are listed
)

// Answer is what a person says to a question.
type Answer string

// The answers.
const (
	// Once lets one call pass: the one that waits, or the next that is the same.
	Once Answer = "once"
	// Hour lets all calls of the same Scope pass for GrantTime.
	Hour Answer = "hour"
	// Always says that a rule allows such calls from now on. It lets pass what waits
	// for the same method and path; the rule is somebody else's to write.
	Always Answer = "always"
	// Deny refuses what waits, and the same call for DenyTime.
	Deny Answer = "deny"
)

// Call is a call as it is asked about.
type Call struct {
	// Identity is the same for the same call only; see IdentityOf.
	Identity Identity `json:"-"`
	Caller   string   `json:"-"` // whose token it has; "" for none

	Service     string      `json:"service"`
	Listener    string      `json:"listener"`
	Remote      string      `json:"remote"`
	Audience    []string    `json:"audience,omitempty"`
	JTI         string      `json:"jti,omitempty"`
	Method      string      `json:"method"`
	Path        string      `json:"path"` // below the service, as it came, redacted like those below
	Query       string      `json:"query,omitempty"`
	ContentType string      `json:"content_type,omitempty"`
	Body        *audit.Body `json:"body,omitempty"`
	Rule        string      `json:"rule"` // that wants the question, in a line, its number first
	Note        string      `json:"note,omitempty"`
	WebSocket   bool        `json:"websocket,omitempty"`
}

// Question is what a person is asked about a call. Calls that are the same share
// one.
type Question struct {
	ID      string    `json:"id"`
	Asked   time.Time `json:"asked"` // when the first of its calls came
	Waiting int       `json:"waiting"`
	// Since and Until are when the last of its calls began to wait, and gives up.
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Expires time.Time `json:"expires"` // then it is forgotten
	Call

	Answer   Answer    `json:"answer,omitempty"` // "": none yet
	By       string    `json:"by,omitempty"`     // who gave it
	Answered time.Time `json:"answered,omitzero"`
}

// Open reports whether there is no answer yet.
func (q *Question) Open() bool { return q.Answer == "" }

// Identity tells calls apart.
type Identity [sha256.Size]byte

// IdentityOf is the identity of a call: all that makes two of them the same.
func IdentityOf(service, caller, method, path, query, contentType string, body []byte) Identity {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(service), []byte(caller), []byte(method), []byte(path), []byte(query), []byte(contentType), body} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	return Identity(h.Sum(nil))
}

// scope is what an answer for an hour covers: the calls of one caller, with one
// method, that one rule asks about.
type scope struct{ service, caller, method, rule string }

func (c *Call) scope() scope {
	_, rule, _ := strings.Cut(c.Rule, " ") // less its number, which others before it change
	return scope{c.Service, c.Caller, c.Method, rule}
}

// like reports whether a rule for c would allow o.
func (c *Call) like(o *Call) bool {
	return c.Service == o.Service && c.Method == o.Method && c.Path == o.Path && (c.Caller == o.Caller || sameAudience(c.Audience, o.Audience))
}

func sameAudience(a, b []string) bool {
	return len(a) > 0 && len(b) > 0 && a[0] == b[0]
}

// Why an answer was not taken.
var (
	ErrUnknown  = errors.New("there is no such question: it may have been too long without an answer")
	ErrAnswered = errors.New("the question was answered already")
	ErrAnswer   = errors.New("that is no answer to a question")
)
