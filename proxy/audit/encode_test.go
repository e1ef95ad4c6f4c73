package audit

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

func FuzzAppendContent(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c/<>&'", "\x00\x1f\x7f\b\f\n\r\t", "é€😀\u2028\u2029\ufffd", "\xff\xc0\x80cut\xe2\x82"} {
		f.Add(s, []byte(s), int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, s string, data []byte, n int64) {
		for _, x := range []Exchange{
			{},
			{Event: s, Drift: s, ReplayOf: s, Time: time.Unix(n%1e9, n%1e9).UTC(), Service: s, Method: s, Path: s, Query: s, Status: int(n % 1000), Duration: time.Duration(n), BytesIn: n, BytesOut: -n,
				Audience: s, JTI: s, Listener: s, Remote: s, Decision: Decision(s), Reason: s, Rule: s,
				RequestHeader: http.Header{s: {s, "x"}, "B": nil, "A": {}}, ResponseHeader: http.Header{},
				RequestBody: &Body{Text: s, Base64: data, Size: n, SHA256: s, Truncated: n%2 == 0, Note: s}, ResponseBody: &Body{}},
		} {
			want, err := json.Marshal(&x)
			if err != nil {
				t.Skip(err)
			}
			if got := `{"id":"","seq":0,` + string(appendContent(nil, &x)) + "}"; got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		}
	})
}
