package backend

import "testing"

func TestHasOwn(t *testing.T) {
	demo := ServiceInfo{Name: "demo", BaseURL: "lockbox://demo", Credential: "none"}
	github := ServiceInfo{Name: "github_public", BaseURL: "https://api.github.com", Credential: "none"}
	keyed := github
	keyed.Credential = "bearer"
	elsewhere := github
	elsewhere.BaseURL = "https://github.example"
	tests := []struct {
		name     string
		services []ServiceInfo
		want     bool
	}{
		{"none", nil, false},
		{"those of the starter config", []ServiceInfo{demo, github}, false},
		{"one more", []ServiceInfo{{Name: "acme", BaseURL: "https://acme.example", Credential: "bearer"}, demo}, true},
		{"the demo under another name", []ServiceInfo{{Name: "echo", BaseURL: "lockbox://demo", Credential: "none"}}, false},
		{"one that was given a key", []ServiceInfo{demo, keyed}, true},
		{"one that was led elsewhere", []ServiceInfo{demo, elsewhere}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (View{Services: tt.services}).HasOwn(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
