package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Tool is a program that can be run.
type Tool struct {
	// Path is the absolute path of the executable.
	Path string
	// Version is the version that the program states, without a leading v.
	Version string
	// Origin says where the program comes from, in words for a person.
	Origin string
}

// Config says where programs are kept and what they are made from.
type Config struct {
	// Cache is the folder of the finished programs; it is created when missing.
	Cache string
	// Source is the root of the checkout that holds local/kube. It may be empty when hotpod-kube is not asked for.
	Source string
	// Progress receives one line every few seconds while something long runs. Nil means silence.
	Progress io.Writer
	// Getenv reads the environment; HOTPOD_KUBE and HOTPOD_ENVOY name programs to use as they are.
	Getenv func(string) string
}

// CacheDir returns the folder for finished programs: $XDG_CACHE_HOME/hotpod, by default ~/.cache/hotpod.
func CacheDir(getenv func(string) string) (string, error) {
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hotpod"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("neither XDG_CACHE_HOME nor HOME is set: no place for cached programs")
	}
	return filepath.Join(home, ".cache", "hotpod"), nil
}

func (c Config) say(format string, args ...any) {
	if c.Progress != nil {
		fmt.Fprintf(c.Progress, format+"\n", args...)
	}
}

func (c Config) env(name string) string {
	if c.Getenv == nil {
		return ""
	}
	return c.Getenv(name)
}

// given returns the program that the environment variable names, and whether it names one.
func (c Config) given(name string) (Tool, bool, error) {
	path := c.env(name)
	if path == "" {
		return Tool{}, false, nil
	}
	info, err := os.Stat(path)
	if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
		err = errors.New("not an executable file")
	}
	if err != nil {
		return Tool{}, false, fmt.Errorf("use %s=%s: %w", name, path, err)
	}
	path, err = filepath.Abs(path)
	return Tool{Path: path, Origin: name}, true, err
}

// produce returns the file dir/name, after having it made by fill when it is missing or damaged.
func (c Config) produce(ctx context.Context, dir, name string, fill func(ctx context.Context, tmp string) error) (made bool, err error) {
	path := filepath.Join(dir, name)
	if intact(path) {
		return false, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return false, err
	}
	unlock, err := lock(ctx, filepath.Join(dir, ".lock"), func() { c.say("%s: another process is making it, waiting", name) })
	if err != nil {
		return false, err
	}
	defer unlock()
	if intact(path) {
		return false, nil
	}
	return true, replace(ctx, path, fill)
}

// replace makes the file. The caller holds the lock, so folders of other makers are those of killed ones.
func replace(ctx context.Context, path string, fill func(ctx context.Context, tmp string) error) error {
	const making = ".making-"
	abandoned, err := filepath.Glob(filepath.Join(filepath.Dir(path), making+"*"))
	if err != nil {
		return err
	}
	for _, dir := range abandoned {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp(filepath.Dir(path), making)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	tmp := filepath.Join(work, filepath.Base(path))
	if err := fill(ctx, tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := stamp(tmp); err != nil {
		return err
	}
	// The stamp goes first: a crash in between leaves a file that does not match and is made again.
	if err := os.Rename(tmp+stampSuffix, path+stampSuffix); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// stampSuffix names the file beside a finished one: its SHA-256, size and time of change.
const stampSuffix = ".sha256"

func stamp(path string) error {
	sum, err := digest(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path+stampSuffix, []byte(sum+" "+traits(info)+"\n"), 0o600)
}

func traits(info os.FileInfo) string {
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// intact reports whether the file is the one that was stamped. A file with the size and time of the stamp is not read
// again; after a copy, which changes the time, the sum decides.
func intact(path string) bool {
	text, err := os.ReadFile(path + stampSuffix)
	if err != nil {
		return false
	}
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	want, recorded, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if recorded == traits(info) {
		return true
	}
	got, err := digest(path)
	return err == nil && got == want
}

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
