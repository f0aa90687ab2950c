package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/sign"
	storeclient "hotpod.dev/storage/client"
	"hotpod.dev/wire"
)

// storeLabel is on the archive store's pods and Service.
const storeLabel = "application=fission-storage"

// store returns a client of the archive store: at FISSION_STORAGESVC_URL, or through a port forwarded to its pod. Call
// stop when done.
func (a *app) store(ctx context.Context) (c *storeclient.Client, stop func(), err error) {
	if _, err := a.cluster(); err != nil {
		return nil, nil, err
	}
	base, stop, err := a.reach(ctx, a.Getenv("FISSION_STORAGESVC_URL"), "archive store", storeLabel, wire.PortStorage)
	if err != nil {
		return nil, nil, err
	}
	secret, err := a.sharedSecret(ctx)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return &storeclient.Client{URL: base, Secret: secret, Namespace: a.namespace}, stop, nil
}

// componentNamespace is where the platform's parts are.
func (a *app) componentNamespace() string {
	if ns := a.platformNamespace(); ns != "" {
		return ns
	}
	return "fission"
}

// storeName returns the name by which packages know the archive store.
func (a *app) storeName(ctx context.Context) (string, error) {
	services, err := a.clients.Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: storeLabel})
	switch {
	case apierrors.IsForbidden(err): // its usual name
		return "storagesvc." + a.componentNamespace(), nil
	case err != nil:
		return "", fmt.Errorf("look for the archive store: %w", err)
	}
	found := services.Items
	if len(found) > 1 { // another installation's, which may be in the making
		found = slices.DeleteFunc(found, func(s corev1.Service) bool { return s.Namespace != a.componentNamespace() })
	}
	if len(found) != 1 {
		return "", hint(fmt.Errorf("%d Services have the label %s, want one: the archive store's", len(services.Items), storeLabel),
			"kubectl get services -A -l "+storeLabel)
	}
	return found[0].Name + "." + found[0].Namespace, nil
}

// stored reports whether an archive lies in the archive store.
func (a *app) stored(archive *v1.Archive) bool {
	id := sign.ArchiveID(archive.URL)
	return id != "" && id == archive.Checksum.Sum
}

// uploaded puts an archive into the store and returns how a package names it.
func (a *app) uploaded(ctx context.Context, p *packed, what string) (v1.Archive, error) {
	id, err := p.digest()
	if err != nil {
		return v1.Archive{}, err
	}
	c, stop, err := a.store(ctx)
	if err != nil {
		return v1.Archive{}, fmt.Errorf("%s takes %s, more than the %s that a package holds itself: %w",
			what, size(p.size), size(v1.MaxLiteral), err)
	}
	defer stop()
	name, err := a.storeName(ctx)
	if err != nil {
		return v1.Archive{}, err
	}
	urls := sign.Archives{Service: name}
	archive := v1.Archive{Type: v1.ArchiveURL, URL: urls.Name(id), Checksum: v1.Checksum{Type: "sha256", Sum: id}}
	if a.dryRun {
		return archive, nil
	}
	begun, show := a.now(), a.showing("uploading "+what, p.size)
	if err := c.Upload(ctx, p.file, id, p.size, show); err != nil {
		return v1.Archive{}, fmt.Errorf("%w; the same command goes on with what has arrived", err)
	}
	a.progress("uploaded %s: %s in %s, sha256 %s", what, size(p.size), a.now().Sub(begun).Round(time.Millisecond), id)
	return archive, nil
}

// showInterval is the time between two lines of progress.
const showInterval = time.Second

// showing returns what tells the person who waits how far a transfer is, from time to time.
func (a *app) showing(what string, total int64) func(done int64) {
	last := a.now()
	return func(done int64) {
		if now := a.now(); now.Sub(last) >= showInterval && done < total {
			last = now
			a.progress("%s: %s of %s (%d%%)", what, size(done), size(total), 100*done/max(total, 1))
		}
	}
}

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 10<<20:
		return fmt.Sprintf("%d MB", bytes>>20)
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%d kB", bytes>>10)
	default:
		return fmt.Sprintf("%d bytes", bytes)
	}
}

// urlArchive names what is at a URL. Unless the user says what checksum it has, or that none is wanted, it is read now.
func (a *app) urlArchive(ctx context.Context, url string, o archiveOptions) (v1.Archive, error) {
	archive := v1.Archive{Type: v1.ArchiveURL, URL: url}
	sum := o.sum
	switch {
	case sum == "" && o.insecure:
		return archive, nil
	case sum == "":
		var err error
		if sum, err = a.sumAt(ctx, url); err != nil {
			return archive, hint(fmt.Errorf("compute the checksum of what is at the URL: %w", err),
				"--deploychecksum or --srcchecksum SHA256   # when only the cluster can read it", "--insecure   # no checksum at all")
		}
	case len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "":
		return archive, usagef("checksum %q is no SHA-256: give 64 hexadecimal digits, as sha256sum prints them", sum)
	}
	archive.Checksum = v1.Checksum{Type: "sha256", Sum: sum}
	return archive, nil
}

// sumAt reads what is at a URL; it is not kept.
func (a *app) sumAt(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableCompression: true, Proxy: http.ProxyFromEnvironment}}).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", url, res.Status)
	}
	f, err := os.CreateTemp("", "hotpod-*.archive")
	if err != nil {
		return "", err
	}
	p := &packed{file: f, made: true}
	defer p.close()
	show := a.showing("reading "+url, res.ContentLength)
	if p.size, err = io.Copy(f, &counted{Reader: res.Body, show: show}); err != nil {
		return "", err
	}
	return p.digest()
}

// counted tells how much was read.
type counted struct {
	io.Reader
	n    int64
	show func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	c.show(c.n)
	return n, err
}
