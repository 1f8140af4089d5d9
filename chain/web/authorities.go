package web

import (
	"crypto/x509"
	"fmt"
	"os"
)

// Authorities are the system's certificate authorities and those in a file of
// PEM certificates, for registries and mirrors inside a company.
func Authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading certificate authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without any still trusts the file's
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading certificate authorities: %q holds no PEM certificate", file)
	}
	return pool, nil
}
