package main

import (
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/buildmgr"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// archiveTime is how long a URL of the archive store is good that a builder pod gets.
const archiveTime = 15 * time.Minute

// archives is the archive store as builds need it.
type archives struct{ urls sign.Archives }

// archives returns the archive store, nil when there is none.
func (o options) archives(signer *sign.Signer) buildmgr.Archives {
	if o.storage == "" {
		return nil
	}
	return archives{sign.Archives{Signer: signer, Store: o.storage, Service: "storagesvc." + o.componentNamespace}}
}

// Source implements buildmgr.Archives.
func (a archives) Source(from *v1.Archive) wire.Code {
	code := wire.Code{URL: from.URL, Digest: from.Checksum.Sum}
	if signed, id, ok := a.urls.Download(from.URL, time.Now().Add(archiveTime)); ok {
		code.URL = signed
		if code.Digest == "" {
			code.Digest = id
		}
	}
	return code
}

// Upload implements buildmgr.Archives.
func (a archives) Upload(namespace, digest string, size int64) buildmgr.Upload {
	return buildmgr.Upload{
		Method: "PUT", URL: a.urls.Upload(namespace, size, time.Now().Add(archiveTime)),
		Archive: v1.Archive{Type: v1.ArchiveURL, URL: a.urls.Name(digest), Checksum: v1.Checksum{Type: "sha256", Sum: digest}},
	}
}
