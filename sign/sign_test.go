package sign

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func signer(t *testing.T) *Signer {
	t.Helper()
	s, err := NewSigner(GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerify_AcceptsOnlyTheCallThatWasSigned(t *testing.T) {
	s := signer(t)
	now := time.UnixMilli(1_000_000)
	header := s.Sign("pod-1", "POST", "/v1/specialize", []byte("body"), now.Add(TTL))
	other := signer(t).Sign("pod-1", "POST", "/v1/specialize", []byte("body"), now.Add(TTL))
	for name, c := range map[string]struct {
		pod, method, path, body, header string
		now                             time.Time
		want                            error
	}{
		"the call itself":  {"pod-1", "POST", "/v1/specialize", "body", header, now, nil},
		"another pod":      {"pod-2", "POST", "/v1/specialize", "body", header, now, ErrSignature},
		"another method":   {"pod-1", "GET", "/v1/specialize", "body", header, now, ErrSignature},
		"another path":     {"pod-1", "POST", "/v1/drain", "body", header, now, ErrSignature},
		"another body":     {"pod-1", "POST", "/v1/specialize", "Body", header, now, ErrSignature},
		"another signer":   {"pod-1", "POST", "/v1/specialize", "body", other, now, ErrSignature},
		"a later expiry":   {"pod-1", "POST", "/v1/specialize", "body", "9" + header, now, ErrSignature},
		"after its expiry": {"pod-1", "POST", "/v1/specialize", "body", header, now.Add(TTL + time.Millisecond), ErrExpired},
		"no signature":     {"pod-1", "POST", "/v1/specialize", "body", "", now, ErrSignature},
		"no expiry":        {"pod-1", "POST", "/v1/specialize", "body", ".AAAA", now, ErrSignature},
		"not base64":       {"pod-1", "POST", "/v1/specialize", "body", "12.!!", now, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := NewVerifier(c.pod, s.PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(c.header, c.method, c.path, []byte(c.body), c.now); !errors.Is(err, c.want) {
				t.Errorf("Verify = %v, want %v", err, c.want)
			}
		})
	}
}

func TestNewVerifier_RefusesWhatIsNoKey(t *testing.T) {
	for _, k := range []string{"", "!!", "AAAA"} {
		if _, err := NewVerifier("pod", k); err == nil {
			t.Errorf("NewVerifier(%q) accepted it", k)
		}
	}
	if _, err := NewVerifier("", signer(t).PublicKey()); err == nil {
		t.Error("NewVerifier without a pod UID accepted it")
	}
}

func TestSeal_OnlyItsOpenerReadsIt(t *testing.T) {
	mine, err := NewOpener()
	if err != nil {
		t.Fatal(err)
	}
	others, err := NewOpener()
	if err != nil {
		t.Fatal(err)
	}
	secret := bytes.Repeat([]byte("secret"), 50_000)
	sealed, err := Seal(mine.PublicKey(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := mine.Open(sealed); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("Open = %d bytes, %v", len(got), err)
	}
	if _, err := others.Open(sealed); err == nil {
		t.Error("another pod's key opened it")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := mine.Open(sealed); err == nil {
		t.Error("a changed message opened")
	}
	if _, err := Seal([]byte("short"), secret); err == nil {
		t.Error("Seal took a key that is none")
	}
}

func FuzzVerify(f *testing.F) {
	s, _ := NewSigner(GenerateSeed())
	v, _ := NewVerifier("pod", s.PublicKey())
	f.Add("1.AAAA")
	f.Fuzz(func(t *testing.T, header string) {
		if v.Verify(header, "POST", "/", nil, time.UnixMilli(0)) == nil {
			t.Errorf("%q was accepted", header)
		}
	})
}
