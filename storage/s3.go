package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Config says where a bucket is.
type S3Config struct {
	// Endpoint is the server's URL: "https://s3.eu-central-1.amazonaws.com", "http://minio.store:9000".
	Endpoint string
	// Bucket that exists, and the folder in it; Region may be empty.
	Bucket, Prefix, Region string
	// AccessKey and SecretKey, both empty to take what the machine is given (instance and web identity roles).
	AccessKey, SecretKey string
	// TellBucket makes Fission's clients write the bucket's address at Amazon into packages, for those who want to read
	// archives without the store.
	TellBucket bool
}

// s3Part is the size of the parts of a large archive; one is in memory at a time.
const s3Part = 8 << 20

// S3 is the Backend that keeps archives as objects of a bucket.
type S3 struct {
	client *minio.Client
	config S3Config
}

// NewS3 returns the backend in a bucket, which it looks for.
func NewS3(ctx context.Context, c S3Config) (*S3, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("S3 endpoint %q is no http or https URL", c.Endpoint)
	}
	keys := credentials.NewStaticV4(c.AccessKey, c.SecretKey, "")
	if c.AccessKey == "" {
		keys = credentials.NewIAM("")
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: keys, Secure: u.Scheme == "https", Region: c.Region})
	if err != nil {
		return nil, fmt.Errorf("use S3 at %s: %w", c.Endpoint, err)
	}
	s := &S3{client: client, config: c}
	switch ok, err := client.BucketExists(ctx, c.Bucket); {
	case err != nil:
		return nil, fmt.Errorf("look for bucket %s at %s: %w", c.Bucket, c.Endpoint, err)
	case !ok:
		return nil, fmt.Errorf("there is no bucket %s at %s: make it", c.Bucket, c.Endpoint)
	}
	return s, nil
}

func (s *S3) key(id string) string { return path.Join(s.config.Prefix, id) }

// Put implements Backend.
func (s *S3) Put(ctx context.Context, id string, file *os.File) error {
	if err := s.Touch(ctx, id); !errors.Is(err, ErrNotFound) {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	// Every part carries its sum. Signatures inside the content, the other way, are not understood by every server.
	_, err = s.client.PutObject(ctx, s.config.Bucket, s.key(id), file, info.Size(), minio.PutObjectOptions{
		ContentType: "application/octet-stream", PartSize: s3Part, NumThreads: 1, SendContentMd5: true, DisableContentSha256: true,
	})
	if err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	return nil
}

// Touch implements Backend: an object that is copied to itself has a new time.
func (s *S3) Touch(ctx context.Context, id string) error {
	a, err := s.Stat(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.client.CopyObject(ctx,
		minio.CopyDestOptions{
			Bucket: s.config.Bucket, Object: s.key(id), ReplaceMetadata: true,
			UserMetadata: map[string]string{"touched": time.Now().UTC().Format(time.RFC3339)},
		},
		minio.CopySrcOptions{Bucket: s.config.Bucket, Object: s.key(a.ID)})
	return s.found(err)
}

// Open implements Backend. Parts of the object are fetched when they are read.
func (s *S3) Open(ctx context.Context, id string) (Content, Archive, error) {
	a, err := s.Stat(ctx, id)
	if err != nil {
		return nil, a, err
	}
	object, err := s.client.GetObject(ctx, s.config.Bucket, s.key(id), minio.GetObjectOptions{})
	if err != nil {
		return nil, a, s.found(err)
	}
	return object, a, nil
}

// Stat implements Backend.
func (s *S3) Stat(ctx context.Context, id string) (Archive, error) {
	info, err := s.client.StatObject(ctx, s.config.Bucket, s.key(id), minio.StatObjectOptions{})
	if err != nil {
		return Archive{}, s.found(err)
	}
	return Archive{ID: id, Size: info.Size, Modified: info.LastModified}, nil
}

// List implements Backend.
func (s *S3) List(ctx context.Context, yield func(Archive)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	prefix := s.config.Prefix
	if prefix != "" {
		prefix = path.Clean(prefix) + "/"
	}
	for o := range s.client.ListObjects(ctx, s.config.Bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if o.Err != nil {
			return fmt.Errorf("list archives: %w", o.Err)
		}
		if id := path.Base(o.Key); validID(id) && o.Key == s.key(id) {
			yield(Archive{ID: id, Size: o.Size, Modified: o.LastModified})
		}
	}
	return nil
}

// Delete implements Backend. Between the look at the time and the deletion another replica may upload it again: the
// grace makes that unlikely.
func (s *S3) Delete(ctx context.Context, id string, notAfter time.Time) error {
	a, err := s.Stat(ctx, id)
	if err != nil || a.Modified.After(notAfter) {
		return err
	}
	return s.found(s.client.RemoveObject(ctx, s.config.Bucket, s.key(id), minio.RemoveObjectOptions{}))
}

// Kind implements Backend. Unless told otherwise it says "local": then clients name archives by the store, which works for
// every bucket, also for one that only the store may read.
func (s *S3) Kind() (kind, bucket string) {
	if s.config.TellBucket {
		return "s3", s.config.Bucket
	}
	return "local", ""
}

// found tells what is not there from what went wrong.
func (s *S3) found(err error) error {
	if err == nil {
		return nil
	}
	if r := minio.ToErrorResponse(err); r.StatusCode == http.StatusNotFound || r.Code == "NoSuchKey" {
		return ErrNotFound
	}
	return fmt.Errorf("use S3: %w", err)
}
