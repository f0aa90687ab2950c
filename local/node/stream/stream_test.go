package stream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/logs"
)

// onePod is a node with the pod ns/p and its container c, which runs.
type onePod struct{ Pods }

func (onePod) List() *corev1.PodList { return &corev1.PodList{Items: make([]corev1.Pod, 1)} }

func (onePod) Find(t Target) error {
	switch {
	case t.Namespace != "ns" || t.Pod != "p" || (t.UID != "" && t.UID != "u"):
		return fmt.Errorf("pod %w", ErrNotFound)
	case t.Container != "" && t.Container != "c":
		return fmt.Errorf("container %w", ErrNotRunning)
	}
	return nil
}

func (p onePod) Log(_ context.Context, t Target, previous bool, o logs.Options, w io.Writer) error {
	if err := p.Find(t); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "previous=%v tail=%d\n", previous, o.Tail)
	return err
}

func get(t *testing.T, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	NewHandler(onePod{}).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code, recorder.Body.String()
}

func TestHandler_Answers(t *testing.T) {
	for path, want := range map[string]struct {
		code int
		body string
	}{
		"/healthz":              {200, "ok"},
		"/containerLogs/ns/p/c": {200, "previous=false tail=-1\n"},
		"/containerLogs/ns/p/c?previous=true&tailLines=3": {200, "previous=true tail=3\n"},
		"/containerLogs/ns/p/c?tailLines=x":               {422, "tailLines \"x\" is not a number from zero\n"},
		"/containerLogs/ns/none/c":                        {404, "pod not found\n"},
		"/containerLogs/ns/p/other":                       {400, "container is not running\n"},
		"/exec/ns/none/c?command=x&output=1":              {404, "pod not found\n"},
		"/exec/ns/p/wrong-uid/c?output=1":                 {404, "pod not found\n"},
		"/exec/ns/p/c":                                    {400, "you must specify at least 1 of stdin, stdout, stderr\n"},
		"/attach/ns/p/other?output=1":                     {400, "container is not running\n"},
		"/portForward/ns/none":                            {404, "pod not found\n"},
		"/none":                                           {404, "404 page not found\n"},
	} {
		if code, body := get(t, path); code != want.code || body != want.body {
			t.Errorf("%s: %d %q, want %d %q", path, code, body, want.code, want.body)
		}
	}
	if code, body := get(t, "/pods"); code != 200 || !strings.Contains(body, `"items":[`) {
		t.Errorf("/pods: %d %q", code, body)
	}
}

func TestLogOptions(t *testing.T) {
	now := time.Unix(1000, 0)
	query := url.Values{"sinceSeconds": {"10"}, "limitBytes": {"5"}, "timestamps": {"true"}, "follow": {"true"}, "stream": {"Stderr"}}
	o, err := logOptions(query, now)
	want := logs.Options{Tail: -1, Since: now.Add(-10 * time.Second), Limit: 5, Timestamps: true, Follow: true, Stream: "stderr"}
	if err != nil || o != want {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, bad := range []url.Values{{"sinceTime": {"yesterday"}}, {"tailLines": {"-1"}}, {"stream": {"x"}}, {"limitBytes": {"1e3"}}} {
		if _, err := logOptions(bad, now); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestServe_AdmitsOnlyClientsOfTheAuthority(t *testing.T) {
	client := clientCertificate(t)
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, listener, Config{ClientCAFile: file, Log: slog.New(slog.DiscardHandler)}, onePod{})
	}()
	ask := func(certificates ...tls.Certificate) error {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}}}
		response, err := client.Get("https://" + listener.Addr().String() + "/healthz")
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	if ask() == nil {
		t.Error("a client without a certificate was admitted")
	}
	if err := ask(client); err != nil {
		t.Errorf("a client of the authority: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestServe_SaysWhatIsWrongWithItsFiles(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	err = Serve(t.Context(), listener, Config{ClientCAFile: "/none"}, onePod{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// clientCertificate makes a certificate that is its own authority.
func clientCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
