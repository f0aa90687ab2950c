package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// makePKI makes an authority and the certificate with which the API server asks
// nodes, and has the server use it.
func makePKI(dir string) error {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	client := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	authorityDER, err1 := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	clientDER, err2 := x509.CreateCertificate(rand.Reader, client, authority, &key.PublicKey, authorityKey)
	keyDER, err3 := x509.MarshalECPrivateKey(key)
	clientCA = filepath.Join(dir, "ca.crt")
	certificate, keyFile := filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")
	server.Options.Controllers = true
	server.Options.APIServerFlags = []string{
		"--authorization-mode=Node", "--enable-admission-plugins=NodeRestriction",
		"--kubelet-client-certificate=" + certificate, "--kubelet-client-key=" + keyFile,
		"--kubelet-preferred-address-types=InternalIP",
	}
	return errors.Join(err1, err2, err3, writePEM(clientCA, "CERTIFICATE", authorityDER),
		writePEM(certificate, "CERTIFICATE", clientDER), writePEM(keyFile, "EC PRIVATE KEY", keyDER))
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
