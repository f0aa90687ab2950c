package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"hotpod.dev/sign"
)

const (
	// pieceSize is what is sent, and signed, at once.
	pieceSize = 4 << 20
	// tries is how often in a row a call may fail for reasons that pass.
	tries = 10

	headerOffset = "Upload-Offset"
	pathUploads  = sign.ArchivePath + "/uploads"
)

// progress is the store's answer to an announcement and to each piece.
type progress struct {
	Offset   int64 `json:"offset"`
	Complete bool  `json:"complete"`
}

// Upload puts the archive with that SHA-256 and size into the store. seen, if not nil, is told how much of it the
// store has, first of what is there already.
func (c *Client) Upload(ctx context.Context, archive io.ReaderAt, id string, size int64, seen func(offset int64)) error {
	if seen == nil {
		seen = func(int64) {}
	}
	restarted := false
	for failed := 0; ; {
		at, err := c.begin(ctx, id, size)
		if err == nil {
			seen(at.Offset)
			reached := at.Offset
			if err = c.pieces(ctx, archive, id, size, at, func(offset int64) { reached = offset; seen(offset) }); err == nil {
				return nil
			}
			if reached > at.Offset {
				failed = 0
			}
		}
		// Pieces of another upload under the same name were wrong; the store has thrown them away.
		if e, ok := errors.AsType[*StatusError](err); ok && e.Status == http.StatusUnprocessableEntity && !restarted {
			restarted = true
			continue
		}
		if failed++; failed == tries || !c.again(ctx, err) {
			return fmt.Errorf("upload archive: %w", err)
		}
	}
}

func (c *Client) begin(ctx context.Context, id string, size int64) (at progress, err error) {
	body, err := json.Marshal(map[string]any{"id": id, "size": size})
	if err != nil {
		return at, fmt.Errorf("announce archive: %w", err)
	}
	path := pathUploads
	if c.Namespace != "" {
		path += "?" + url.Values{"namespace": {c.Namespace}}.Encode()
	}
	err = c.call(ctx, http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, body, &at)
	return at, err
}

// pieces sends what the store does not have yet.
func (c *Client) pieces(ctx context.Context, archive io.ReaderAt, id string, size int64, at progress, seen func(int64)) error {
	q := url.Values{"size": {strconv.FormatInt(size, 10)}}
	if c.Namespace != "" {
		q.Set("namespace", c.Namespace)
	}
	path := pathUploads + "/" + id + "?" + q.Encode()
	buffer := make([]byte, min(pieceSize, size))
	for !at.Complete {
		n, err := archive.ReadAt(buffer[:min(int64(len(buffer)), size-at.Offset)], at.Offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read archive: %w", err)
		}
		if n == 0 && at.Offset < size {
			return errors.New("read archive: it became shorter meanwhile")
		}
		header := http.Header{headerOffset: {strconv.FormatInt(at.Offset, 10)}}
		err = c.call(ctx, http.MethodPatch, path, header, buffer[:n], &at)
		if e, ok := errors.AsType[*StatusError](err); ok && e.Status == http.StatusConflict {
			if at.Offset, err = strconv.ParseInt(e.offset, 10, 64); err == nil && at.Offset <= size {
				continue // an answer was lost
			}
			err = e
		}
		if err != nil {
			return err
		}
		seen(at.Offset)
	}
	return nil
}

// Download writes an archive to w and checks it. What was written is wrong when it returns an error.
func (c *Client) Download(ctx context.Context, id string, w io.Writer, seen func(offset, size int64)) error {
	if seen == nil {
		seen = func(int64, int64) {}
	}
	size, err := c.Stat(ctx, id)
	if err != nil {
		return fmt.Errorf("download archive: %w", err)
	}
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	for offset, failed := int64(0), 0; offset < size; {
		n, err := c.part(ctx, id, offset, out)
		if offset += n; n > 0 {
			failed = 0
			seen(offset, size)
		}
		if err == nil || offset >= size {
			continue
		}
		if failed++; failed == tries || !c.again(ctx, err) {
			return fmt.Errorf("download archive: %w", err)
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != id {
		return fmt.Errorf("download archive: its SHA-256 is %s instead of %s", got, id)
	}
	return nil
}

// part writes what comes from offset on until the connection breaks.
func (c *Client) part(ctx context.Context, id string, offset int64, w io.Writer) (int64, error) {
	header := http.Header{"Range": {"bytes=" + strconv.FormatInt(offset, 10) + "-"}}
	resp, err := c.do(ctx, http.MethodGet, archivePath(id), header, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if offset > 0 && resp.StatusCode != http.StatusPartialContent {
		return 0, &StatusError{Status: resp.StatusCode, Message: "the archive store knows no ranges"}
	}
	return io.Copy(w, resp.Body)
}
