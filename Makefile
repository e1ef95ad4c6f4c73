# make run       builds what this machine can show, and starts it
# make test      everything: vet, lint, race, windows on a private desktop
# make build     bin/lockbox with window and tray
# make headless  bin/lockbox-headless, static, no C compiler needed
# make package   what people install, into bin/package: .deb, tar.xz, Windows, headless
# make package-test  makes them, then installs, starts and removes those: in a clean Debian, and under Wine
# make sdk       unmodified SDKs, and a validator of exports, at the built binary (needs Node 18 or newer)
# make lint bench fuzz clean

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory

# go.mod names the Go version; an older go command fetches it by itself.
export GOTOOLCHAIN := auto
export LOCKBOX_ARTIFACTS ?= $(CURDIR)/.artifacts

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
OS_NAME := $(if $(filter Windows_NT,$(OS)),Windows,$(shell uname -s 2>/dev/null))
EXE := $(if $(filter Windows,$(OS_NAME)),.exe)

.PHONY: run build headless package package-test test lint vet race sdk widgets desktop bench fuzz clean packages test-packages go

run: go
ifeq ($(OS_NAME)$(DISPLAY)$(WAYLAND_DISPLAY),Linux)
	@echo "No display here: building the headless Lockbox." >&2
	@CGO_ENABLED=0 go build -tags headless -ldflags '$(LDFLAGS)' -o bin/lockbox .
	@exec bin/lockbox serve
else
	@$(MAKE) build
	@exec bin/lockbox$(EXE)
endif

build: go packages
	@echo "Building bin/lockbox$(EXE) (the first time takes some minutes)" >&2
	@CGO_ENABLED=1 go build -ldflags '$(LDFLAGS)' -o bin/lockbox$(EXE) .

headless: go
	CGO_ENABLED=0 go build -tags headless -ldflags '$(LDFLAGS)' -o bin/lockbox-headless$(EXE) .

test: go test-packages vet lint race sdk desktop

vet: go
	go vet ./...
	go vet -tags desktop,bench ./...
	CGO_ENABLED=0 go vet -tags headless,sdk,bench ./...
	go vet -tags desktop,package ./ui/desktest
	@# What other systems compile; on macOS Fyne needs Apple's C compiler.
	GOOS=windows CGO_ENABLED=0 go vet -tags headless ./...
	GOOS=darwin CGO_ENABLED=0 go vet -tags headless $$(go list ./... | grep -v '^lockbox/ui$$')

lint: go
	.ci/golangci-lint run ./...
	.ci/golangci-lint run --build-tags desktop ./...
	@# Without a window much of ui has no caller.
	CGO_ENABLED=0 .ci/golangci-lint run --build-tags headless,sdk --disable unused ./...

# Pages run on Fyne's test driver here, which needs no display and, without the
# packages that do, builds with the race detector in half a minute.
race: go
	CGO_ENABLED=1 go test -race -tags headless -timeout 20m ./...

# The npm registry is asked in npm ci only, and only when the lock file is another
# than what is installed.
SDKS := proxy/conformance/testdata/sdk
sdk: go
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
	  echo "Node is missing, so no SDK is tested: install Node 18 or newer with npm to run make sdk." >&2; exit 0; \
	fi; \
	cd $(SDKS); \
	cmp -s package-lock.json node_modules/.installed || { \
	  npm ci --ignore-scripts --no-audit --no-fund; cp package-lock.json node_modules/.installed; }; \
	cd "$(CURDIR)"; \
	CGO_ENABLED=0 go test -tags headless,sdk -count=1 -run '^Test(SDK|HAR)$$' ./proxy/conformance

# Real windows on a private desktop, in the packages that have such tests.
desktop: test-packages
	@mkdir -p "$(LOCKBOX_ARTIFACTS)"
	@# ui draws its pictures without a display, and so beside the others, which wait for theirs most of the time.
	go test -tags desktop -count=1 -timeout 20m ./ui & pictures=$$!; \
	go test -tags desktop -count=1 -timeout 20m -p 1 $$(grep -rl --include='*_test.go' '^//go:build.*\bdesktop\b' . | xargs -n1 dirname | sort -u | grep -vx ./ui) || { kill $$pictures; exit 1; }; \
	wait $$pictures

package: go
	@.ci/packages build package
	.ci/package/build

SUDO = $(if $(filter 0,$(shell id -u)),,sudo)

# A Debian of its own is made by debootstrap, which only root can; the tests of the
# rest are run as whoever is here. What is mounted for it is mounted for the tests
# alone, and gone with them, however they end: nothing that is removed later may lead
# through a mount to /dev or a home.
package-test: package
	@.ci/packages test package-test
	@mkdir -p bin/headless; tar -xzf bin/package/lockbox-headless_*_linux_amd64.tar.gz --strip-components=1 -C bin/headless
	LOCKBOX_BINARY="$(CURDIR)/bin/headless/lockbox" CGO_ENABLED=0 go test -tags headless -count=1 -timeout 20m ./proxy/conformance
	go test -tags desktop,package -c -o bin/package.test ./ui/desktest
	cd ui/desktest && ../../bin/package.test -test.v -test.timeout 15m -test.run '^TestReproducible$$'
	cd ui/desktest && $(SUDO) unshare --mount --propagation private env LOCKBOX_OWN_MOUNTS=yes LOCKBOX_ARTIFACTS="$(LOCKBOX_ARTIFACTS)" ../../bin/package.test -test.v -test.timeout 30m -test.run '^Test(Deb|Container|Units|Checksums|Archives|Windows|WindowsInstaller|WindowsConsole)$$'

# Lockbox beside nginx and a plain ReverseProxy; what the window takes to start, idle
# and in memory, on a private desktop; then the parts by themselves.
bench: go
	@.ci/packages test bench
	CGO_ENABLED=0 go test -tags headless,bench -count=1 -timeout 30m -v ./proxy/bench
	go test -tags desktop,bench -count=1 -timeout 30m -v -run '^Test(StartTime|Idle.*|Memory)$$' ./ui/desktest
	CGO_ENABLED=0 go test -tags headless -run '^$$' -bench . -benchmem ./...

fuzz: go
	@for pkg in $$(CGO_ENABLED=0 go list -tags headless ./...); do \
	  for name in $$(CGO_ENABLED=0 go test -tags headless -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$name"; \
	    CGO_ENABLED=0 go test -tags headless -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

clean:
	@# What package-test leaves is root's.
	@[ ! -d .cache/roots ] || $(SUDO) rm -rf --one-file-system .cache/roots .artifacts
	rm -rf bin .artifacts .cache

go:
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.21 or newer from https://go.dev/dl (it fetches the version that go.mod asks for)." >&2; exit 1; }

packages:
ifeq ($(OS_NAME),Linux)
	@.ci/packages build
else ifeq ($(OS_NAME),Darwin)
	@xcode-select -p >/dev/null 2>&1 || { echo "Fyne needs Apple's command line tools: run xcode-select --install, then make again. make headless needs none." >&2; exit 1; }
else
	@command -v gcc >/dev/null || { echo "Fyne needs a C compiler: install MSYS2 (https://www.msys2.org), there pacman -S mingw-w64-x86_64-gcc, and put its bin folder on the PATH. make headless needs none." >&2; exit 1; }
endif

test-packages:
ifeq ($(OS_NAME),Linux)
	@.ci/packages test
else
	@echo "make test wants Linux, whose desktop it can bring up by itself; here run: go test ./..." >&2; exit 1
endif
