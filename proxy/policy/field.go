package policy

import (
	"encoding/json"
	"math/big"
	"strings"

	"lockbox/proxy/config"
)

// field is a condition on a field of a JSON body, made ready.
type field struct {
	config.BodyCondition
	tokens   []string
	oneOf    []scalar
	min, max *big.Rat // nil: without bound
}

// scalar is a value that a condition names.
type scalar struct {
	text   string   // as people write it
	isText bool     // it is a JSON text
	isBool bool     // or true or false
	number *big.Rat // or a number
}

func compileField(c config.BodyCondition) field {
	f := field{BodyCondition: c}
	if c.Pointer != "" {
		for _, t := range strings.Split(c.Pointer[1:], "/") {
			f.tokens = append(f.tokens, strings.NewReplacer("~1", "/", "~0", "~").Replace(t))
		}
	}
	for _, s := range c.OneOf {
		f.oneOf = append(f.oneOf, compileScalar(s))
	}
	f.min, _ = c.Min.Rat()
	f.max, _ = c.Max.Rat()
	return f
}

func compileScalar(s config.Scalar) scalar {
	if text, ok := s.Text(); ok {
		return scalar{text: text, isText: true}
	}
	n, _ := s.Rat()
	return scalar{text: string(s), number: n, isBool: s == "true" || s == "false"}
}

// fits holds the body against the condition.
func (c *field) fits(v *view) fit {
	value, sure := lookUp(v.doc, c.tokens)
	f := c.holds(value)
	if !sure {
		f = maybe
	}
	if f == maybe {
		v.odd = "the body's " + c.Pointer + " can be read in more than one way"
	}
	return f
}

// holds is for a value that was found, or is missing.
func (c *field) holds(value any) fit {
	_, absent := value.(missing)
	switch {
	case value == nil && (c.Absent || c.Present):
		return maybe // null is missing to many
	case c.Absent != absent:
		return no
	case c.Absent:
		return yes
	}
	f := yes
	if c.OneOf != nil {
		f = no
		for i := range c.oneOf {
			f = max(f, c.oneOf[i].equals(value))
		}
	}
	if c.Glob != "" {
		f = min(f, fitsGlob(c.Glob, value))
	}
	if c.min != nil || c.max != nil {
		f = min(f, c.inside(value))
	}
	return f
}

// equals compares as strict and as lenient languages do.
func (s *scalar) equals(value any) fit {
	switch value := value.(type) {
	case json.Number:
		return s.equalsNumber(value)
	case string:
		return s.equalsText(value)
	case bool:
		if s.isBool {
			return surely((s.text == "true") == value)
		}
	case nil:
		if s.text == "null" && !s.isText {
			return yes
		}
	}
	return maybe // of a list or an object some take what is in there
}

func (s *scalar) equalsNumber(value json.Number) fit {
	if s.number == nil {
		return sometimes(s.isBool || s.isText && alike(s.text, value.String()))
	}
	n, ok := config.Scalar(value).Rat()
	switch {
	case !ok:
		return maybe
	case n.Cmp(s.number) == 0:
		return yes
	}
	return sometimes(float(n) == float(s.number))
}

func (s *scalar) equalsText(value string) fit {
	if s.isText && s.text == value {
		return yes
	}
	return sometimes(s.isBool || alike(s.text, value) || s.number != nil && strings.ContainsAny(value, "0123456789"))
}

func fitsGlob(glob string, value any) fit {
	switch value := value.(type) {
	case string:
		if wild(glob, value) {
			return yes
		}
		return sometimes(wild(foldText(glob), foldText(strings.TrimSpace(value))))
	case json.Number:
		return sometimes(wild(glob, value.String()))
	case nil:
		return no
	}
	return maybe
}

// inside holds a number against the bounds, exactly and as a float.
func (c *field) inside(value any) fit {
	switch value := value.(type) {
	case json.Number:
		n, ok := config.Scalar(value).Rat()
		if !ok || new(big.Rat).Abs(n).Cmp(huge) >= 0 {
			return maybe
		}
		exact := (c.min == nil || n.Cmp(c.min) >= 0) && (c.max == nil || n.Cmp(c.max) <= 0)
		rough := (c.min == nil || float(n) >= float(c.min)) && (c.max == nil || float(n) <= float(c.max))
		if exact != rough {
			return maybe
		}
		return surely(exact)
	case string:
		return sometimes(strings.ContainsAny(value, "0123456789"))
	}
	return maybe
}

// huge does not fit into the integers of most languages.
var huge = new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 63))

func float(n *big.Rat) float64 {
	f, _ := n.Float64()
	return f
}

// alike compares texts as languages do that tell no case.
func alike(a, b string) bool { return foldText(strings.TrimSpace(a)) == foldText(strings.TrimSpace(b)) }

func sometimes(b bool) fit {
	if b {
		return maybe
	}
	return no
}

func surely(b bool) fit {
	if b {
		return yes
	}
	return no
}
