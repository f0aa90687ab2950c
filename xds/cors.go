package xds

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "hotpod.dev/api/v1"
)

// CORS says which other origins may call a route from a browser. Without an origin every preflight is refused and
// the function's own Access-Control headers are taken away.
type CORS struct {
	// Any admits every origin; Origins are those that are echoed.
	Any     bool
	Origins []string
	// Methods, Headers and Expose are header values, "" when the header is left out.
	Methods, Headers, Expose string
	Credentials              bool
	// MaxAge is in whole seconds, 0 when the header is left out.
	MaxAge int
}

// parseCORS returns nil without an error when the route says nothing of it.
func parseCORS(c *v1.CorsConfig, methods []string) (*CORS, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // no settings is not an error
	}
	cors := &CORS{
		Methods: strings.Join(c.AllowMethods, ", "), Headers: strings.Join(c.AllowHeaders, ", "),
		Expose: strings.Join(c.ExposeHeaders, ", "), Credentials: c.AllowCredentials,
	}
	if cors.Methods == "" {
		cors.Methods = strings.Join(methods, ", ")
	}
	for _, origin := range c.AllowOrigins {
		if origin == "*" {
			cors.Any = true
		} else if err := checkOrigin(origin); err != nil {
			return nil, err
		} else {
			cors.Origins = append(cors.Origins, origin)
		}
	}
	cors.Origins = sorted(cors.Origins)
	var err error
	cors.MaxAge, err = parseMaxAge(c.MaxAge)
	if cors.Any && cors.Credentials {
		err = errors.Join(err, errors.New("corsConfig: allowCredentials excludes the origin \"*\", browsers refuse it"))
	}
	if slices.ContainsFunc([]string{cors.Methods, cors.Headers, cors.Expose}, unprintable) {
		err = errors.Join(err, errors.New("corsConfig: methods and headers are printable ASCII"))
	}
	return cors, err
}

func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || unprintable(origin) {
		return fmt.Errorf("corsConfig.allowOrigins %q is neither \"*\" nor an origin such as https://app.example.com", origin)
	}
	return nil
}

func parseMaxAge(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return int(d / time.Second), nil
	}
	return 0, fmt.Errorf("corsConfig.maxAge %q is neither a duration such as 10m nor seconds", s)
}

func unprintable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
