package preset_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"lockbox/proxy/preset"
	"lockbox/proxy/secret"
)

// answers are what the APIs say to the test call, cut to what matters and with
// their names changed: to a good key, and to a wrong one.
var answers = []struct {
	id     string
	status int
	body   string
	state  preset.State
	says   string // is in what the person reads
}{
	{"airtable", 200, `{"id":"usrL2PNC5o3H4lBEi","email":"ada@example.com","scopes":["user.email:read"]}`, preset.Works, "Works: signed in as ada@example.com."},
	{"airtable", 200, `{"id":"usrL2PNC5o3H4lBEi"}`, preset.Works, "Works: signed in as usrL2PNC5o3H4lBEi."},
	{"airtable", 401, `{"error":{"type":"AUTHENTICATION_REQUIRED","message":"Authentication required"}}`, preset.WrongKey, "Airtable does not take this key. Airtable says: Authentication required."},
	{"anthropic", 200, `{"data":[{"type":"model","id":"claude-sonnet-4-5","display_name":"Claude Sonnet 4.5"}],"has_more":true}`, preset.Works, "Works: Anthropic takes the key."},
	{"anthropic", 401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}`, preset.WrongKey, "says: invalid x-api-key."},
	{"asana", 200, `{"data":{"gid":"12","email":"ada@example.com","name":"Ada Lovelace","resource_type":"user"}}`, preset.Works, "signed in as Ada Lovelace."},
	{"asana", 401, `{"errors":[{"message":"Not Authorized","help":"For more information on API status codes see https://developers.asana.com/docs/errors"}]}`, preset.WrongKey, "says: Not Authorized."},
	{"clickup", 200, `{"user":{"id":123,"username":"Ada Lovelace","email":"ada@example.com","color":"#fff"}}`, preset.Works, "signed in as Ada Lovelace."},
	{"clickup", 401, `{"err":"Token invalid","ECODE":"OAUTH_025"}`, preset.WrongKey, "says: Token invalid."},
	{"cloudflare", 200, `{"result":{"id":"ed17","status":"active"},"success":true,"errors":[],"messages":[{"code":10000,"message":"This API Token is valid and active","type":null}]}`, preset.Works, "Works: the token is active."},
	{"cloudflare", 401, `{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}],"messages":[],"result":null}`, preset.WrongKey, "says: Invalid API Token."},
	{"cloudflare", 400, `{"success":false,"errors":[{"code":6003,"message":"Invalid request headers","error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}],"messages":[],"result":null}`, preset.WrongKey, "Invalid request headers."},
	{"discord", 200, `{"id":"80351110224678912","username":"lovelace-bot","discriminator":"0","bot":true}`, preset.Works, "signed in as lovelace-bot."},
	{"discord", 401, `{"message":"401: Unauthorized","code":0}`, preset.WrongKey, "Discord does not take this key."},
	{"elevenlabs", 200, `{"user_id":"1234567890","subscription":{"tier":"free"},"first_name":"Ada"}`, preset.Works, "signed in as Ada."},
	{"elevenlabs", 401, `{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}`, preset.WrongKey, "says: Invalid API key."},
	{"elevenlabs", 401, `{"detail":{"status":"missing_permissions","message":"The API key you used is missing the permission user_read to execute this operation."}}`, preset.Limited, "ElevenLabs knows the key, but"},
	{"gemini", 200, `{"models":[{"name":"models/gemini-2.5-flash","version":"001"}],"nextPageToken":"x"}`, preset.Works, "Works: Gemini takes the key."},
	{"gemini", 400, `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}`, preset.WrongKey, "says: API key not valid. Please pass a valid API key."},
	{"gemini", 403, `{"error":{"code":403,"message":"Generative Language API has not been used in project 1 before or it is disabled.","status":"PERMISSION_DENIED"}}`, preset.Limited, "or it is disabled."},
	{"github", 200, `{"login":"octocat","id":1,"type":"User"}`, preset.Works, "Works: signed in as octocat."},
	{"github", 401, `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}`, preset.WrongKey, "GitHub does not take this key. GitHub says: Bad credentials."},
	{"github", 403, `{"message":"Resource not accessible by personal access token","documentation_url":"https://docs.github.com/rest"}`, preset.Limited, "GitHub knows the key, but it may not do what the test does."},
	{"gitlab", 200, `{"id":1,"username":"ada","name":"Ada Lovelace","state":"active"}`, preset.Works, "signed in as ada."},
	{"gitlab", 401, `{"message":"401 Unauthorized"}`, preset.WrongKey, "says: 401 Unauthorized."},
	{"gitlab", 403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api read_api"}`, preset.Limited, "higher privileges"},
	{"gitlab", 404, `<html>Not Found</html>`, preset.WrongPlace, "Check “Your GitLab”."},
	{"gitlab", 302, ``, preset.WrongPlace, "Check “Your GitLab”."},
	{"google", 200, `{"sub":"110248495921238986420","name":"Ada Lovelace","email":"ada@example.com","email_verified":true}`, preset.Works, "signed in as ada@example.com."},
	{"google", 401, `{"error":"invalid_request","error_description":"Invalid Credentials"}`, preset.Limited, "Google knows the key, but"},
	{"home-assistant", 200, `{"location_name":"Villa Lovelace","version":"2026.11.0","state":"RUNNING"}`, preset.Works, "Works: this is Villa Lovelace."},
	{"home-assistant", 401, `401: Unauthorized`, preset.WrongKey, "Home Assistant does not take this key."},
	{"home-assistant", 200, `<html><title>Router</title></html>`, preset.Strange, "This is no answer of Home Assistant"},
	{"hubspot", 200, `{"portalId":123456,"accountType":"STANDARD","timeZone":"US/Eastern"}`, preset.Works, "Works: this is account 123456."},
	{"hubspot", 401, `{"status":"error","message":"Authentication credentials not found. This API supports OAuth 2.0 authentication","correlationId":"x","category":"INVALID_AUTHENTICATION"}`, preset.WrongKey, "Authentication credentials not found."},
	{"jira", 200, `{"accountId":"5b10","emailAddress":"ada@example.com","displayName":"Ada Lovelace","active":true}`, preset.Works, "signed in as Ada Lovelace."},
	{"jira", 401, `Client must be authenticated to access this resource.`, preset.WrongKey, "Jira does not take this: check “E-mail address” and “API token”."},
	{"jira", 404, `{"errorMessage":"Site temporarily unavailable"}`, preset.WrongPlace, "Check “Your site”."},
	{"linear", 200, `{"data":{"viewer":{"name":"Ada Lovelace"}}}`, preset.Works, "signed in as Ada Lovelace."},
	{"linear", 401, `{"errors":[{"message":"Authentication required, not authenticated","extensions":{"type":"authentication error","code":"AUTHENTICATION_ERROR","userPresentableMessage":"You need to authenticate to access this operation."}}]}`, preset.WrongKey, "says: You need to authenticate to access this operation."},
	{"mailchimp", 200, `{"account_name":"Lovelace Ltd"}`, preset.Works, "this is the account Lovelace Ltd."},
	{"mailchimp", 401, `{"type":"https://mailchimp.com/developer/marketing/docs/errors/","title":"API Key Invalid","status":401,"detail":"Your API key may be invalid, or you've attempted to access the wrong datacenter.","instance":"x"}`, preset.WrongKey, "the wrong datacenter."},
	{"mailgun", 200, `{"items":[{"name":"mg.example.com","state":"active"}],"total_count":1}`, preset.Works, "Works: Mailgun takes the key."},
	{"mailgun", 401, `Forbidden`, preset.WrongKey, "Mailgun does not take this key."},
	{"notion", 200, `{"object":"user","id":"16d8","type":"bot","name":"Sheets","bot":{"workspace_name":"Lovelace"}}`, preset.Works, "signed in as Sheets."},
	{"notion", 401, `{"object":"error","status":401,"code":"unauthorized","message":"API token is invalid."}`, preset.WrongKey, "Notion says: API token is invalid."},
	{"openai", 200, `{"object":"list","data":[{"id":"gpt-5","object":"model"}]}`, preset.Works, "Works: OpenAI takes the key."},
	{"openai", 401, `{"error":{"message":"Incorrect API key provided: sk-ab***yz. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","code":"invalid_api_key"}}`, preset.WrongKey, "Incorrect API key provided"},
	{"openai", 403, `{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read.","type":"invalid_request_error"}}`, preset.Limited, "Missing scopes: api.model.read."},
	{"openai", 429, `{"error":{"message":"Rate limit reached"}}`, preset.NoAnswer, "too many calls lately"},
	{"openai", 503, `{"error":{"message":"The server is overloaded"}}`, preset.NoAnswer, "OpenAI has trouble (status 503)."},
	{"openrouter", 200, `{"data":{"label":"sk-or-v1-au7...890","usage":25.5,"limit":100}}`, preset.Works, "Works: OpenRouter takes the key."},
	{"openrouter", 401, `{"error":{"message":"User not found.","code":401}}`, preset.WrongKey, "says: User not found."},
	{"openweather", 200, `{"coord":{"lon":-0.1257,"lat":51.5085},"weather":[{"id":804,"main":"Clouds","description":"overcast clouds"}],"name":"London","cod":200}`, preset.Works, "in London now: overcast clouds."},
	{"openweather", 401, `{"cod":401,"message":"Invalid API key. Please see https://openweathermap.org/faq#error401 for more info."}`, preset.WrongKey, "says: Invalid API key."},
	{"resend", 200, `{"object":"list","data":[]}`, preset.Works, "Works: Resend takes the key."},
	{"resend", 400, `{"statusCode":400,"message":"API key is invalid","name":"validation_error"}`, preset.WrongKey, "says: API key is invalid."},
	{"resend", 401, `{"statusCode":401,"message":"This API key is restricted to only send emails","name":"restricted_api_key"}`, preset.Limited, "restricted to only send emails."},
	{"sendgrid", 200, `{"scopes":["mail.send"]}`, preset.Works, "Works: SendGrid takes the key."},
	{"sendgrid", 401, `{"errors":[{"field":null,"message":"The provided authorization grant is invalid, expired, or revoked"}]}`, preset.WrongKey, "expired, or revoked."},
	{"shopify", 200, `{"data":{"shop":{"name":"Lovelace Looms"}},"extensions":{"cost":{}}}`, preset.Works, "this is Lovelace Looms."},
	{"shopify", 401, `{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}`, preset.WrongKey, "Invalid API key or access token"},
	{"shopify", 404, `{"errors":"Not Found"}`, preset.WrongPlace, "Check “Your shop”."},
	{"slack", 200, `{"ok":true,"url":"https://lovelace.slack.com/","team":"Lovelace","user":"ada","team_id":"T1","user_id":"W1"}`, preset.Works, "signed in as ada."},
	{"slack", 200, `{"ok":false,"error":"invalid_auth"}`, preset.WrongKey, "Slack does not take this key. Slack says: invalid_auth."},
	{"stripe", 200, `{"id":"acct_1","object":"account","email":"ada@example.com","business_profile":{"name":null},"settings":{"dashboard":{"display_name":"Lovelace Looms"}}}`, preset.Works, "signed in as Lovelace Looms."},
	{"stripe", 200, `{"id":"acct_1","object":"account","business_profile":{"name":null}}`, preset.Works, "signed in as acct_1."},
	{"stripe", 401, `{"error":{"message":"Invalid API Key provided: sk_test_****1234","type":"invalid_request_error"}}`, preset.WrongKey, "Invalid API Key provided"},
	{"stripe", 403, `{"error":{"code":"more_permissions_required_for_application","message":"The provided key 'rk_live_***' does not have the required permissions for this endpoint.","type":"invalid_request_error"}}`, preset.Limited, "required permissions"},
	{"telegram", 200, `{"ok":true,"result":{"id":123456,"is_bot":true,"first_name":"Ada's bot","username":"lovelace_bot"}}`, preset.Works, "signed in as @lovelace_bot."},
	{"telegram", 401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, preset.WrongKey, "says: Unauthorized."},
	{"telegram", 404, `{"ok":false,"error_code":404,"description":"Not Found"}`, preset.WrongKey, "Telegram does not take this key."},
	{"todoist", 200, `{"id":"2671355","full_name":"Ada Lovelace","email":"ada@example.com"}`, preset.Works, "signed in as Ada Lovelace."},
	{"todoist", 401, `{"error":"Unauthorized","error_code":477,"error_tag":"UNAUTHORIZED","http_code":401}`, preset.WrongKey, "says: Unauthorized."},
	{"trello", 200, `{"id":"5abb","username":"ada","fullName":"Ada Lovelace"}`, preset.Works, "signed in as ada."},
	{"trello", 401, `invalid key`, preset.WrongKey, "Trello does not take this: check “API key” and “Token”."},
	{"twilio", 200, `{"accounts":[{"sid":"AC1","friendly_name":"Lovelace Ltd","status":"active"}],"page":0}`, preset.Works, "this is the account Lovelace Ltd."},
	{"twilio", 401, `{"code":20003,"message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}`, preset.WrongKey, "says: Authenticate."},

	{"github", 200, `{"login":"a\u202eb\n\u0007c   d"}`, preset.Works, "signed in as ab c d."},
	{"github", 200, `{"login":""}`, preset.Strange, "no answer of GitHub that Lockbox knows (status 200)."},
	{"github", 200, `{"login":"` + strings.Repeat("x", 1000) + `"}`, preset.Works, strings.Repeat("x", 160) + "…"},
	{"github", 200, `{"login":"KEY-github-token"}`, preset.Works, "signed in as [redacted]."},
	{"slack", 200, `[true]`, preset.Strange, "no answer of Slack"},
	{"airtable", 418, `{"errors":[{"error":"TEAPOT","message":"short and stout"}]}`, preset.Strange, "(status 418). Airtable says: short and stout."},
}

// TestAnswers: what comes through the proxy is understood, of each API both ways.
func TestAnswers(t *testing.T) {
	h := newHouse(t)
	seen := map[string]map[preset.State]bool{}
	for _, tt := range answers {
		p := preset.ByID(tt.id)
		h.up.answers(tt.status, tt.body)
		res, err := h.test(t, p)
		if err != nil {
			t.Errorf("%s: %v", tt.id, err)
			continue
		}
		v := p.Read(res.Status, res.Body)
		if v.State != tt.state || !strings.Contains(v.Text, tt.says) {
			t.Errorf("%s %d %s:\n%s: %s\nwant %s: …%s…", tt.id, tt.status, tt.body, v.State, v.Text, tt.state, tt.says)
		}
		if seen[tt.id] == nil {
			seen[tt.id] = map[preset.State]bool{}
		}
		seen[tt.id][tt.state] = true
	}
	for _, p := range preset.All() {
		if !seen[p.ID][preset.Works] || !seen[p.ID][preset.WrongKey] && p.ID != "google" {
			t.Errorf("%s: there is no answer to a good key, or none to a wrong one", p.ID)
		}
	}
}

// TestNoAnswer tells a wrong blank from a computer that is offline.
func TestNoAnswer(t *testing.T) {
	gone := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
	for _, tt := range []struct {
		id    string
		err   error
		state preset.State
		says  string
	}{
		{"github", gone, preset.NoAnswer, "cannot be found. Is this computer online?"},
		{"shopify", gone, preset.WrongPlace, "There is no such address. Check “Your shop”."},
		{"github", &net.OpError{Op: "dial", Err: errors.New("network is unreachable")}, preset.NoAnswer, "Is this computer online? In words."},
		{"home-assistant", &net.OpError{Op: "dial", Err: errors.New("refused")}, preset.NoAnswer, "In words."},
		{"google", errors.New("x"), preset.NoAnswer, "In words."},
	} {
		v := preset.ByID(tt.id).Explain(fmt.Errorf("wrapped: %w", tt.err), "In words.")
		if v.State != tt.state || !strings.Contains(v.Text, tt.says) {
			t.Errorf("%s: %s: %s, want %s: %s", tt.id, v.State, v.Text, tt.state, tt.says)
		}
	}
	h := newHouse(t)
	h.up.Close()
	p := preset.ByID("github")
	_, err := h.test(t, p)
	if v := p.Explain(err, err.Error()); v.State != preset.NoAnswer || !strings.HasPrefix(v.Text, "GitHub cannot be reached. Is this computer online? The upstream of") {
		t.Errorf("%v: %s", err, v.Text)
	}
}

// TestOAuthKeyIsWrong: what the token endpoint refuses is said in words.
func TestOAuthKeyIsWrong(t *testing.T) {
	h := newHouse(t)
	p := preset.ByID("google")
	h.services["google"].Credential.OAuth.ClientSecret = secret.Source{Literal: secret.New("wrong")}
	_, err := h.test(t, p)
	if err == nil {
		t.Fatal("no error")
	}
	if v := p.Explain(err, err.Error()); v.State != preset.NoAnswer || !strings.Contains(v.Text, "check client_id, client_secret") {
		t.Errorf("%s: %s", v.State, v.Text)
	}
}
