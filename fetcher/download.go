package fetcher

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	downloadTries = 3
	downloadRetry = 100 * time.Millisecond
	maxRedirects  = 5
	dialTimeout   = 5 * time.Second
)

// errStalled ends a download that stands still.
var errStalled = errors.New("nothing arrived for too long")

// download stores what code.URL answers at path and checks its digest. Faults that may pass are tried again.
func (s *Server) download(ctx context.Context, code wire.Code, path string) (*archive, error) {
	u, err := url.Parse(code.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, theirs("the package's URL %q is not an http or https URL", code.URL)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644) //nolint:gosec // the runtime, another user, reads it
	if err != nil {
		return nil, onDisk(err, "make a file for the archive")
	}
	a := &archive{ReaderAt: f, file: f}
	client := s.downloader()
	defer client.CloseIdleConnections()
	for try := 1; ; try++ {
		a.size, err = s.downloadOnce(ctx, client, code, f)
		var known *fault
		if err == nil {
			return a, nil
		}
		if !errors.As(err, &known) || known.status != http.StatusBadGateway || try == downloadTries || ctx.Err() != nil {
			_ = f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(downloadRetry << try):
		}
	}
}

// downloader is made per download, so that a pod that never downloads holds no memory for it.
func (s *Server) downloader() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout:    dialTimeout,
			ResponseHeaderTimeout:  s.cfg.DownloadTimeout,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // the digest is that of the bytes as they are stored
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
}

// downloadOnce writes the archive to f from its beginning and returns its size.
func (s *Server) downloadOnce(ctx context.Context, client *http.Client, code wire.Code, f *os.File) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, code.URL, nil)
	if err != nil {
		return 0, theirs("the package's URL %q cannot be called: %v", code.URL, err)
	}
	resp, err := client.Do(req)
	if broken, ok := errors.AsType[*url.Error](err); ok {
		broken.URL = shown(broken.URL)
	}
	if err != nil {
		return 0, ours(err, "download the package's archive")
	}
	defer func() { _ = resp.Body.Close() }()
	if err := s.acceptable(resp, code.URL); err != nil {
		return 0, err
	}
	watchdog := time.AfterFunc(s.cfg.DownloadTimeout, func() { cancel(errStalled) })
	defer watchdog.Stop()
	body := &watched{Reader: io.LimitReader(resp.Body, s.cfg.Limits.Archive+1), seen: func() { watchdog.Reset(s.cfg.DownloadTimeout) }}
	return s.store(ctx, body, code, f)
}

func (s *Server) acceptable(resp *http.Response, url string) error {
	switch {
	case resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests:
		return ours(nil, "download the package's archive: %s answered %s", shown(url), resp.Status)
	case resp.StatusCode != http.StatusOK:
		return theirs("the package's archive is not there: %s answered %s", shown(url), resp.Status)
	case resp.ContentLength > s.cfg.Limits.Archive:
		return s.tooLarge()
	}
	return nil
}

// shown is a URL for people to read: what follows the archive's ID is what allows to read it.
func shown(archiveURL string) string {
	u, err := url.Parse(archiveURL)
	if err != nil || !u.Query().Has(sign.ArchiveSignature) {
		return archiveURL
	}
	u.RawQuery = url.Values{"id": u.Query()["id"]}.Encode()
	return u.String()
}

func (s *Server) tooLarge() error {
	return theirs("the package's archive is larger than the %d bytes allowed", s.cfg.Limits.Archive)
}

// store copies body to f, hashing on the way.
func (s *Server) store(ctx context.Context, body io.Reader, code wire.Code, f *os.File) (int64, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, onDisk(err, "store the archive")
	}
	if err := f.Truncate(0); err != nil {
		return 0, onDisk(err, "store the archive")
	}
	sum := sha256.New()
	source := &failing{Reader: io.TeeReader(body, sum)}
	n, err := io.Copy(f, source)
	switch {
	case source.err != nil:
		if cause := context.Cause(ctx); cause != nil {
			source.err = cause
		}
		return 0, ours(source.err, "download the package's archive")
	case err != nil:
		return 0, onDisk(err, "store the archive")
	case n > s.cfg.Limits.Archive:
		return 0, s.tooLarge()
	}
	return n, checkDigest(code, sum.Sum(nil))
}

// watched tells of every read that brought something.
type watched struct {
	io.Reader
	seen func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.seen()
	}
	return n, err
}

// failing remembers the error of its reader, to tell it from one of the writer.
type failing struct {
	io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}
