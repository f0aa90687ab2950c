package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/cmd/internal/controlkey"
	"hotpod.dev/kube"
	"hotpod.dev/pool"
	"hotpod.dev/sign"
	storeclient "hotpod.dev/storage/client"
	"hotpod.dev/wire"
)

// archiveTime is how long the URL of an archive is good that a pod gets: as long as a pod may wait and load.
const archiveTime = 15 * time.Minute

// archives lets pods read the archives of packages that lie in the archive store: they hold no credentials of it.
type archives struct {
	pool.Codes
	urls  sign.Archives
	store storeclient.Client

	mu sync.Mutex // guards below
	// pinned is the image that the tag of a package means, by ImageCode.Package: pods of one generation are alike.
	pinned map[string]string
}

// archives returns what pods are given of codes.
func (o options) archives(codes pool.Codes, signer *sign.Signer) pool.Codes {
	return &archives{
		Codes: codes, store: storeclient.Client{URL: o.storage}, pinned: map[string]string{},
		urls: sign.Archives{Signer: signer, Store: o.storage, Service: "storagesvc." + o.componentNamespace},
	}
}

// Code implements pool.Codes.
func (a *archives) Code(ctx context.Context, packageKey, resourceVersion string) (wire.Code, error) {
	code, err := a.Codes.Code(ctx, packageKey, resourceVersion)
	if a.store.URL == "" && code.Image != nil {
		return code, &wire.Failure{
			Reason:  v1.ReasonArchiveUnsupported,
			Message: "code in images is taken out by the archive store, which this platform does not have (--storage of the autoscaler)",
		}
	}
	if a.store.URL == "" {
		return code, err
	}
	if err == nil && code.Image != nil {
		code.URL, err = a.fromImage(ctx, *code.Image)
	}
	if err != nil || code.URL == "" {
		return code, err
	}
	if signed, id, ok := a.urls.Download(code.URL, time.Now().Add(archiveTime)); ok {
		code.URL = signed
		if code.Digest == "" {
			code.Digest = id
		}
	}
	return code, nil
}

// fromImage has the archive store take code out of its image, and returns how a package would name the archive.
func (a *archives) fromImage(ctx context.Context, code wire.ImageCode) (string, error) {
	if code.Digest == "" {
		code.Digest = a.pin(code.Package, "")
	}
	archive, err := a.store.Image(ctx, a.urls.Signer, &code)
	if refused, ok := errors.AsType[*storeclient.StatusError](err); ok && refused.Status == http.StatusUnprocessableEntity {
		return "", &wire.Failure{Reason: v1.ReasonCodeUnavailable, Message: refused.Message}
	}
	if err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		return "", errors.Join(&wire.Failure{
			Reason:  v1.ReasonCodeUnavailable,
			Message: fmt.Sprintf("the archive store could not read image %s", code.Image),
		}, err)
	}
	a.pin(code.Package, archive.Digest)
	return a.urls.Name(archive.ID), nil
}

// pin notes what a package's tag means, unless the digest is empty, and returns what was noted.
func (a *archives) pin(key, digest string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if digest != "" {
		const most = 10_000
		if len(a.pinned) >= most {
			clear(a.pinned)
		}
		a.pinned[key] = digest
	}
	return a.pinned[key]
}

// publishKey lets the archive store check the URLs. The API server is asked until it answers.
func publishKey(ctx context.Context, clients *kube.Clients, namespace string, signer *sign.Signer, log *slog.Logger) error {
	for {
		err := kube.PublishControlKey(ctx, clients, namespace, signer.PublicKey())
		if err == nil {
			return nil
		}
		log.Warn("control key cannot be published yet", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("publish the control key: %w", errors.Join(ctx.Err(), err))
		case <-time.After(controlkey.Retry):
		}
	}
}
