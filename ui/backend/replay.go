package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockbox/proxy"
	"lockbox/proxy/audit"
	"lockbox/proxy/secret"
)

// replayTime bounds a replay: a stream without an end has no caller that leaves.
const replayTime = 5 * time.Minute

// ReplayEdit is a call as it is to be made again. Path and Query are as in an
// Exchange, and so begin with /s/ and the service's name, which stays.
type ReplayEdit struct {
	Method, Path, Query string
	Header              http.Header
	Body                []byte
}

// Replay makes the call of a record again, by the record's ID, and returns the new
// record. It is made as it was recorded if edit is nil. All that keeps a call from
// being made keeps this one too, but for the service token, which the person at
// the desktop needs not; what Lockbox refuses so is in the new record.
func (b *Backend) Replay(ctx context.Context, id string, edit *ReplayEdit) (Exchange, error) {
	x, err := b.audit.Get(id)
	if err != nil {
		return Exchange{}, err
	}
	again, err := EditOf(x)
	switch {
	case edit != nil && !replayable(x):
		return Exchange{}, err
	case edit != nil:
		if service(edit.Path) != service(again.Path) {
			return Exchange{}, fmt.Errorf("a call is made again to the same service: the path must begin with %s", service(again.Path))
		}
		again = *edit
	case err != nil:
		return Exchange{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, replayTime)
	defer cancel()
	return b.server.Replay(ctx, proxy.Replay{
		Of: x.ID, Method: again.Method, Target: target(again.Path, again.Query), Header: again.Header, Body: again.Body,
		Audience: strings.FieldsFunc(x.Audience, func(r rune) bool { return r == ',' }), JTI: x.JTI,
	})
}

// EditOf is a record's call as it can be made again, for a person to change. The
// error says why it cannot be made as it was: then the edit has what is on record.
// Headers whose values are not on record are left out; LeftOut names them.
func EditOf(x Exchange) (ReplayEdit, error) {
	e := ReplayEdit{Method: x.Method, Header: http.Header{}}
	e.Path, e.Query = addressOf(x)
	unpacked := x.RequestBody != nil && x.RequestHeader.Get("Content-Encoding") != ""
	for name, values := range x.RequestHeader {
		switch {
		case slices.Contains(values, secret.Redacted):
		case unpacked && slices.Contains([]string{"Content-Encoding", "Content-Md5", "Content-Digest"}, name):
		case slices.Contains(ownFields, name):
		default:
			e.Header[name] = slices.Clone(values)
		}
	}
	if b := x.RequestBody; b != nil {
		e.Body = append([]byte(b.Text), b.Base64...)
	}
	if !replayable(x) {
		return e, errors.New("only calls to a service can be made again, and this is none")
	}
	if err := wholeBody(x); err != nil {
		return e, fmt.Errorf("the call cannot be made again as it was: %w", err)
	}
	for what, text := range map[string]string{"address": target(e.Path, e.Query), "body": string(e.Body)} {
		if strings.Contains(text, secret.Redacted) {
			return e, fmt.Errorf("the call cannot be made again as it was: its %s had a secret in it that is not on record. Edit it and put something in the place of %s", what, secret.Redacted)
		}
	}
	return e, nil
}

// LeftOut are the headers of a call whose values are not on record, sorted: a
// replay and CurlOf leave them out, the service token aside.
func LeftOut(x Exchange) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(x.RequestHeader)) {
		if slices.Contains(x.RequestHeader[name], secret.Redacted) && !slices.Contains(tokenFields, name) {
			names = append(names, name)
		}
	}
	return names
}

// ownFields are about one request on one connection.
var ownFields = []string{"Host", "Content-Length", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect"}

// tokenFields are where a service token comes in.
var tokenFields = []string{"Authorization", "X-Lockbox-Token"}

// replayable reports whether a record is that of a call that can be made again
// in any way.
func replayable(x Exchange) bool {
	return x.Decision != audit.Noted && x.Event == "" && service(x.Path) != "" && x.Status != http.StatusSwitchingProtocols
}

// wholeBody says why a call's body is not on record, if it is not.
func wholeBody(x Exchange) error {
	b, length := x.RequestBody, x.RequestHeader.Get("Content-Length")
	announced, err := strconv.ParseInt(length, 10, 64)
	switch {
	case b != nil && b.Note != "":
		return errors.New(b.Note)
	case b != nil && b.Truncated:
		return fmt.Errorf("of its body's %d bytes only the first %d are on record", b.Size, len(b.Text)+len(b.Base64))
	case b == nil && x.BytesIn > 0:
		return errors.New("its body is not on record")
	case err == nil && announced != x.BytesIn,
		// Refused before its body was looked at, which came in pieces maybe.
		length == "" && x.BytesIn == 0 && x.Decision != audit.Allowed && slices.Contains([]string{"POST", "PUT", "PATCH"}, x.Method):
		return errors.New("its body was not taken in, and so is not on record")
	}
	return nil
}

// addressOf is a record's address without the service token, which may have stood
// in it.
func addressOf(x Exchange) (path, query string) {
	base := service(x.Path)
	path = base + strings.TrimPrefix(strings.TrimPrefix(x.Path, base), "/"+secret.Redacted)
	var kept []string
	for part := range strings.SplitSeq(x.Query, "&") {
		if part != "lockbox_token="+secret.Redacted {
			kept = append(kept, part)
		}
	}
	return path, strings.Join(kept, "&")
}

// service is the beginning of a path that says to which service it goes: "" if
// none.
func service(path string) string {
	rest, ok := strings.CutPrefix(path, "/s/")
	name, _, _ := strings.Cut(rest, "/")
	if !ok || name == "" {
		return ""
	}
	return "/s/" + name
}

// target is a path and a query as they are sent.
func target(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}
