// Bare is Lockbox's proxy by itself, with its record of calls or without, so that
// the two can be measured side by side. Only the benchmarks use it.
package main

import (
	"context"
	"log"
	"net"
	"os"
	"os/signal"

	"lockbox/proxy"
	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// main is told where to serve, the config, the signing key, and the directory of
// the record; "" keeps none.
func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: bare ADDRESS CONFIG KEY DIRECTORY")
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		log.Fatal(err)
	}
}

func serve(address, path, key, dir string) error {
	o := proxy.Options{
		Load: func(context.Context) (*config.Config, error) { return config.Load(path) },
		Keys: func(context.Context) (token.Keys, error) { return token.Keys{Current: secret.New(key)}, nil },
	}
	if dir != "" {
		l, err := audit.Open(dir)
		if err != nil {
			return err
		}
		defer l.Close() //nolint:errcheck // measured, not used
		o.Audit = l
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := proxy.New(o)
	defer s.Close()
	if _, err := s.Reload(ctx); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return s.Serve(ctx, ln)
}
