package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"lockbox/proxy/config"
)

func withMetrics(l *lab) {
	o := l.opts
	o.Metrics, o.StoreSize = true, func() int64 { return 4711 }
	drain, lanes := l.drain, l.lanes
	l.Server = New(o)
	l.drain, l.lanes = drain, lanes
}

// scraped is what Prometheus reads, by Prometheus's own parser: "name{labels}" → value.
func scraped(t *testing.T, l *lab) map[string]float64 {
	t.Helper()
	r := get(t, l.url+"/metrics")
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("/metrics: %d %v", r.status, r.header)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(r.body))
	if err != nil {
		t.Fatalf("%v in\n%s", err, r.body)
	}
	all := map[string]float64{}
	for name, f := range families {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, p := range m.GetLabel() {
				labels = append(labels, p.GetName()+"="+p.GetValue())
			}
			key := name + "{" + strings.Join(labels, ",") + "}"
			all[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			if h := m.GetHistogram(); h != nil {
				all[key] = float64(h.GetSampleCount())
				for _, b := range h.GetBucket() {
					all[fmt.Sprintf("%s le=%v", key, b.GetUpperBound())] = float64(b.GetCumulativeCount())
				}
			}
		}
	}
	return all
}

func TestMetrics(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			w.WriteHeader(404)
		}
	})
	l := newLab(t, services("shut", shut(up.URL), "gone", open("http://127.0.0.1:1"), `quote"d`, open(up.URL)), withMetrics)
	token := l.token(t, "shut")
	for range 3 {
		get(t, l.url+"/s/shut/x", "Authorization", "Bearer "+token)
	}
	get(t, l.url+"/s/shut/missing", "Authorization", "Bearer "+token)
	get(t, l.url+"/s/shut/x")
	get(t, l.url+"/s/gone/x")
	get(t, l.url+"/s/quote%22d/x")
	for i := range 20 {
		get(t, fmt.Sprintf("%s/s/nosuch%d/x", l.url, i))
	}
	get(t, l.url+"/healthz")
	get(t, l.url+"/favicon.ico")
	all := scraped(t, l)
	calls := 0
	for key, v := range all {
		if strings.HasPrefix(key, "lockbox_calls_total{") {
			calls += int(v)
		}
	}
	if calls != 27 {
		t.Errorf("%d calls, want 27: %v", calls, all)
	}
	for key, want := range map[string]float64{
		"lockbox_calls_total{service=shut,outcome=allowed,status=2xx}":    3,
		"lockbox_calls_total{service=shut,outcome=allowed,status=4xx}":    1,
		"lockbox_calls_total{service=shut,outcome=refused,status=4xx}":    1,
		"lockbox_calls_total{service=gone,outcome=failed,status=5xx}":     1,
		`lockbox_calls_total{service=quote"d,outcome=allowed,status=2xx}`: 1,
		"lockbox_calls_total{service=,outcome=refused,status=4xx}":        20,
		"lockbox_call_duration_seconds{service=shut}":                     5,
		"lockbox_call_duration_seconds{service=shut} le=60":               5,
		"lockbox_call_duration_seconds{service=} le=+Inf":                 20,
		"lockbox_calls_in_flight{}":                                       0,
		"lockbox_paused{}":                                                0,
		"lockbox_audit_queue{}":                                           0,
		"lockbox_audit_failures_total{}":                                  0,
		"lockbox_audit_records{}":                                         27,
		"lockbox_audit_bytes{}":                                           4711,
	} {
		if got, ok := all[key]; !ok || got != want {
			t.Errorf("%s is %v (there: %v), want %v", key, got, ok, want)
		}
	}
	for _, tt := range []struct {
		name    string
		headers []string
	}{{"of another host", []string{"Host", "evil.example"}}, {"of another site's page", []string{"Sec-Fetch-Site", "cross-site"}}, {"by POST", nil}} {
		r := request(t, http.MethodGet, l.url+"/metrics", nil, tt.headers...)
		r.Host = r.Header.Get("Host")
		if tt.headers == nil {
			r.Method = http.MethodPost
		}
		if got := do(t, r); got.status < 400 || strings.Contains(got.body, "lockbox_calls") {
			t.Errorf("a scrape %s: %d %s", tt.name, got.status, got.body)
		}
	}
	l.SetPaused(true)
	if err := l.log.Close(); err != nil {
		t.Fatal(err)
	}
	get(t, l.url+"/s/shut/x")
	if all := scraped(t, l); all["lockbox_paused{}"] != 1 || all["lockbox_audit_failures_total{}"] < 1 {
		t.Errorf("paused, and no record: %v", all)
	}
}

// Without being asked for there are no metrics; on the public side there never are.
func TestNoMetrics(t *testing.T) {
	text := services("s", open("lockbox://demo"))
	if r := get(t, newLab(t, text).url+"/metrics"); r.status != http.StatusNotFound {
		t.Errorf("without being asked for: %d", r.status)
	}
	l := newLab(t, text, withMetrics)
	public := "http://" + opened(t, l)
	if r := get(t, public+"/metrics"); r.status != http.StatusNotFound {
		t.Errorf("on the public side: %d %s", r.status, r.body)
	}
}

// What counting costs a call.
func BenchmarkCount(b *testing.B) {
	m := &metrics{}
	rt := &route{service: &config.Service{Name: "github"}}
	rec := &record{}
	rec.x.Status, rec.x.Decision, rec.x.Duration = 200, decisions[0], 3*steps[4]
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.waiting.Add(1)
			m.count(rt, &rec.x, nil, nil)
		}
	})
}
