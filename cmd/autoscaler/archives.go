package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hotpod.dev/kube"
	"hotpod.dev/pool"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// archiveTime is how long the URL of an archive is good that a pod gets: as long as a pod may wait and load.
const archiveTime = 15 * time.Minute

// archives lets pods read the archives of packages that lie in the archive store: they hold no credentials of it.
type archives struct {
	pool.Codes
	urls sign.Archives
}

// archives returns what pods are given of codes.
func (o options) archives(codes pool.Codes, signer *sign.Signer) pool.Codes {
	if o.storage == "" {
		return codes
	}
	return archives{codes, sign.Archives{Signer: signer, Store: o.storage, Service: "storagesvc." + o.componentNamespace}}
}

// Code implements pool.Codes.
func (a archives) Code(ctx context.Context, packageKey, resourceVersion string) (wire.Code, error) {
	code, err := a.Codes.Code(ctx, packageKey, resourceVersion)
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
		case <-time.After(keyRetry):
		}
	}
}
