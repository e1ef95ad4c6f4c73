package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"
)

// Parse reads and checks a file's text; file is its name in messages. The
// error is Problems: all of them, unless the syntax is broken, of which only
// the first place is known.
func Parse(file string, src []byte) (*Config, error) {
	doc, err := parseDocument(file, src)
	if err != nil {
		return nil, err
	}
	d := &decoder{}
	c := d.config(&doc.root)
	if len(d.errors) > 0 {
		return nil, Problems(locate(file, doc.src, d.errors))
	}
	c.Warnings = locate(file, doc.src, d.warnings)
	return c, nil
}

// decoder walks the tree and notes what it finds.
type decoder struct {
	service          string // the one that is being read
	errors, warnings []finding
}

func (d *decoder) fail(at *hujson.Value, field, format string, args ...any) {
	d.errors = append(d.errors, d.found(at, field, fmt.Sprintf(format, args...)))
}

func (d *decoder) warn(at *hujson.Value, field, format string, args ...any) {
	d.warnings = append(d.warnings, d.found(at, field, fmt.Sprintf(format, args...)))
}

func (d *decoder) found(at *hujson.Value, field, message string) finding {
	return finding{at.StartOffset, Problem{Service: d.service, Field: field, Message: message}}
}

// object is a JSON object by its keys.
type object struct {
	at      *hujson.Value
	members []hujson.ObjectMember
	names   []string       // of members, decoded
	index   map[string]int // into members
}

func (o *object) value(name string) *hujson.Value {
	i, ok := o.index[name]
	if !ok {
		return nil
	}
	return &o.members[i].Value
}

// object reads v, which must be an object without doubled keys: of those, which
// one is meant is anyone's guess. field is that of v.
func (d *decoder) object(v *hujson.Value, field string) *object {
	obj, ok := v.Value.(*hujson.Object)
	if !ok {
		d.fail(v, field, "must be an object, { … }, and is %s", kind(v))
		return nil
	}
	o := &object{v, obj.Members, make([]string, len(obj.Members)), make(map[string]int, len(obj.Members))}
	for i := range obj.Members {
		name := text(obj.Members[i].Name.Value)
		o.names[i] = name
		if _, double := o.index[name]; !double {
			o.index[name] = i
			continue
		}
		what := "a key"
		if !strings.HasPrefix(field, "credential/") && len(name) <= MaxNameLength {
			what = strconv.Quote(name)
		}
		d.fail(&obj.Members[i].Name, field, "%s is there twice: remove one of them", what)
	}
	return o
}

// text is what a JSON string says, and "" for other values; the syntax is known
// to be good.
func text(v hujson.ValueTrimmed) string {
	lit, _ := v.(hujson.Literal)
	if lit.Kind() != '"' {
		return ""
	}
	if inner := string(lit[1 : len(lit)-1]); !strings.Contains(inner, `\`) {
		return inner
	}
	var s string
	_ = json.Unmarshal(lit, &s)
	return s
}

// kind names the type of v, never its value.
func kind(v *hujson.Value) string {
	switch v.Value.Kind() {
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	case '"':
		return "text"
	case '0':
		return "a number"
	case '[':
		return "a list"
	}
	return "an object"
}

func isNull(v *hujson.Value) bool { return v == nil || v.Value.Kind() == 'n' }

// text reads a string. ok is false when v is nil, without a problem.
func (d *decoder) text(v *hujson.Value, field string) (s string, ok bool) {
	if v == nil {
		return "", false
	}
	if v.Value.Kind() != '"' {
		d.fail(v, field, "must be text in double quotes, and is %s", kind(v))
		return "", false
	}
	if s = text(v.Value); !readable(s) {
		d.fail(v, field, "has a character that is not valid text")
		return "", false
	}
	return s, true
}

// boolean reads true or false. The original also took what its schema library
// takes for them.
func (d *decoder) boolean(v *hujson.Value, field string, or bool) bool {
	if v == nil {
		return or
	}
	lit, _ := v.Value.(hujson.Literal)
	word := string(lit)
	switch word {
	case "true", "false":
		return word == "true"
	}
	switch strings.ToLower(strings.Trim(word, `"`)) {
	case "true", "1", "yes", "y", "on", "t":
		d.warn(v, field, "is read as true: write it so, without quotes")
		return true
	case "false", "0", "no", "n", "off", "f":
		d.warn(v, field, "is read as false: write it so, without quotes")
		return false
	}
	d.fail(v, field, "must be true or false")
	return or
}

// config reads the whole file.
func (d *decoder) config(root *hujson.Value) *Config {
	c := &Config{Services: map[string]*Service{}, Listen: DefaultListen, Record: defaultRecord, Drift: DriftMark}
	o := d.object(root, "")
	if o == nil {
		return c
	}
	d.unknown(o, "", topKeys)
	c.Tunnel = d.tunnel(o.value("tunnel"))
	c.Brake = d.brake(o.value("brake"))
	c.Ask = d.asking(o.value("ask"))
	c.Drift = d.drift(o.value("drift"), DriftMark)
	if s, ok := d.text(o.value("listen"), "listen"); ok {
		c.Listen = d.listen(o.value("listen"), s)
	}
	c.PublicListen = d.publicListen(o, c.Listen)
	c.UseProxyEnv = d.boolean(o.value("use_proxy_env"), "use_proxy_env", false)
	c.Vault = d.vault(o.value("vault"))
	if v := o.value("audit_log"); !isNull(v) {
		c.AuditLog = d.auditLog(v, &c.Record)
	}
	if v := o.value("services"); v != nil {
		d.services(v, c.Services)
	} else {
		d.missing(o, "", "services")
	}
	return c
}

func (d *decoder) listen(v *hujson.Value, s string) string {
	if err := CheckListen(s); err != nil {
		d.fail(v, "listen", "%v", err)
	} else if !isLoopback(s) {
		d.warn(v, "listen", "can be reached from other machines: the local listener is meant for this one, 127.0.0.1")
	}
	return s
}

func (d *decoder) services(v *hujson.Value, services map[string]*Service) {
	o := d.object(v, "services")
	if o == nil {
		return
	}
	for i, name := range o.names {
		key := &o.members[i].Name
		if strings.HasPrefix(name, "_") && o.members[i].Value.Value.Kind() != '{' {
			continue // a comment, as in the original's sample one level down
		}
		if err := CheckName(name); err != nil {
			d.fail(key, "services", "the name of a service %v", err)
			continue
		}
		d.service = name
		services[name] = d.serviceOf(name, key, &o.members[i].Value)
		d.service = ""
	}
}

// missing reports a key that must be there, and the one that may be a slip of
// the pen for it.
func (d *decoder) missing(o *object, prefix, key string) {
	for i, name := range o.names {
		if suggest(name, []string{key}) == key {
			d.fail(&o.members[i].Name, prefix+key, "is missing: is %q meant for it?", name)
			return
		}
	}
	d.fail(o.at, prefix+key, "is missing")
}
