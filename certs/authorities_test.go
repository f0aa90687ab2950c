package certs_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"hotpod.dev/certs"
)

var settings = certs.Settings{Life: 30 * 24 * time.Hour, AuthorityLife: 365 * 24 * time.Hour}

func step(t *testing.T, a certs.Authorities, now time.Time) (certs.Authorities, string) {
	t.Helper()
	a, why, err := a.Step(settings, now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := certs.DecodeAuthorities(a.Encode()) // as it lies in a Secret meanwhile
	if err != nil {
		t.Fatal(err)
	}
	return b, why
}

func issue(t *testing.T, a certs.Authorities, part string, now time.Time) certs.Pair {
	t.Helper()
	p, err := a.Signing().Issue(part, []string{part}, now, settings.Life)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// trusts reports whether who has the bundle takes the certificate at that time.
func trusts(t *testing.T, bundle []byte, p certs.Pair, now time.Time) bool {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	block, _ := pem.Decode(p.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now})
	return err == nil
}

// Three years, a day at a time: whoever still has the certificates of five minutes ago, and whoever has those of now, trust
// each other at each step.
func TestAuthorities_RollWithoutAGap(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a, why := step(t, certs.Authorities{}, now)
	if why == "" {
		t.Fatal("nothing is said of the first authority")
	}
	leaf, bundle := issue(t, a, certs.XDS, now), a.Bundle()
	changes, leaves := map[string]int{}, 0
	for end := now.Add(3 * 365 * 24 * time.Hour); now.Before(end); now = now.Add(24 * time.Hour) {
		for _, at := range []time.Time{now, now.Add(11 * time.Minute)} { // at 11 minutes the announced one signs
			next, why := step(t, a, at)
			if why != "" {
				changes[why]++
			}
			nextLeaf := leaf
			if next.Signing().Due(leaf.Cert, certs.XDS, at) != "" {
				nextLeaf = issue(t, next, certs.XDS, at)
				leaves++
			}
			for _, later := range []time.Time{at, at.Add(5 * time.Minute)} {
				if !trusts(t, bundle, nextLeaf, later) {
					t.Fatalf("%s: who has not heard of the change does not trust the new certificate", at)
				}
				if !trusts(t, next.Bundle(), leaf, later) {
					t.Fatalf("%s: who has heard of the change does not trust the old certificate", at)
				}
			}
			a, leaf, bundle = next, nextLeaf, next.Bundle()
		}
		if n := bytes.Count(bundle, []byte("BEGIN")); n > 2 {
			t.Fatalf("%s: %d authorities are trusted", now, n)
		}
	}
	if changes["the next one is announced"] < 4 || changes["the next one signs now"] < 4 || changes["an old one has ended"] < 3 || leaves < 50 {
		t.Errorf("in three years: %v, %d certificates", changes, leaves)
	}
}

func TestDue_SaysWhyACertificateIsReplaced(t *testing.T) {
	now := time.Now()
	a, _ := step(t, certs.Authorities{}, now)
	other, _ := step(t, certs.Authorities{}, now)
	good := issue(t, a, certs.XDS, now)
	for _, c := range []struct {
		want string
		cert []byte
		at   time.Time
	}{
		{"", good.Cert, now},
		{"", good.Cert, now.Add(19 * 24 * time.Hour)},
		{"due", good.Cert, now.Add(20 * 24 * time.Hour)},
		{"missing", nil, now},
		{"unreadable", []byte("x"), now},
		{"another part's", issue(t, a, certs.Logger, now).Cert, now},
		{"of another authority", issue(t, other, certs.XDS, now).Cert, now},
	} {
		if got := a.Signing().Due(c.cert, certs.XDS, c.at); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestAuthorities_ThatWereLeftAloneTooLongAreMadeAnew(t *testing.T) {
	now := time.Now()
	a, _ := step(t, certs.Authorities{}, now)
	b, why := step(t, a, now.Add(2*settings.AuthorityLife))
	if why == "" || bytes.Equal(a.Bundle(), b.Bundle()) {
		t.Errorf("%q", why)
	}
	if err := (certs.Settings{Life: time.Hour, AuthorityLife: 3 * time.Hour}).Validate(); err == nil {
		t.Error("certificates outlive who signed them")
	}
	if err := settings.Validate(); err != nil {
		t.Error(err)
	}
	if _, err := certs.DecodeAuthorities(map[string][]byte{"tls.crt": []byte("x")}); err == nil {
		t.Error("an authority without a key is read")
	}
}
