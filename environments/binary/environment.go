package binary

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// environment is what a program is told of its request, by CGI's names, after the variables of the runtime itself.
func (p program) environment(r *http.Request) []string {
	path := os.Getenv("PATH") //nolint:forbidigo // programs inherit it
	if path == "" {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	env := append(os.Environ(),
		"PATH="+path+":"+p.dir+":"+filepath.Dir(p.dir),
		"GATEWAY_INTERFACE=CGI/1.1",
		"REQUEST_METHOD="+r.Method,
		"REQUEST_URI="+r.RequestURI,
		"PATH_INFO="+r.URL.Path,
		"QUERY_STRING="+r.URL.RawQuery,
		"SERVER_PROTOCOL="+r.Proto,
		"CONTENT_TYPE="+r.Header.Get("Content-Type"),
		"CONTENT_LENGTH="+strconv.FormatInt(r.ContentLength, 10),
		"HTTP_HOST="+r.Host,
	)
	for name, values := range r.Header {
		if name == "Proxy" {
			continue // Programs take HTTP_PROXY for a setting of theirs.
		}
		env = append(env, "HTTP_"+variable(name)+"="+strings.Join(values, ", "))
	}
	return env
}

// variable makes of a header's name what a shell can read.
func variable(header string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		default:
			return '_'
		}
	}, header)
}
