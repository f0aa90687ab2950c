package image

import (
	"encoding/json"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// dockerConfig is what a Secret of type kubernetes.io/dockerconfigjson holds.
type dockerConfig struct {
	Auths map[string]authn.AuthConfig `json:"auths"`
}

// authenticator returns the credentials for a registry, the first that a Secret has; nobody's when none has any.
func authenticator(registry string, secrets [][]byte) (authn.Authenticator, error) {
	for _, text := range secrets {
		var c dockerConfig
		if err := json.Unmarshal(text, &c); err != nil {
			return nil, theirs("a pull Secret is no .dockerconfigjson: %v", err)
		}
		for server, auth := range c.Auths {
			if host(server) == registry {
				return authn.FromConfig(auth), nil
			}
		}
	}
	return authn.Anonymous, nil
}

// host is the registry that a key of the file means.
func host(server string) string {
	_, rest, ok := strings.Cut(server, "://")
	if !ok {
		rest = server
	}
	rest, _, _ = strings.Cut(rest, "/")
	if rest == "docker.io" {
		return "index.docker.io"
	}
	return rest
}
