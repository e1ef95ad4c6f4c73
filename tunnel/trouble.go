package tunnel

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"

	"lockbox/proxy/secret"
)

// Trouble is what is wrong, in words: what happened and what to do next.
type Trouble struct {
	Title, Text string
	Code        string // ngrok's, such as ERR_NGROK_107; "" if it is not ngrok that says so
}

// IsZero reports whether nothing is wrong.
func (t Trouble) IsZero() bool { return t == Trouble{} }

// String is the whole in one line.
func (t Trouble) String() string {
	s := t.Title + ". " + t.Text
	if t.Code != "" {
		s += " (" + t.Code + ")"
	}
	return s
}

// verdict is what an error means.
type verdict struct {
	Trouble
	final  bool // it does not go away by itself
	domain bool // it is about the domain
}

const again = " Lockbox tries again by itself."

// What is wrong without ngrok's saying so.
var (
	noToken       = Trouble{Title: "There is no authtoken", Text: "Copy yours from dashboard.ngrok.com/get-started/your-authtoken and enter it."}
	timeUp        = Trouble{Title: "The time is up", Text: "The tunnel was opened for a while, which is over. Open it again when it is needed."}
	notServed     = Trouble{Title: "Calls cannot be served", Text: "Lockbox failed: its log says more. Open the tunnel again."}
	keepsBreaking = Trouble{Title: "The connection keeps breaking", Text: "ngrok is reached, but soon lost each time: the network may be weak, or something in it ends connections." + again}
	stoppedThere  = Trouble{Title: "ngrok stopped the tunnel", Text: "Someone stopped this agent on ngrok's dashboard. Open the tunnel again if it should go on."}
	endedThere    = Trouble{Title: "ngrok closed the public address", Text: "Look at dashboard.ngrok.com for the reason, and open the tunnel again."}
	dropped       = Trouble{Title: "The connection to ngrok is lost", Text: "The network or ngrok's edge is gone for the moment." + again}
	noAnswer      = Trouble{Title: "ngrok does not answer", Text: "There is a network, but nothing comes back: it may be very slow, or want a login in a browser first." + again}
	noNetwork     = Trouble{Title: "There is no network", Text: "ngrok cannot be reached from here: check the network." + again}
	refused       = Trouble{Title: "ngrok's edge takes no connections", Text: "A firewall may be in the way, or the edge is down for the moment." + again}
	intercepted   = Trouble{Title: "Someone else answers for ngrok", Text: "The certificate is not ngrok's: an antivirus, a company's proxy or a hotel's login page sits in between. Nothing was sent to it. Exempt ngrok-agent.com from inspection there, or use another network." + again}
	notTLS        = Trouble{Title: "Something else answers in ngrok's place", Text: "It does not speak TLS: a hotel's or train's login page may want to be seen in a browser first." + again}
)

