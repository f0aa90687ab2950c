package xds

import (
	"encoding/hex"
	"errors"
	"fmt"
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

// head is the text that all paths begin with which the pattern matches; whole says that it is all of a literal.
func (p Pattern) head() (head string, whole bool) {
	if end := strings.IndexAny(p.Text, "{%"); end >= 0 { // escapes have more than one spelling
		return p.Text[:end], false
	}
	return p.Text, true
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
		if hasDots(escapePath(text)) {
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

// escapePath writes a path as it stands after Envoy's normalization: what need not be escaped is not, what must be is,
// and what may be or not stays as it was written.
func escapePath(path string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, escaped := path[i], false
		if n, err := hex.DecodeString(path[min(i+1, len(path)):min(i+3, len(path))]); c == '%' && err == nil && len(n) == 1 {
			c, escaped = n[0], true
			i += 2
		}
		if unreserved(c) || !escaped && strings.IndexByte("!$&'()*+,;=:@/[]", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// maxSpellings bounds the ways in which a path is listed.
const maxSpellings = 64

// spellings returns the ways to write the escapes of a literal path, whose digits may be of either case: all of them, or
// those of one case throughout when there are too many. The first is the path itself.
func spellings(path string) []string {
	all := []string{""}
	for rest := path; rest != ""; {
		literal, after, escape := strings.Cut(rest, "%")
		digits := after[:min(2, len(after))]
		ways := []string{literal}
		if escape {
			ways = nil
			for _, first := range bothCases(digits[:1]) {
				for _, second := range bothCases(digits[1:]) {
					ways = append(ways, literal+"%"+first+second)
				}
			}
		}
		if len(all)*len(ways) > maxSpellings {
			return []string{path, lowerEscapes(path)}
		}
		longer := make([]string, 0, len(all)*len(ways))
		for _, way := range ways {
			for _, a := range all {
				longer = append(longer, a+way)
			}
		}
		all, rest = longer, after[len(digits):]
	}
	return all
}

func bothCases(digit string) []string {
	if lower := strings.ToLower(digit); lower != digit {
		return []string{digit, lower}
	}
	return []string{digit}
}

func lowerEscapes(path string) string {
	parts := strings.Split(path, "%")
	for i, p := range parts[1:] {
		parts[i+1] = strings.ToLower(p[:2]) + p[2:]
	}
	return strings.Join(parts, "%")
}

// anySpelling is an expression for a literal part of a template, whose escapes may have digits of either case.
func anySpelling(literal string) string {
	parts := strings.Split(literal, "%")
	expr := regexp.QuoteMeta(parts[0])
	for _, p := range parts[1:] {
		expr += "%"
		for _, digit := range []string{p[:1], p[1:2]} {
			expr += digit
			if ways := bothCases(digit); len(ways) > 1 {
				expr = expr[:len(expr)-1] + "[" + strings.Join(ways, "") + "]"
			}
		}
		expr += regexp.QuoteMeta(p[2:])
	}
	return expr
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// parseTemplate reads "/a/{b}/{c:[0-9]+}". A variable without an expression of its own matches one segment.
func parseTemplate(template string) (Pattern, error) {
	var plain, text strings.Builder
	names := map[string]bool{}
	for rest := template; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return Pattern{}, errors.New("a \"}\" has no \"{\" before it")
		}
		literal = escapePath(literal)
		text.WriteString(literal)
		plain.WriteString(anySpelling(literal))
		if !found {
			break
		}
		variable, tail, err := cutVariable(after)
		if err != nil {
			return Pattern{}, err
		}
		name, expr, err := splitVariable(variable)
		if err == nil && names[name] {
			err = fmt.Errorf("variable %s is there twice", name)
		}
		if err != nil {
			return Pattern{}, err
		}
		names[name] = true
		fmt.Fprintf(&plain, "(?:%s)", expr)
		fmt.Fprintf(&text, "{%s}", variable)
		rest = tail
	}
	if err := checkSize(plain.String()); err != nil {
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

// splitVariable reads "id" or "id:[0-9]+". The expression must be whole by itself: the queue-proxy puts it into a named
// group, Envoy gets it without.
func splitVariable(variable string) (name, expr string, err error) {
	name, expr, has := strings.Cut(variable, ":")
	if !has {
		expr = "[^/]+"
	}
	if name == "" || unprintable(variable) {
		return "", "", fmt.Errorf("variable {%s} has no name, or is not printable ASCII", variable)
	}
	if _, err := syntax.Parse(expr, syntax.Perl); err != nil {
		return "", "", fmt.Errorf("variable %s: %w", name, err)
	}
	if _, err := regexp.Compile("(?P<" + name + ">" + expr + ")"); err != nil {
		return "", "", fmt.Errorf("variable %s: %w", name, err)
	}
	return name, expr, nil
}

// checkSize refuses what Envoy would find too large.
func checkSize(regex string) error {
	parsed, err := syntax.Parse(regex, syntax.Perl)
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
