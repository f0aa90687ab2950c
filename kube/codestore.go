package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// CodeStoreConfig are the settings of a CodeStore.
type CodeStoreConfig struct {
	// Dir is a folder of the store's own; it survives restarts.
	Dir string
	// MaxBytes bounds what lies in Dir; 0 means 1 GiB. Code that is not there is read from the API server.
	MaxBytes int64
	// Log gets a line when code cannot be kept. It is needed.
	Log *slog.Logger
}

// CodeStore finds the code of packages. The literals that pass an informer lie in its folder, so that a function
// starts without a call to the API server, and while that is away. It is safe for concurrent use; a nil store keeps
// nothing.
type CodeStore struct {
	blobs    *blobs
	log      *slog.Logger
	packages *Informer[*v1.Package]
	clients  *Clients
}

// NewCodeStore returns a store over the folder, with what an earlier process left there.
func NewCodeStore(c CodeStoreConfig) (*CodeStore, error) {
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	b, err := openBlobs(c.Dir, c.MaxBytes)
	if err != nil {
		return nil, err
	}
	return &CodeStore{blobs: b, log: c.Log}, nil
}

// Attach says where packages are: in the cache, which must have been made with this store, and behind it. Call it
// before Cache.Run.
func (s *CodeStore) Attach(clients *Clients, cache *Cache) {
	s.clients, s.packages = clients, cache.Packages()
}

// Code returns the deployable archive of the package "namespace/name". Where resourceVersion is not empty, the
// package is at least as new: the informer may lag behind a function that already refers to a change. An error that
// the function's owner can mend is a *wire.Failure.
func (s *CodeStore) Code(ctx context.Context, packageKey, resourceVersion string) (wire.Code, error) {
	namespace, name, _ := strings.Cut(packageKey, "/")
	if name == "" {
		return wire.Code{}, &wire.Failure{
			Reason:  v1.ReasonPackageNotFound,
			Message: "the function names no package: set spec.package.packageref.name",
		}
	}
	if p, ok := s.packages.Get(namespace, name); ok && !Older(p.ResourceVersion, resourceVersion) {
		if p.Spec.Deployment.OCI != nil {
			return s.image(ctx, p)
		}
		if code, ok, err := s.kept(p); ok || err != nil {
			return code, err
		}
	}
	return s.live(ctx, namespace, name)
}

// kept returns the code of a package as the cache has it; ok is false when its literal is not in the folder.
func (s *CodeStore) kept(p *v1.Package) (code wire.Code, ok bool, err error) {
	if f := blocked(p); f != nil {
		return wire.Code{}, false, f
	}
	d := &p.Spec.Deployment
	if d.Checksum.Type != v1.ChecksumMoved {
		return wire.Code{URL: d.URL, Digest: d.Checksum.Sum}, true, nil
	}
	data, ok := s.blobs.get(d.Checksum.Sum)
	return wire.Code{Literal: data, Digest: d.Checksum.Sum}, ok, nil
}

// live reads the package from the API server, and keeps its literal for the next time.
func (s *CodeStore) live(ctx context.Context, namespace, name string) (wire.Code, error) {
	p, err := s.clients.Packages(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return wire.Code{}, &wire.Failure{
			Reason:  v1.ReasonPackageNotFound,
			Message: fmt.Sprintf("package %s/%s does not exist: create it, or name another in spec.package.packageref", namespace, name),
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return wire.Code{}, fmt.Errorf("read package %s/%s: %w", namespace, name, err)
		}
		return wire.Code{}, errors.Join(&wire.Failure{
			Reason:  v1.ReasonCodeUnavailable,
			Message: fmt.Sprintf("the code of package %s/%s is not cached, and the API server does not give it", namespace, name),
		}, err)
	}
	if f := blocked(p); f != nil {
		return wire.Code{}, f
	}
	d := &p.Spec.Deployment
	if d.OCI != nil {
		return s.image(ctx, p)
	}
	if len(d.Literal) == 0 {
		return wire.Code{URL: d.URL, Digest: d.Checksum.Sum}, nil
	}
	code := wire.Code{Literal: d.Literal, Digest: digestOf(d.Literal)}
	s.keep(code.Digest, d.Literal)
	return code, nil
}

// image says where the code of a package is that lies in an image, with the credentials for it.
func (s *CodeStore) image(ctx context.Context, p *v1.Package) (wire.Code, error) {
	if f := blocked(p); f != nil {
		return wire.Code{}, f
	}
	oci := p.Spec.Deployment.OCI
	code := &wire.ImageCode{
		Image: oci.Image, Digest: oci.Digest, SubPath: oci.SubPath, Package: fmt.Sprintf("%s/%d", p.UID, p.Generation),
	}
	for _, ref := range oci.ImagePullSecrets {
		secret, err := s.clients.Secrets(p.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			what := "cannot be read"
			if apierrors.IsNotFound(err) {
				what = "does not exist"
			}
			return wire.Code{}, errors.Join(&wire.Failure{
				Reason:  v1.ReasonCodeUnavailable,
				Message: fmt.Sprintf("package %s/%s: its pull Secret %s %s", p.Namespace, p.Name, ref.Name, what),
			}, err)
		}
		code.PullSecrets = append(code.PullSecrets, secret.Data[corev1.DockerConfigJsonKey])
	}
	return wire.Code{Image: code}, nil
}

func blocked(p *v1.Package) *wire.Failure {
	reason, message := p.Blocked()
	if reason == "" {
		return nil
	}
	return &wire.Failure{Reason: reason, Message: message}
}

// strip moves the literals of a package out of memory; a second time changes nothing.
func (s *CodeStore) strip(p *v1.Package) {
	for _, a := range []*v1.Archive{&p.Spec.Deployment, &p.Spec.Source} {
		if len(a.Literal) == 0 {
			continue
		}
		digest := digestOf(a.Literal)
		if s != nil && a == &p.Spec.Deployment {
			s.keep(digest, a.Literal)
		}
		a.Literal, a.Type = nil, v1.ArchiveLiteral
		a.Checksum = v1.Checksum{Type: v1.ChecksumMoved, Sum: digest}
	}
}

// keep stores code for later. A full disk costs a call to the API server for each start, no more.
func (s *CodeStore) keep(digest string, data []byte) {
	if err := s.blobs.put(digest, data); err != nil {
		s.log.Warn("code cannot be kept on disk", "digest", digest, "error", err)
	}
}

// Older reports whether a version that was seen is before the wanted one. Versions that are not numbers are older
// unless equal.
func Older(seen, wanted string) bool {
	if wanted == "" || seen == wanted {
		return false
	}
	s, err1 := strconv.ParseUint(seen, 10, 64)
	w, err2 := strconv.ParseUint(wanted, 10, 64)
	return err1 != nil || err2 != nil || s < w
}