// The words for ngrok's codes that people meet: https://ngrok.com/docs/errors.
var codes = map[string]verdict{
	"ERR_NGROK_102":  {Trouble{Title: "The ngrok account is suspended", Text: "ngrok's mail, or support@ngrok.com, says why."}, true, false},
	"ERR_NGROK_103":  {Trouble{Title: "The ngrok account is suspended", Text: "ngrok's mail, or support@ngrok.com, says why."}, true, false},
	"ERR_NGROK_105":  {Trouble{Title: "This is no authtoken", Text: "ngrok cannot read it: copy it whole from dashboard.ngrok.com/get-started/your-authtoken. It is neither the API key nor the account's name."}, true, false},
	"ERR_NGROK_106":  {Trouble{Title: "The authtoken is one of ngrok 1", Text: "Copy the present one from dashboard.ngrok.com/get-started/your-authtoken."}, true, false},
	"ERR_NGROK_107":  {Trouble{Title: "The authtoken is not valid", Text: "It was reset or belongs to an account that is gone: copy the present one from dashboard.ngrok.com/get-started/your-authtoken."}, true, false},
	"ERR_NGROK_108":  {Trouble{Title: "Too many agents are connected", Text: "The account's limit of ngrok agents at a time is reached: stop another one, here or on another computer, at dashboard.ngrok.com/agents." + again}, false, false},
	"ERR_NGROK_115":  {Trouble{Title: "ngrok lets in no agent from this network", Text: "The account's IP restrictions do not name this network's address: see dashboard.ngrok.com/security."}, true, false},
	"ERR_NGROK_116":  {Trouble{Title: "The authtoken is not good from this network", Text: "Its IP restrictions do not name this network's address: see dashboard.ngrok.com/authtokens."}, true, false},
	"ERR_NGROK_120":  {Trouble{Title: "This Lockbox is too old for ngrok", Text: "ngrok supports it no longer: install the newest Lockbox."}, true, false},
	"ERR_NGROK_121":  {Trouble{Title: "This Lockbox is too old for ngrok", Text: "The account asks for newer agents: install the newest Lockbox."}, true, false},
	"ERR_NGROK_123":  {Trouble{Title: "The ngrok account's mail address is not confirmed", Text: "Follow the link in ngrok's mail, or ask for a new one at dashboard.ngrok.com/user/settings."}, true, false},
	"ERR_NGROK_300":  {Trouble{Title: "The authtoken was revoked", Text: "Copy another one from dashboard.ngrok.com/authtokens."}, true, false},
	"ERR_NGROK_313":  {Trouble{Title: "The plan has no domains of choice", Text: "Leave the domain empty for the account's own, or upgrade at dashboard.ngrok.com/billing."}, true, true},
	"ERR_NGROK_314":  {Trouble{Title: "The plan has no domains of your own", Text: "Leave the domain empty for the account's own, or upgrade at dashboard.ngrok.com/billing."}, true, true},
	"ERR_NGROK_316":  {Trouble{Title: "The authtoken may not use this domain", Text: "Its ACL does not name the domain: see dashboard.ngrok.com/authtokens."}, true, true},
	"ERR_NGROK_318":  {Trouble{Title: "The domain is not the account's", Text: "Wildcard domains have to be reserved: see dashboard.ngrok.com/domains."}, true, true},
	"ERR_NGROK_319":  {Trouble{Title: "The domain is not the account's", Text: "Reserve it at dashboard.ngrok.com/domains, leave the domain empty for the account's own, or use the authtoken of the account that has it."}, true, true},
	"ERR_NGROK_320":  {Trouble{Title: "The domain is another account's", Text: "Take one of yours at dashboard.ngrok.com/domains, leave the domain empty for the account's own, or use the authtoken of the account that has it."}, true, true},
	"ERR_NGROK_324":  {Trouble{Title: "Too many endpoints are open", Text: "The plan's limit is reached: close another one at dashboard.ngrok.com/endpoints." + again}, false, false},
	"ERR_NGROK_334":  {Trouble{Title: "The public address is in use", Text: "Another agent has it: stop that one at dashboard.ngrok.com/endpoints. After a connection that broke it may be this one, for up to a minute." + again}, false, false},
	"ERR_NGROK_725":  {Trouble{Title: "The month's bytes are used up", Text: "ngrok's plan has no more until next month: see dashboard.ngrok.com/usage." + again}, false, false},
	"ERR_NGROK_727":  {Trouble{Title: "The month's calls are used up", Text: "ngrok's plan has no more until next month: see dashboard.ngrok.com/usage." + again}, false, false},
	"ERR_NGROK_4018": {Trouble{Title: "ngrok wants an account", Text: "Sign up at dashboard.ngrok.com, confirm your mail address and enter the authtoken that is shown there."}, true, false},
	"ERR_NGROK_8013": {Trouble{Title: "ngrok wants a payment card on the account", Text: "Add one at dashboard.ngrok.com/settings: ngrok says that it is not charged."}, true, false},
}

var codePattern = regexp.MustCompile(`(?i)ERR_NGROK_\d+`)

// badBeat reports whether ngrok refuses a session for its heartbeats: it says that
// they must be further apart, or may take longer, but not how much in what it
// documents.
func badBeat(err error) bool {
	c := code(err)
	return c == "ERR_NGROK_111" || c == "ERR_NGROK_112"
}

// code is ngrok's in an error's text, or "".
func code(err error) string { return strings.ToUpper(codePattern.FindString(err.Error())) }

// troubleOf puts an error into words. ngrok's own repeat the authtoken.
func troubleOf(err error, token secret.Value) verdict {
	var v verdict
	switch c := code(err); {
	case errors.Is(err, errStopped):
		return verdict{Trouble: stoppedThere, final: true}
	case c != "":
		known, ok := codes[c]
		v = known
		v.Code = c
		if !ok {
			v.Title, v.Text = "ngrok refuses", quote(err, token)+again
		}
	case errors.Is(err, errEnded):
		v.Trouble = endedThere
	default:
		v.Trouble = networkTrouble(err)
	}
	v.final = v.final || errors.Is(err, errEnded)
	return v
}

// networkTrouble is what is wrong on the way to ngrok.
func networkTrouble(err error) Trouble {
	var (
		dns       *net.DNSError
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		record    tls.RecordHeaderError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &untrusted), errors.As(err, &authority), errors.As(err, &name):
		return intercepted
	case errors.As(err, &record):
		return notTLS
	case errors.As(err, &dns):
		return Trouble{Title: "ngrok's address cannot be looked up", Text: fmt.Sprintf("The name %s is not known here: there is no network, or its DNS does not work.%s", dns.Name, again)}
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL):
		return noNetwork
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return noAnswer
	}
	return dropped
}

// quote is what ngrok says, for a code that is not in the table: its first line,
// without the authtoken.
func quote(err error, token secret.Value) string {
	text := err.Error()
	if v := token.Reveal(); v != "" {
		text = strings.ReplaceAll(text, v, secret.Redacted)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	const most = 200
	if line = strings.TrimSpace(line); len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return fmt.Sprintf("It says: %q.", line)
}
