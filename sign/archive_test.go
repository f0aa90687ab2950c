package sign

import (
	"errors"
	"net/url"
	"testing"
	"time"
)

func archives(t *testing.T) (*Archives, *ArchiveVerifier) {
	t.Helper()
	a := &Archives{Signer: signer(t), Store: "http://127.1.0.8:8000", Service: "storagesvc.fission"}
	v, err := NewArchiveVerifier(a.Signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return a, v
}

func query(t *testing.T, text string) url.Values {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestArchives_SignOnlyURLsOfTheStore(t *testing.T) {
	a, _ := archives(t)
	for text, want := range map[string]bool{
		a.Name("x"): true,
		"http://storagesvc.fission.svc/v1/archive?id=x":                  true,
		"http://storagesvc.fission.svc.cluster.local:80/v1/archive?id=x": true,
		"http://127.1.0.8:8000/v1/archive?id=x":                          true,
		"http://storagesvc.fission:81/v1/archive?id=x":                   false,
		"http://storagesvc.fission.example.com/v1/archive?id=x":          false,
		"http://other.fission/v1/archive?id=x":                           false,
		"http://.svc/v1/archive?id=x":                                    false,
		"https://storagesvc.fission/v1/archive?id=x":                     false,
		"http://storagesvc.fission/v1/archive":                           false,
		"http://storagesvc.fission/other?id=x":                           false,
		"http://storagesvc.fission@example.com/v1/archive?id=x":          false,
		"https://example.com/hello.zip":                                  false,
	} {
		signed, id, ok := a.Download(text, time.UnixMilli(1000))
		if ok != want || ok && (id != "x" || query(t, signed).Get("id") != "x") {
			t.Errorf("Download(%s) = %s, %s, %v, want %v", text, signed, id, ok, want)
		}
	}
}

func TestArchiveVerifier_AllowsWhatWasSignedUntilItExpires(t *testing.T) {
	a, v := archives(t)
	now := time.UnixMilli(5_000_000)
	signed, _, _ := a.Download(a.Name("x"), now.Add(time.Minute))
	if id, err := v.Download(query(t, signed), now); id != "x" || err != nil {
		t.Errorf("Download = %s, %v", id, err)
	}
	upload := query(t, a.Upload("team", 1000, now.Add(time.Minute)))
	g, err := v.Upload(upload, now)
	if err != nil || g.Namespace != "team" || g.MaxBytes != 1000 || g.Once == "" {
		t.Errorf("Upload = %+v, %v", g, err)
	}
	if other := query(t, a.Upload("team", 1000, now)); other.Get("upload") == upload.Get("upload") {
		t.Error("two upload URLs are one")
	}
	late := now.Add(2 * time.Minute)
	if _, err := v.Download(query(t, signed), late); !errors.Is(err, ErrExpired) {
		t.Errorf("late download: %v", err)
	}
	if _, err := v.Upload(upload, late); !errors.Is(err, ErrExpired) {
		t.Errorf("late upload: %v", err)
	}
}

func TestArchiveVerifier_RefusesEveryChange(t *testing.T) {
	a, v := archives(t)
	now := time.UnixMilli(5_000_000)
	signed, _, _ := a.Download(a.Name("x"), now)
	for _, text := range []string{signed, a.Upload("team", 1000, now)} {
		original := query(t, text)
		for key := range original {
			changed := query(t, text)
			changed.Set(key, changed.Get(key)+"1")
			_, err1 := v.Download(changed, now)
			_, err2 := v.Upload(changed, now)
			if !errors.Is(err1, ErrSignature) || !errors.Is(err2, ErrSignature) {
				t.Errorf("%s changed: download %v, upload %v", key, err1, err2)
			}
		}
	}
	if _, err := v.Upload(query(t, signed), now); !errors.Is(err, ErrSignature) {
		t.Errorf("a download URL uploads: %v", err)
	}
}
