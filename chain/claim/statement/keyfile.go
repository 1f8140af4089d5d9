package statement

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// The PEM types of key files. The encrypted one is cosign's, so that either
// program reads the other's.
const (
	pemPrivate   = "PRIVATE KEY"
	pemEncrypted = "ENCRYPTED SIGSTORE PRIVATE KEY"
	pemCosignOld = "ENCRYPTED COSIGN PRIVATE KEY"
)

const maxKeyFile = 64 << 10

// The errors of reading a key file.
var (
	ErrKeyMode    = errors.New("the key file can be read by others")
	ErrPassphrase = errors.New("the key is encrypted and the passphrase does not open it")
)

// PEM writes the key as PKCS #8; with a passphrase that is not nil, encrypted
// with scrypt and NaCl's secretbox as cosign does it.
func (k *PrivateKey) PEM(passphrase []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("writing a key: %w", err)
	}
	if passphrase == nil {
		return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der}), nil
	}
	box, err := encrypted.EncryptWithCustomKDFParameters(der, passphrase, encrypted.OWASP)
	if err != nil {
		return nil, fmt.Errorf("encrypting a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemEncrypted, Bytes: box}), nil
}

// ParsePrivateKey reads what PEM wrote, or "cosign generate-key-pair". The
// passphrase is asked for when the key is encrypted; nil says there is none.
func ParsePrivateKey(data []byte, passphrase func() ([]byte, error)) (*PrivateKey, error) {
	block, rest := pem.Decode(data)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("parsing a private key: it is not one PEM block: %w", ErrKey)
	}
	der := block.Bytes
	switch block.Type {
	case pemPrivate:
	case pemEncrypted, pemCosignOld:
		if passphrase == nil {
			return nil, fmt.Errorf("parsing a private key: %w", ErrPassphrase)
		}
		secret, err := passphrase()
		if err != nil {
			return nil, fmt.Errorf("asking for a key's passphrase: %w", err)
		}
		if der, err = encrypted.Decrypt(block.Bytes, secret); err != nil {
			return nil, fmt.Errorf("parsing a private key: %w: %w", ErrPassphrase, err)
		}
	default:
		return nil, fmt.Errorf("parsing a private key: the PEM block is a %q: %w", block.Type, ErrKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parsing a private key: %w: %w", ErrKey, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("parsing a private key: it cannot sign: %w", ErrKey)
	}
	if _, err := claimKeyType(key.Public()); err != nil {
		return nil, fmt.Errorf("parsing a private key: %w", err)
	}
	return &PrivateKey{key}, nil
}

// ReadKeyFile reads a private key. Where files have permission bits, one that
// its group or others may read or write is refused with ErrKeyMode.
func ReadKeyFile(path string, passphrase func() ([]byte, error)) (*PrivateKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading a key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, fmt.Errorf("reading key %q: it is no file of at most %d bytes: %w", path, maxKeyFile, ErrKey)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("reading key %q: its mode is %04o, not 0600: %w", path, mode, ErrKeyMode)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("reading key %q: %w", path, err)
	}
	k, err := ParsePrivateKey(data, passphrase)
	if err != nil {
		return nil, fmt.Errorf("reading key %q: %w", path, err)
	}
	return k, nil
}

// WriteKeyFile writes a private key with mode 0600 and its public key beside
// it as path + ".pub". Neither file may exist: a key is never overwritten.
func WriteKeyFile(path string, k *PrivateKey, passphrase []byte) error {
	private, err := k.PEM(passphrase)
	if err != nil {
		return err
	}
	public, err := MarshalPublicKey(k.Public())
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path + ".pub"); err == nil {
		return fmt.Errorf("writing a key: %q: %w", path+".pub", os.ErrExist)
	}
	if err := writeNew(path, private, 0o600); err != nil {
		return err
	}
	if err := writeNew(path+".pub", public, 0o644); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func writeNew(path string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("writing key %q: %w", filepath.Base(path), err), os.Remove(path))
	}
	return nil
}
