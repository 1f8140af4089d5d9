//go:build linux && amd64

package engine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// authority is a CA of the test's own.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.key, a.cert = certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: "a test's authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	a.file = writePEM(t, "CERTIFICATE", a.cert.Raw)
	return a
}

func certify(t *testing.T, c *x509.Certificate, by *authority) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "*.pem")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pem.Encode(f, &pem.Block{Type: kind, Bytes: der}); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// leaf is a certificate and its key, in files.
func (a *authority) leaf(t *testing.T, name string, use x509.ExtKeyUsage) (cert, key string) {
	t.Helper()
	k, c := certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use}}, a)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", c.Raw), writePEM(t, "EC PRIVATE KEY", der)
}

// TestTLS reaches a stock BuildKit over TCP with certificates on both sides,
// and does not with any of them wrong.
func TestTLS(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	cert, key := ours.leaf(t, "builder.example", x509.ExtKeyUsageServerAuth)
	mine, mineKey := ours.leaf(t, "client", x509.ExtKeyUsageClientAuth)
	stranger, strangerKey := other.leaf(t, "client", x509.ExtKeyUsageClientAuth)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp := "tcp://" + l.Addr().String()
	l.Close()
	address := func(ca, name, cert, key string) string {
		q := url.Values{}
		for k, v := range map[string]string{"ca": ca, "servername": name, "cert": cert, "key": key} {
			if v != "" {
				q.Set(k, v)
			}
		}
		return tcp + "?" + q.Encode()
	}
	e := daemon(t, []string{"--addr", tcp, "--tlscert", cert, "--tlskey", key, "--tlscacert", ours.file},
		address(ours.file, "builder.example", mine, mineKey))
	if _, b := build(t, e, request(t, "FROM scratch\nCOPY probe /probe\nRUN [\"/probe\", \"true\"]\n", nil)); b.Index == "" {
		t.Error("no image came over TLS")
	}
	for name, c := range map[string]struct{ address, want string }{
		"another authority's server":  {address(other.file, "builder.example", mine, mineKey), "unknown authority"},
		"another name":                {address(ours.file, "elsewhere.example", mine, mineKey), "elsewhere.example"},
		"no name but the address":     {address(ours.file, "", mine, mineKey), "127.0.0.1"},
		"no certificate of our own":   {address(ours.file, "builder.example", "", ""), "does not answer"},
		"a stranger's certificate":    {address(ours.file, "builder.example", stranger, strangerKey), "does not answer"},
		"no TLS at all":               {tcp, "does not answer"},
		"an authority that is absent": {address("/nowhere/ca.pem", "builder.example", mine, mineKey), "/nowhere/ca.pem"},
	} {
		e, err := Dial(t.Context(), c.address)
		if err == nil {
			e.Close()
			t.Errorf("%s: connected", name)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q in it", name, err, c.want)
		}
	}
}
