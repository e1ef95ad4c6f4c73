package preset

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lockbox/assets"
	"lockbox/proxy/config"
)

// TestPresets holds each preset against what the others take for granted.
func TestPresets(t *testing.T) {
	all, err := parse(assets.Presets)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 30 {
		t.Errorf("%d presets, want 30", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b *Preset) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }) {
		t.Error("they are not in the order of their names")
	}
	color := regexp.MustCompile(`^#[0-9A-F]{6}$`)
	for _, p := range all {
		t.Run(p.ID, func(t *testing.T) {
			fail := func(ok bool, what string) {
				t.Helper()
				if !ok {
					t.Error(what)
				}
			}
			fail(regexp.MustCompile(`^[a-z-]+$`).MatchString(p.ID) && config.CheckName(p.ID) == nil, "its id is no name for a service")
			fail(p.Letter == p.Name[:1] && color.MatchString(p.Color), "letter or colour")
			fail(p.About != "" && len(p.About) <= 36 && len(p.Name) <= 16, "its name and what it is about do not fit a tile")
			for _, w := range p.Words {
				fail(w == strings.ToLower(w) && w != strings.ToLower(p.Name), "the word "+w)
			}
			for _, address := range []string{p.FindKey.URL, p.Docs} {
				filled, _ := p.fill(address, nil)
				u, err := url.Parse(filled)
				fail(err == nil && u.Host != "" && (u.Scheme == "https" || strings.Contains(address, "{origin}")), "the address "+address)
			}
			fail(strings.HasSuffix(p.FindKey.Words, "."), "where the key is is no sentence")
			fail(p.Notes == "" || strings.HasSuffix(p.Notes, "."), "the notes are no sentence")
			fail(p.Test.Method == "GET" || p.Test.Method == "POST" && (p.Test.Body == "" || strings.HasPrefix(p.Test.Body, `{"query":"{`)) || p.ID == "slack", "the test call may not be harmless")
			fail(strings.HasPrefix(p.Test.Path, "/") && (p.Test.Body == "") == (p.Test.ContentType == ""), "the test call")
			fail(len(p.Answer.Who) > 0 || p.Answer.Has != "", "any answer passes for one of this API")
			fail(p.Answer.As == "" || strings.Count(p.Answer.As, "{who}") == 1, "how the answer is said")
			pointers := slices.Concat(p.Answer.Who, p.Answer.Why, []string{p.Answer.OK, p.Answer.Has})
			for _, at := range pointers {
				fail(at == "" || strings.HasPrefix(at, "/"), "the pointer "+at)
			}
			for _, k := range p.Keys {
				fail(k.Label != "" && k.Open == !p.Credential().IsSecret(k.Field), "the key "+k.Field)
			}
			for _, b := range p.Blanks {
				fail(b.Label != "" && b.Hint != "" && slices.Contains([]string{labelBlank, originBlank, choiceBlank}, b.Kind), "the blank "+b.ID)
				fail((b.Kind == choiceBlank) == (len(b.Choices) > 1), "the choices of "+b.ID)
				_, err := b.clean(b.Default)
				fail((err == nil) == (b.Kind != labelBlank), "the default of "+b.ID)
			}
			// The service is one that the config file would have without a warning.
			svc := config.NewService(p.ID, p.example.BaseURL)
			svc.Credential, svc.DefaultHeaders = p.Credential(), p.DefaultHeaders()
			src, err := config.PutService([]byte(`{"services": {}}`), "", svc)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := config.Parse("config.json", src)
			if err != nil || len(cfg.Warnings) > 0 && p.ID != "home-assistant" {
				t.Errorf("%v, %v in\n%s", err, cfg.Warnings, src)
			}
		})
	}
}

// TestParseRefuses: what a slip of the pen would do to the data is noticed.
func TestParseRefuses(t *testing.T) {
	const good = `[{"id": "a", "name": "A", "service": {"base_url": "https://{x}.a.example", "credential": {"type": "bearer", "token": "keychain://KEY/t"}},
		"blanks": [{"id": "x", "label": "X", "kind": "label", "example": "b"}], "keys": [{"field": "token", "label": "T"}]}]`
	if _, err := parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{`"id": "a"`, `"idd": "a"`, "unknown field"},
		{`{x}.a`, `a`, "must have {x} once"},
		{`"example": "b"`, `"example": "b.c"`, "the example of x"},
		{`"type": "bearer"`, `"type": "bearer", "x": {"y": 1}, "type": "basic"`, "twice"},
		{`"field": "token"`, `"field": "tokn"`, "asked for false"},
		{`keychain://KEY/t`, `literal`, "asked for true"},
		{`"keys": [{"field": "token", "label": "T"}]`, `"keys": []`, "asked for false"},
		{`}]}]`, `}]}, ` + good[1:], "is there twice"},
	} {
		if _, err := parse([]byte(strings.Replace(good, tt.old, tt.new, 1))); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.new, err, tt.want)
		}
	}
}

