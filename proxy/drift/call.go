// Package drift learns how each service token is used, and says what is new about
// a call: the network that it comes from, the program that makes it, the hour of
// the day. A token that was stolen is used otherwise than before.
//
// The first week of a token, and its first 20 calls, are learnt in silence. From
// then on each thing is new once. Callers that come from ever other networks, as
// those of a workflow platform do, are not told apart by them: see mostNetworks.
package drift

import (
	"hash/fnv"
	"net/netip"
	"strings"
	"time"
)

// News is what is new about a call, one bit each.
type News uint8

// The News.
const (
	Network News = 1 << iota
	Agent
	Hour
)

// Kinds are the names of News, as a record of the audit log has them.
var Kinds = []string{"network", "user_agent", "hour"}

// String is the names with commas between them, "" for nothing.
func (n News) String() string {
	var names []string
	for i, name := range Kinds {
		if n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// ParseNews reads what String writes. Names that it does not know are a newer
// Lockbox's.
func ParseNews(s string) (n News) {
	for part := range strings.SplitSeq(s, ",") {
		for i, name := range Kinds {
			if part == name {
				n |= 1 << i
			}
		}
	}
	return n
}

// Call is what is looked at.
type Call struct {
	At     time.Time
	Remote string // the caller's address, with a port or without
	Agent  string // the User-Agent
}

// Network is the network that the call comes from, "" for this computer.
func (c Call) Network() string { return networkOf(c.Remote).String() }

// Program is the family of programs that the call's User-Agent names.
func (c Call) Program() string { return family(c.Agent) }

// network is a /24 of IPv4 or a /48 of IPv6, which is what one customer of a
// provider has at least; 0 is none: this computer, or no address.
type network uint64

// ofIPv4 is set in those of IPv4; IPv6's have 48 bits.
const ofIPv4 = network(1) << 63

func networkOf(remote string) network {
	if strings.HasPrefix(remote, "127.") || strings.HasPrefix(remote, "[::1]:") {
		return 0 // most callers by far: parsing takes longer than all the rest
	}
	addr := addressOf(remote).Unmap()
	if !addr.IsValid() || addr.IsLoopback() {
		return 0
	}
	if addr.Is4() {
		b := addr.As4()
		return ofIPv4 | network(b[0])<<16 | network(b[1])<<8 | network(b[2])
	}
	var n network
	b := addr.As16()
	for _, c := range b[:6] {
		n = n<<8 | network(c)
	}
	return n
}

// addressOf looks for a port first, since an error would cost an allocation.
func addressOf(remote string) (addr netip.Addr) {
	if strings.HasPrefix(remote, "[") || strings.IndexByte(remote, ':') == strings.LastIndexByte(remote, ':') && strings.Contains(remote, ":") {
		ap, _ := netip.ParseAddrPort(remote) // or it is not valid
		return ap.Addr()
	}
	addr, _ = netip.ParseAddr(remote)
	return addr
}

func (n network) prefix() netip.Prefix {
	if n&ofIPv4 != 0 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 16), byte(n >> 8), byte(n), 0}), 24) //nolint:gosec // a byte each
	}
	var b [16]byte
	for i := range 6 {
		b[i] = byte(n >> (40 - 8*i)) //nolint:gosec // as above
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), 48)
}

func (n network) String() string {
	if n == 0 {
		return ""
	}
	return n.prefix().String()
}

// parseNetwork reads what String writes.
func parseNetwork(s string) network {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return 0
	}
	return networkOf(p.Addr().String())
}

const (
	maxProducts = 6  // that a family is made of
	maxProduct  = 32 // bytes of one
	noAgent     = "no user agent"
	hidden      = "…" // in the place of what may be a key
)

// family is the names of the products of a User-Agent without their versions and
// comments (RFC 9110, section 10.1.5): a new version is no other program. Bots name
// themselves in a browser's comment, "(compatible; Name/1.0)". What has the length
// or the digits of a key is left out, for it is written down.
func family(agent string) string {
	var names []string
	add := func(product string) {
		name, _, _ := strings.Cut(strings.TrimSpace(product), "/")
		if name = strings.ToLower(name); name == "" {
			return
		}
		if len(name) > maxProduct || digits(name) > 3 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			name = hidden
		}
		for _, n := range names {
			if n == name {
				return
			}
		}
		if len(names) < maxProducts {
			names = append(names, name)
		}
	}
	for rest := agent; rest != ""; {
		plain, comment, _ := strings.Cut(rest, "(")
		for product := range strings.FieldsSeq(plain) {
			add(product)
		}
		comment, rest = cutComment(comment)
		if bot, ok := strings.CutPrefix(comment, "compatible; "); ok {
			bot, _, _ = strings.Cut(bot, ";")
			bot, _, _ = strings.Cut(bot, " ")
			add(bot)
		}
	}
	if len(names) == 0 {
		return noAgent
	}
	return strings.Join(names, " ")
}

// cutComment splits what follows an opening bracket at the one that closes it.
func cutComment(s string) (comment, rest string) {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}

func digits(s string) (n int) {
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// sum stands for a family where only its being the same counts.
func sum(family string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(family)) // never fails
	return h.Sum64()
}
