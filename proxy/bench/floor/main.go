// Floor is the least that a Go programmer would write for Lockbox's job:
// httputil.ReverseProxy, a token check and a line of JSON for each call. Only the
// benchmarks use it.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// main is told how to serve: as the proxy, as an upstream that takes bodies, or as one
// that takes its time, as real ones do.
func main() {
	switch args := os.Args[1:]; {
	case len(args) == 2 && args[0] == "sink":
		log.Fatal(http.ListenAndServe(args[1], http.HandlerFunc(swallow))) //nolint:gosec // measured, not used
	case len(args) == 3 && args[0] == "late":
		log.Fatal(late(args[1], args[2]))
	case len(args) == 5 && args[0] == "proxy":
		log.Fatal(proxy(args[1], args[2], []byte(args[3]), args[4]))
	}
	log.Fatal("usage: floor sink ADDRESS, floor late ADDRESS DELAY, or floor proxy ADDRESS UPSTREAM KEY FILE")
}

func swallow(w http.ResponseWriter, r *http.Request) {
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, make([]byte, 256<<10)); err != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
}

func late(address, delay string) error {
	wait, err := time.ParseDuration(delay)
	if err != nil {
		return err
	}
	body := strings.Repeat("x", 1<<10)
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { //nolint:gosec // measured, not used
		time.Sleep(wait)
		_, _ = io.WriteString(w, body)
	}))
}

func proxy(address, target string, key []byte, path string) error {
	upstream, err := url.Parse(target)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the test's own
	if err != nil {
		return err
	}
	var mu sync.Mutex
	lines := bufio.NewWriter(file)
	to := &httputil.ReverseProxy{
		ErrorLog:  log.New(io.Discard, "", 0),
		Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/s/bench")
			r.Out.Header.Set("Authorization", "Bearer sk-upstream-key")
		},
		ModifyResponse: func(r *http.Response) error {
			line, err := json.Marshal(map[string]any{"time": time.Now(), "method": r.Request.Method, "path": r.Request.URL.Path, "status": r.StatusCode})
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			_, err = lines.Write(append(line, '\n'))
			return err
		},
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		raw := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		claims := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
		if err != nil || claims["service_name"] != "bench" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		to.ServeHTTP(w, r)
	}
	return http.ListenAndServe(address, http.HandlerFunc(handler)) //nolint:gosec // measured, not used
}
