package sign

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"fmt"
)

// info binds sealed bytes to their use.
const info = "hotpod specialize v1"

// Opener holds a pod's secret key. It is safe for concurrent use.
type Opener struct {
	key    hpke.PrivateKey
	public []byte
}

// NewOpener makes a new key pair, kept in memory only.
func NewOpener() (*Opener, error) {
	secret, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a sealing key: %w", err)
	}
	key, err := hpke.NewDHKEMPrivateKey(secret)
	if err != nil {
		return nil, fmt.Errorf("make a sealing key: %w", err)
	}
	return &Opener{key: key, public: secret.PublicKey().Bytes()}, nil
}

// PublicKey returns the key that Seal takes.
func (o *Opener) PublicKey() []byte { return o.public }

// Open returns what was sealed to this opener's key.
func (o *Opener) Open(sealed []byte) ([]byte, error) {
	plain, err := hpke.Open(o.key, hpke.HKDFSHA256(), hpke.AES128GCM(), []byte(info), sealed)
	if err != nil {
		return nil, fmt.Errorf("open sealed call: %w", err)
	}
	return plain, nil
}

// Seal encrypts plain so that only the holder of the key can read it.
func Seal(publicKey, plain []byte) ([]byte, error) {
	public, err := ecdh.X25519().NewPublicKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("read sealing key: %w", err)
	}
	key, err := hpke.NewDHKEMPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("read sealing key: %w", err)
	}
	sealed, err := hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES128GCM(), []byte(info), plain)
	if err != nil {
		return nil, fmt.Errorf("seal call: %w", err)
	}
	return sealed, nil
}