func TestFind(t *testing.T) {
	for typed, want := range map[string]string{
		"gpt":       "openai",
		"ChatGPT":   "openai",
		"claude":    "anthropic",
		"gh":        "github",
		"git":       "github gitlab",
		"hub":       "github hubspot",
		"assistant": "home-assistant",
		"tg":        "telegram",
		"crm":       "hubspot",
		"mail":      "mailchimp mailgun resend sendgrid google",
		"home ass":  "home-assistant",
		"google ai": "gemini google",
		"nothing":   "",
	} {
		var got []string
		for _, p := range Find(typed) {
			got = append(got, p.ID)
		}
		if typed == "hub" {
			slices.Sort(got)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", typed, strings.Join(got, " "), want)
		}
	}
	if got := len(Find(" ")); got != len(All()) {
		t.Errorf("nothing typed finds %d", got)
	}
}

func TestFill(t *testing.T) {
	tests := []struct{ id, blank, typed, want, fault string }{
		{"shopify", "shop", "mystore", "https://mystore.myshopify.com/admin/api/2026-10", ""},
		{"shopify", "shop", " https://MyStore.myshopify.com/admin ", "https://mystore.myshopify.com/admin/api/2026-10", ""},
		{"shopify", "shop", "https://admin.shopify.com/store/mystore/apps?x", "https://mystore.myshopify.com/admin/api/2026-10", ""},
		{"shopify", "shop", "shop.example.com", "", "is only what comes before .myshopify.com"},
		{"shopify", "shop", "", "", "is empty"},
		{"shopify", "shop", "a b", "", "letters, digits"},
		{"shopify", "shop", "evil.example/", "", "is only"},
		{"shopify", "shop", "evil.example#", "", "is only"},
		{"shopify", "shop", "x@y", "", "letters, digits"},
		{"shopify", "shop", "{shop}", "", "letters, digits"},
		{"shopify", "shop", "-a", "", "letters, digits"},
		{"jira", "site", "mycompany.atlassian.net/jira/your-work", "https://mycompany.atlassian.net", ""},
		{"mailchimp", "dc", "us21.admin.mailchimp.com", "https://us21.api.mailchimp.com/3.0", ""},
		{"gitlab", "origin", "gitlab.example.com:8443/group/project", "https://gitlab.example.com:8443/api/v4", ""},
		{"gitlab", "origin", "https://u:p@gitlab.example.com", "", "cannot hold a user name"},
		{"gitlab", "origin", "lockbox://demo", "", "must begin with"},
		{"home-assistant", "origin", "http://192.168.1.20:8123/lovelace/0?x#y", "http://192.168.1.20:8123", ""},
		{"mailgun", "host", "api.eu.mailgun.net", "https://api.eu.mailgun.net", ""},
		{"mailgun", "host", "evil.example", "", "is none of those"},
		{"github", "none", "x", "https://api.github.com", ""},
	}
	for _, tt := range tests {
		got, bad := ByID(tt.id).Fill(map[string]string{tt.blank: tt.typed})
		err := bad[tt.blank]
		if got != tt.want || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s %q: %q, %v; want %q, %q", tt.id, tt.typed, got, bad, tt.want, tt.fault)
		}
	}
	if got, bad := ByID("gitlab").Fill(nil); got != "https://gitlab.com/api/v4" || len(bad) > 0 {
		t.Errorf("left as it is: %q, %v", got, bad)
	}
	if got := ByID("gitlab").KeyURL(map[string]string{"origin": "git.example.com"}); got != "https://git.example.com/-/user_settings/personal_access_tokens" {
		t.Errorf("the page of the key: %q", got)
	}
	if got := ByID("home-assistant").KeyURL(map[string]string{"origin": "?"}); got != "http://homeassistant.local:8123/profile/security" {
		t.Errorf("the page of the key: %q", got)
	}
	if ByID("none") != nil {
		t.Error("there is a preset of no such id")
	}
}

// FuzzFill: whatever is typed, the address stays the provider's: the key must not
// go elsewhere.
func FuzzFill(f *testing.F) {
	for _, s := range []string{"mystore", "https://x.myshopify.com/", "evil.example/", "a@b", "a%2e", "ü", "{x}", "http://10.0.0.1:8123/a", "[::1]:80", "a\x00", "us21"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		for _, p := range All() {
			if len(p.Blanks) == 0 {
				continue
			}
			b := &p.Blanks[0]
			got, bad := p.Fill(map[string]string{b.ID: typed})
			if len(bad) > 0 {
				if got != "" {
					t.Errorf("%s %q: %q beside %v", p.ID, typed, got, bad)
				}
				continue
			}
			u, _, err := config.ParseBaseURL(got)
			if err != nil || u.String() != got {
				t.Errorf("%s %q: %q is no base URL: %v", p.ID, typed, got, err)
				continue
			}
			switch _, path, _ := strings.Cut(strings.TrimPrefix(p.base, "https://"), "/"); {
			case strings.Trim(u.Path, "/") != path:
				t.Errorf("%s %q: the path of %q is not %q", p.ID, typed, got, path)
			case b.Kind == labelBlank && (u.Scheme != "https" || !strings.HasSuffix(u.Host, b.after) || strings.Count(u.Host, ".") != strings.Count(b.after, ".")):
				t.Errorf("%s %q: the host of %q is another's", p.ID, typed, got)
			case b.Kind == choiceBlank && !slices.ContainsFunc(b.Choices, func(c Choice) bool { return c.Value == u.Host }):
				t.Errorf("%s %q: the host of %q is none of the choices", p.ID, typed, got)
			}
			if again, bad := p.Fill(map[string]string{b.ID: typed}); again != got || len(bad) > 0 {
				t.Errorf("%s %q: filled again it is %q", p.ID, typed, again)
			}
		}
	})
}
