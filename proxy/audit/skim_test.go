package audit

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestSkim: what counts all calls sees each of them once, in the index or in the
// files, as far back as it asks for.
func TestSkim(t *testing.T) {
	l := open(t, t.TempDir())
	began := time.Now().Add(-time.Hour)
	for i := range 60 {
		x := Exchange{Time: began.Add(time.Duration(i) * time.Minute), Service: "a", Method: "GET", Path: "/", Status: 200 + i, Duration: time.Second,
			Audience: "zapier", JTI: fmt.Sprint("jti-", i), Decision: Failed, Reason: "upstream_timeout: …", Event: "e"}
		if err := l.Append(&x); err != nil {
			t.Fatal(err)
		}
	}
	indexed(t, l)
	tests := []struct {
		name          string
		after, before int64
		since         time.Time
		most          int
		want          []int64 // the first, the last and how many
	}{
		{"all", 0, 0, time.Time{}, 0, []int64{60, 1, 60}},
		{"what is new", 58, 0, time.Time{}, 0, []int64{60, 59, 2}},
		{"nothing is new", 60, 0, time.Time{}, 0, nil},
		{"further back", 0, 11, time.Time{}, 0, []int64{10, 1, 10}},
		{"a while", 0, 0, began.Add(50 * time.Minute), 0, []int64{60, 51, 10}},
		{"some", 0, 0, time.Time{}, 3, []int64{60, 58, 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []int64
			until, err := l.Skim(t.Context(), tt.after, tt.before, tt.since, func(x *Exchange) error {
				if x.Service != "a" || x.Status != 199+int(x.Seq) || x.Duration != time.Second || x.Audience != "zapier" || x.JTI != fmt.Sprint("jti-", x.Seq-1) ||
					x.Decision != Failed || x.Reason == "" || x.Event != "e" || !x.Time.Equal(began.Add(time.Duration(x.Seq-1)*time.Minute)) {
					t.Errorf("%+v", x)
				}
				if got = append(got, x.Seq); len(got) == tt.most {
					return errEnough
				}
				return nil
			})
			if tt.most > 0 != errors.Is(err, errEnough) || err != nil && tt.most == 0 || until != 60 {
				t.Errorf("until %d, %v", until, err)
			}
			if len(got) > 0 {
				got = []int64{got[0], got[len(got)-1], int64(len(got))}
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if n, err := l.Rest(t.Context(), tt.after, func(*Exchange) { t.Error("a rest") }); n != 0 || err != nil {
				t.Errorf("a rest of %d, %v", n, err)
			}
		})
	}
}

// TestRest: what no index has yet comes from the files.
func TestRest(t *testing.T) {
	l := open(t, t.TempDir())
	if err := l.index.close(); err != nil {
		t.Fatal(err)
	}
	l.index = nil
	for i := range maxTail + 10 {
		add(t, l, "a", fmt.Sprint("/", i))
	}
	for _, tt := range []struct {
		after      int64
		n, read    int64
		first, end int64
	}{
		{0, maxTail + 10, maxTail, maxTail + 10, 11},
		{maxTail + 7, 3, 3, maxTail + 10, maxTail + 8},
		{maxTail + 10, 0, 0, 0, 0},
	} {
		var first, end, read int64
		n, err := l.Rest(t.Context(), tt.after, func(x *Exchange) {
			if read++; first == 0 {
				first = x.Seq
			}
			end = x.Seq
		})
		if err != nil || n != tt.n || read != tt.read || first != tt.first || end != tt.end {
			t.Errorf("after %d: %d of %d from %d to %d, %v; want %+v", tt.after, read, n, first, end, err, tt)
		}
		if until, err := l.Skim(t.Context(), tt.after, 0, time.Time{}, func(*Exchange) error { t.Error("a record"); return nil }); until != 0 || err != nil {
			t.Errorf("an index up to %d, %v", until, err)
		}
	}
}
