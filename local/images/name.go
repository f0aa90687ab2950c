package images

import "strings"

// normalize strips what does not distinguish two images here: tag, digest, and Docker's default registry.
func normalize(name string) string {
	name = strings.TrimSpace(name)
	name, _, _ = strings.Cut(name, "@")
	// A colon before the last slash belongs to the registry's port.
	if slash, colon := strings.LastIndexByte(name, '/'), strings.LastIndexByte(name, ':'); colon > slash {
		name = name[:colon]
	}
	for _, prefix := range []string{"docker.io/", "index.docker.io/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return strings.TrimPrefix(name, "library/")
}
