// Package update finds out whether there is a newer Lockbox. It never fetches or
// installs one.
package update

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// Feed is where the project's releases are listed, as GitHub does it. Who builds
// Lockbox sets it: -ldflags "-X lockbox/ui/update.Feed=https://…", or to nothing
// where something else looks after new versions.
var Feed = "https://api.github.com/repos/mkjt2/lockbox/releases"

const (
	maxFeed = 1 << 20
	maxTag  = 64
	askTime = 20 * time.Second
)

// Release is one that is newer than this one.
type Release struct {
	Version string
	Page    string // what is new in it, for the browser
}

// between are versions that git describe gives to what stands between two.
var between = regexp.MustCompile(`-\d+-g[0-9a-f]+(-dirty)?$|-dirty$`)

// Released reports whether version is one of those that are released, so that others
// can be newer.
func Released(version string) bool { return semver.IsValid(version) && !between.MatchString(version) }

// Ask asks a feed for the newest release, and returns the zero one when none is newer
// than version. What is tried out by others is offered only to who does so already.
func Ask(ctx context.Context, feed, version string) (Release, error) {
	if feed == "" || !Released(version) {
		return Release{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	text, err := get(ctx, feed)
	if err != nil {
		return Release{}, fmt.Errorf("new versions cannot be looked for: %w", err)
	}
	return newest(text, feed, version)
}

// get sends nothing that tells one person from another.
func get(ctx context.Context, feed string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, feed, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "Lockbox")
	client := http.Client{CheckRedirect: func(to *http.Request, before []*http.Request) error {
		if len(before) > 3 || to.URL.Scheme != before[0].URL.Scheme {
			return fmt.Errorf("sent on to %s", to.URL.Host)
		}
		to.Header.Del("Referer")
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", req.URL.Host, resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxFeed+1))
	if err == nil && len(text) > maxFeed {
		err = fmt.Errorf("%s answered with more than 1 MiB", req.URL.Host)
	}
	return text, err
}

// newest looks through a feed, which may be anyone's.
func newest(text []byte, feed, version string) (best Release, err error) {
	var all []struct {
		Tag        string `json:"tag_name"`
		Page       string `json:"html_url"`
		Draft      bool   `json:"draft"`
		Prerelease bool   `json:"prerelease"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return Release{}, fmt.Errorf("the list of new versions cannot be read: %w", err)
	}
	for _, r := range all {
		early := r.Prerelease || semver.Prerelease(r.Tag) != ""
		if r.Draft || len(r.Tag) > maxTag || !Released(r.Tag) || early && semver.Prerelease(version) == "" {
			continue
		}
		if semver.Compare(r.Tag, cmp.Or(best.Version, version)) > 0 && pageOf(r.Page, feed) {
			best = Release{Version: r.Tag, Page: r.Page}
		}
	}
	return best, nil
}

// pageOf reports whether a page is of the feed's own site: a browser is to open it.
func pageOf(page, feed string) bool {
	u, err := url.Parse(page)
	f, feedErr := url.Parse(feed)
	if err != nil || feedErr != nil || u.Scheme != "https" || u.User != nil {
		return false
	}
	return u.Host == f.Host || u.Host == strings.TrimPrefix(f.Host, "api.")
}
