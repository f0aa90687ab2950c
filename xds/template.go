package xds

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Pattern is a path to match: literal, or a template with {variables}. The zero value matches nothing.
type Pattern struct {
	// Text is the path as it is on the wire, percent-encoded, with the variables of a template as they were written.
	Text string
	// Regex is the expression of a template, unanchored; "" for a literal.
	Regex string

	compiled *regexp.Regexp // Regex, anchored at the beginning
}

// begins says whether the template matches path or a beginning of it.
func (p Pattern) begins(path string) bool { return p.compiled.MatchString(path) }

// whole says whether the template matches the whole path.
func (p Pattern) whole(path string) bool {
	found := p.compiled.FindStringIndex(path)
	return found != nil && found[1] == len(path)
}

const (
	// maxPath bounds a pattern in bytes.
	maxPath = 2048
	// maxProgram bounds a template's compiled expression, as Envoy counts it; see the runtime setting in Bootstrap.
	maxProgram = 2000
)

// reserved paths are the platform's own on the public listener.
func reserved(path string) bool {
	switch path {
	case pathHealth, pathReady, pathVersion, "/auth/login", "/fission-function":
		return true
	}
	return strings.HasPrefix(path, pathInternal)
}

// parsePattern reads a path of a route; field names it in errors.
func parsePattern(field, text string) (Pattern, error) {
	switch {
	case !strings.HasPrefix(text, "/"):
		return Pattern{}, fmt.Errorf("%s %q does not begin with \"/\"", field, text)
	case len(text) > maxPath:
		return Pattern{}, fmt.Errorf("%s is longer than %d bytes", field, maxPath)
	case strings.ContainsAny(text, "\x00\r\n"):
		return Pattern{}, fmt.Errorf("%s %q contains control characters", field, text)
	}
	if field == "prefix" && text == "/" {
		return Pattern{}, errors.New("prefix \"/\" would take every path: name one below it, or use relativeurl")
	}
	if !strings.ContainsAny(text, "{}") {
		if hasDots(text) {
			return Pattern{}, fmt.Errorf("%s %q contains a \".\" or \"..\" segment, which no request has", field, text)
		}
		literal := escapePath(text)
		if reserved(strings.TrimSuffix(literal, "/")) || reserved(literal) {
			return Pattern{}, fmt.Errorf("%s %q is reserved for the platform", field, text)
		}
		return Pattern{Text: literal}, nil
	}
	p, err := parseTemplate(text)
	if err != nil {
		return Pattern{}, fmt.Errorf("%s %q: %w", field, text, err)
	}
	return p, nil
}

func hasDots(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// escapePath writes a path as clients and Envoy's normalization do: what is percent-encoded already is left so.
func escapePath(path string) string {
	if plain, err := url.PathUnescape(path); err == nil && !strings.Contains(path, "%2F") && !strings.Contains(path, "%2f") {
		path = plain
	} else if err == nil {
		return path // an encoded slash is not a separator and must stay encoded
	}
	return (&url.URL{Path: path}).EscapedPath()
}

// parseTemplate reads "/a/{b}/{c:[0-9]+}". A variable without an expression of its own matches one segment.
func parseTemplate(template string) (Pattern, error) {
	var named, plain, text strings.Builder
	for rest := template; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return Pattern{}, errors.New("a \"}\" has no \"{\" before it")
		}
		literal = escapePath(literal)
		text.WriteString(literal)
		named.WriteString(regexp.QuoteMeta(literal))
		plain.WriteString(regexp.QuoteMeta(literal))
		if !found {
			break
		}
		variable, tail, err := cutVariable(after)
		if err != nil {
			return Pattern{}, err
		}
		name, expr, has := strings.Cut(variable, ":")
		if !has {
			expr = "[^/]+"
		}
		if name == "" || unprintable(variable) {
			return Pattern{}, fmt.Errorf("variable {%s} has no name, or is not printable ASCII", variable)
		}
		fmt.Fprintf(&named, "(?P<%s>%s)", name, expr)
		fmt.Fprintf(&plain, "(?:%s)", expr)
		fmt.Fprintf(&text, "{%s}", variable)
		rest = tail
	}
	if err := checkRegex(named.String(), plain.String()); err != nil {
		return Pattern{}, err
	}
	p := Pattern{Text: text.String(), Regex: plain.String()}
	p.compiled = regexp.MustCompile("^(?:" + p.Regex + ")")
	p.compiled.Longest() // so that whole can tell
	return p, nil
}

// cutVariable splits "id:[0-9]{3}}/rest" after the brace that closes the variable.
func cutVariable(s string) (variable, rest string, err error) {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return s[:i], s[i+1:], nil
			}
		}
	}
	return "", "", errors.New("a \"{\" is never closed")
}

// checkRegex refuses what the queue-proxy, which names the variables, or Envoy, which does not, cannot compile.
func checkRegex(named, plain string) error {
	if _, err := regexp.Compile("^" + named + "$"); err != nil {
		return fmt.Errorf("compile the template: %w", err)
	}
	parsed, err := syntax.Parse(plain, syntax.Perl)
	if err != nil {
		return fmt.Errorf("compile the template: %w", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return fmt.Errorf("compile the template: %w", err)
	}
	if len(program.Inst) > maxProgram {
		return errors.New("the template's expression is too large")
	}
	return nil
}
