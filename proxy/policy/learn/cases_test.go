package learn

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// times is a call made several times.
func times(n int, call string) []string { return slices.Repeat([]string{call}, n) }

// numbered is a call with each number from 1 to n in it.
func numbered(n int, format string) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf(format, i+1))
	}
	return out
}

func TestPropose(t *testing.T) {
	names := []string{"ann", "bob", "cleo", "dora", "emil", "fred", "gina", "hugo", "iris", "jack", "kim", "lena", "max", "nora", "otto", "paul", "quin", "rosa", "sara", "tom"}
	var users, slack []string
	for _, n := range names {
		users = append(users, "GET /users/"+n+"/repos")
		slack = append(slack, times(9, "POST /api/"+n+".list")...)
	}
	tests := []struct {
		name  string
		calls []string
		limit int
		want  string
	}{
		{"nothing", nil, 20, ""},
		{"the root", []string{"GET ", "GET /"}, 20, "    2 allow GET /\n"},
		{"a trailing slash is another path", []string{"GET /a/", "GET /a"}, 20, "    1 allow GET /a\n    1 allow GET /a/\n"},
		{"methods of one path are one rule", []string{"POST /a", "GET /a", "DELETE /a"}, 20, "    3 allow DELETE,GET,POST /a\n"},
		{"numbers are IDs", numbered(3, "GET /repos/%d/issues"), 20, "    3 allow GET /repos/*/issues\n"},
		{"one ID that came once is one", []string{"GET /orders/4711"}, 20, "    1 allow GET /orders/*\n"},
		{"one ID and no other in many calls is constant", append(times(19, "GET /v0/appA1b2C3d4E5f6G7/Tasks"), "POST /v0/appA1b2C3d4E5f6G7/Tasks"), 20,
			"   20 allow GET,POST /v0/appA1b2C3d4E5f6G7/Tasks\n"},
		{"versions are words", []string{"GET /v1/a", "GET /v2/a", "GET /v1beta1/a"}, 20, "    1 allow GET /v1/a\n    1 allow GET /v1beta1/a\n    1 allow GET /v2/a\n"},
		{"what is constant about an ID stays", []string{"GET /f/1.json", "GET /f/22.json", "POST /m/77:archive", "POST /m/78:archive", "GET /c/cus_A1b2C3d4E5", "GET /c/cus_A1b2C3d4E6"}, 20,
			"    2 allow GET /c/cus_*\n    2 allow GET /f/*.json\n    2 allow POST /m/*:archive\n"},
		{"IDs that begin in many ways", []string{"GET /e/ab_A1b2C3d4E5", "GET /e/cd_A1b2C3d4E5", "GET /e/ef_A1b2C3d4E5", "GET /e/gh_A1b2C3d4E5"}, 20, "    4 allow GET /e/*\n"},
		{"an address is one", []string{"GET /lists/7/members/ann@example.org", "GET /lists/7/members/bob@example.org"}, 20, "    2 allow GET /lists/*/members/*\n"},
		{"names that come once each", users, 20, "   20 allow GET /users/*/repos\n"},
		{"words that come often", slack, 100, func() (s string) {
			for _, n := range names {
				s += "    9 allow POST /api/" + n + ".list\n"
			}
			return s
		}()},
		{"too many words are put into braces", slack[:9*10], 2, "   72 allow POST /api/{ann.list,bob.list,cleo.list,dora.list,emil.list,fred.list,gina.list,hugo.list}\n   18 allow POST /api/{iris.list,jack.list}\n"},
		{"and then into a star", slack, 1, "  180 allow POST /api/*\n"},
		{"one rule for all there is", []string{"GET /a", "POST /a/b/c", "DELETE /x/y"}, 1, "    3 allow DELETE,GET,POST /**\n"},
		{"the query says what is done", []string{"GET /rpc?action=list&x=1", "GET /rpc?action=show&x=2"}, 20, "    2 allow GET /rpc with ?action=list|show\n"},
		{"but not in every call", []string{"GET /rpc?action=list", "GET /rpc"}, 20, "    2 allow GET /rpc\n"},
		{"signs that mean something in a pattern", []string{"GET /a/x[1]", "GET /b/{y}", "GET /c/100%25"}, 20, "    1 allow GET /a/*\n    1 allow GET /b/*\n    1 allow GET /c/*\n"},
		{"paths without end", []string{"GET " + strings.Repeat("/a", 3000), "GET " + strings.Repeat("/a", 25)}, 20, "    2 allow GET " + strings.Repeat("/a", 24) + "/**\n"},
		{"what no rule can allow", []string{"GET /a", "GET /a//b", "GET /a/%2e%2e/c"}, 20,
			"    1 allow GET /a\n    1 left: Upstreams could read the path in more than one way: it has a segment that ends in a dot or a space. A service with rules takes no such path.\n" +
				"    1 left: Upstreams could read the path in more than one way: it has an empty segment (//). A service with rules takes no such path.\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l Learner
			for _, call := range tt.calls {
				l.Add(seen(call), false)
			}
			p := l.Propose(tt.limit, nil)
			if got := p.text(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestAllowsWhatWasSeen: whatever the calls and the limit, the rules allow all calls
// but those that are said to be left.
func TestAllowsWhatWasSeen(t *testing.T) {
	for seed := range 100 {
		var l Learner
		calls := traffic(uint64(seed))
		for _, call := range calls {
			l.Add(seen(call), false)
		}
		limit := 1 + seed%25
		p := l.Propose(limit, []string{"zapier"})
		if len(p.Rules) > limit {
			t.Fatalf("seed %d: %d rules, want %d", seed, len(p.Rules), limit)
		}
		c, refused, left := p.checker(t), 0, 0
		for _, call := range calls {
			r := seen(call)
			r.Audience = []string{"zapier"}
			if v := c.Check(r); v.Action != "allow" {
				if refused++; v.Code == "no_rule_matched" && r.Method != "get" {
					t.Fatalf("seed %d: %s: %s\n%s", seed, call, v.Reason, p.text())
				}
			}
		}
		for _, x := range p.Left {
			left += x.Calls
		}
		if refused != left && len(p.Rules) > 0 {
			t.Fatalf("seed %d: %d are refused, %d are said to be left", seed, refused, left)
		}
	}
}

// TestManyIDs: memory does not grow with the number of IDs.
func TestManyIDs(t *testing.T) {
	var l Learner
	for i := range 200_000 {
		l.Add(seen(fmt.Sprintf("GET /things/t-%x", i*7919)), false)
	}
	if n := len(l.root.words["things"].words); n > mostKept {
		t.Errorf("%d segments are kept", n)
	}
	if got, want := l.Propose(20, nil).text(), "200000 allow GET /things/*\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzPropose(f *testing.F) {
	f.Add("/a/b/17", "/a/c/{x}", "/a,b/*/[^x]")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var l Learner
		calls := []string{"GET /" + a, "GET /" + b, "POST /" + c, "PUT /" + a + "/" + b}
		for _, call := range calls {
			l.Add(seen(call), false)
		}
		for _, limit := range []int{20, 1} {
			p := l.Propose(limit, nil)
			check := p.checker(t)
			for _, call := range calls {
				if v := check.Check(seen(call)); v.Code == "no_rule_matched" {
					t.Errorf("%q: %s\n%s", call, v.Reason, p.text())
				}
			}
		}
	})
}
