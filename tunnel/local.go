package tunnel

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"
)

// The SDK tells ngrok this computer's name, the program's path and its process id
// with each endpoint, as what the endpoint forwards to, and has no option that says
// otherwise. So it speaks TLS with the edge's dialer only, which changes that one
// word on the way (frames.go) and speaks TLS with ngrok.

// localName is who the SDK believes to talk with.
const localName = "edge.lockbox.invalid"

// localTLS is TLS between the SDK and here, inside of the process.
type localTLS struct {
	cert tls.Certificate
	pool *x509.CertPool
}

func newLocalTLS() *localTLS {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: localName}, DNSNames: []string{localName},
		NotBefore: time.Now().AddDate(-10, 0, 0), NotAfter: time.Now().AddDate(100, 0, 0), // whatever the clock does
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err) // the template is wrong
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &localTLS{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool}
}

// trust has the SDK believe this end, and no other.
func (l *localTLS) trust(c *tls.Config) {
	c.RootCAs, c.ServerName, c.MinVersion = l.pool, localName, tls.VersionTLS13
}

func (l *localTLS) server(conn net.Conn) *tls.Conn {
	return tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{l.cert}, MinVersion: tls.VersionTLS13})
}
