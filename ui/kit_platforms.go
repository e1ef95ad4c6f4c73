package ui

import "strings"

// kitField is one thing that a platform asks for.
type kitField struct {
	label string
	value string // what is put there; URL and TOKEN stand for themselves
}

// tokenAlone is the value of a field that takes nothing but the token.
const tokenAlone = "TOKEN"

// platform is a caller that is set up by hand.
type platform struct {
	name   string
	where  string // in the platform, what the fields are in
	fields []kitField
	agents []string // how its User-Agent begins, in small letters
}

// platforms says what goes where, as the platforms call it. The word before a
// token stands in the same field with it: forgetting it is the usual mistake.
var platforms = []platform{
	{"Zapier", "Webhooks by Zapier, action “Custom Request” (or GET, POST, PUT)", []kitField{
		{"URL", "URL"}, {"Headers: name", "Authorization"}, {"Headers: value", "Bearer TOKEN"},
	}, []string{"zapier"}},
	{"IFTTT", "Webhooks, action “Make a web request”", []kitField{
		{"URL", "URL"}, {"Additional Headers", "Authorization: Bearer TOKEN"},
	}, []string{"ifttt", "iftttprotocol"}},
	{"Make", "HTTP, module “Make a request”", []kitField{
		{"URL", "URL"}, {"Headers: name", "Authorization"}, {"Headers: value", "Bearer TOKEN"},
	}, []string{"make/", "integromat"}},
	{"n8n", "HTTP Request node, credential “Header Auth”", []kitField{
		{"URL", "URL"}, {"Name", "Authorization"}, {"Value", "Bearer TOKEN"},
		{"Or: Import cURL", "curl -H 'Authorization: Bearer TOKEN' 'URL'"},
	}, []string{"n8n"}},
	{"ChatGPT Actions", "Configure, Actions, Authentication “API Key”", []kitField{
		{"API Key", tokenAlone}, {"Auth Type", "Bearer"}, {"Schema", "SCHEMA"},
	}, []string{"chatgpt", "openai", "mozilla/5.0 applewebkit/537.36 (khtml, like gecko); compatible; chatgpt"}},
	{"curl", "a terminal", []kitField{
		{"Line", "curl -H 'Authorization: Bearer TOKEN' 'URL'"},
	}, []string{"curl/"}},
	{"Anything else", "whatever sends HTTP", []kitField{
		{"URL", "URL"}, {"Header", "Authorization: Bearer TOKEN"},
		{"Or: name of the header", "X-Lockbox-Token"}, {"Or: password of Basic", tokenAlone},
	}, nil},
}

func platformNames() (out []string) {
	for _, p := range platforms {
		out = append(out, p.name)
	}
	return out
}

func platformNamed(name string) platform {
	for _, p := range platforms {
		if p.name == name {
			return p
		}
	}
	return platforms[len(platforms)-1]
}

// fill puts the address and the token into a field's value.
func (f kitField) fill(url, token string) string {
	return strings.NewReplacer("SCHEMA", schemaOf(url), "URL", url, "TOKEN", token).Replace(f.value)
}

// schemaOf describes a service for ChatGPT: every path of it, by GET and POST.
func schemaOf(url string) string {
	i := strings.Index(url, "/s/")
	if i < 0 {
		return ""
	}
	base, path := url[:i], strings.TrimSuffix(url[i:], "/")
	name := strings.TrimPrefix(path, "/s/")
	return `openapi: 3.1.0
info: {title: ` + name + ` by Lockbox, version: "1"}
servers: [{url: "` + base + `"}]
paths:
  ` + path + `/{path}:
    parameters:
      - {name: path, in: path, required: true, schema: {type: string}}
    get: {operationId: get, summary: Read from ` + name + `, responses: {"200": {description: OK}}}
    post:
      operationId: post
      summary: Write to ` + name + `
      requestBody: {content: {application/json: {schema: {type: object, additionalProperties: true}}}}
      responses: {"200": {description: OK}}
`
}

// callerOf names who calls by its User-Agent, or by its address.
func callerOf(agent, remote string) string {
	agent = strings.ToLower(agent)
	for _, p := range platforms {
		for _, begin := range p.agents {
			if strings.HasPrefix(agent, begin) {
				return p.name
			}
		}
	}
	if i := strings.LastIndexByte(remote, ':'); i > 0 {
		remote = remote[:i]
	}
	return "a caller at " + remote
}
