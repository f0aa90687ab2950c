package proxy

import (
	"bytes"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"hotpod.dev/wire"
)

// maxTemplates bounds how many templates are kept compiled.
const maxTemplates = 64

// Params computes the path parameters of routes with variables: the template that Envoy names is matched against
// the path that the client asked for. Its zero value is ready; it is safe for concurrent use.
type Params struct {
	mu        sync.RWMutex // guards templates
	templates map[string]*template
}

// template is a compiled gorilla template, "/users/{id}/{rest:.*}".
type template struct {
	// names are those of headers, one a variable; that of a variable that gives none is empty.
	names []string
	// literals stand around the variables, one more than those, when each variable is a whole "[^/]+" that a slash
	// or the end follows; matching is simple then. Otherwise exact and prefix match.
	literals      []string
	exact, prefix *regexp.Regexp
}

func (p *Params) appendLines(dst []byte, h *head) []byte {
	tmpl, ok := h.get(wire.HeaderTemplate)
	if !ok {
		return dst
	}
	full, _ := h.get("x-fission-full-url")
	return p.append(dst, view(tmpl), view(full))
}

// append appends one header line for each variable. A template that cannot be read, or does not fit, gives none.
func (p *Params) append(dst []byte, tmpl, fullURL string) []byte {
	if tmpl == "" {
		return dst
	}
	t := p.compiled(tmpl)
	if t == nil {
		return dst
	}
	// The path is matched with its escapes, as Envoy has matched it: an escaped slash is part of a segment.
	path, _, _ := strings.Cut(fullURL, "?")
	return t.appendLines(dst, upperEscapes(path))
}

// upperEscapes writes the digits of escapes in upper case: %2f and %2F are the same.
func upperEscapes(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	b := []byte(path)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToUpper(b[i+1:i+3]))
		}
	}
	return string(b)
}

func (p *Params) compiled(tmpl string) *template {
	p.mu.RLock()
	t, ok := p.templates[tmpl]
	p.mu.RUnlock()
	if ok {
		return t
	}
	tmpl = strings.Clone(tmpl)
	t = compile(tmpl)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.templates == nil || len(p.templates) >= maxTemplates {
		p.templates = map[string]*template{}
	}
	p.templates[tmpl] = t
	return t
}

// compile reads a template; nil when it is none.
func compile(tmpl string) *template {
	t := &template{}
	pattern, simple := "^", true
	rest := tmpl
	for {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			break
		}
		end := closing(rest[open:])
		if end < 0 {
			return nil
		}
		name, expr, given := strings.Cut(rest[open+1:open+end], ":")
		if !given {
			expr = "[^/]+"
		}
		if !isToken([]byte(name)) || expr == "" {
			return nil
		}
		t.names = append(t.names, headerName(name))
		literal := upperEscapes(rest[:open])
		t.literals = append(t.literals, literal)
		pattern += regexp.QuoteMeta(literal) + "(" + expr + ")"
		rest = rest[open+end+1:]
		simple = simple && !given && (rest == "" || rest[0] == '/')
	}
	rest = upperEscapes(rest)
	if t.literals = append(t.literals, rest); !simple {
		t.literals = nil
		return t.withPattern(pattern+regexp.QuoteMeta(rest), strings.HasSuffix(tmpl, "/"))
	}
	return t
}

// headerName returns the name of a variable's header; "_" stands for what lies below a subtree and has none.
func headerName(variable string) string {
	if variable == "_" {
		return ""
	}
	return textproto.CanonicalMIMEHeaderKey(wire.HeaderParamPrefix + variable)
}

func (t *template) withPattern(pattern string, subtree bool) *template {
	below := "(?:/.*)?$"
	if subtree {
		below = ".*$"
	}
	var err1, err2 error
	t.exact, err1 = regexp.Compile(pattern + "$")
	t.prefix, err2 = regexp.Compile(pattern + below)
	// A group inside a variable's expression would shift the others, and gorilla refuses it too.
	if err1 != nil || err2 != nil || t.exact.NumSubexp() != len(t.names) {
		return nil
	}
	return t
}

// closing returns the offset of the brace that closes the one at the beginning, -1 when there is none.
func closing(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// appendLines appends the variables' values in path, nothing when the template does not fit the path or a parent of
// it.
func (t *template) appendLines(dst []byte, path string) []byte {
	if t.literals != nil {
		return t.appendSimple(dst, path)
	}
	m := t.exact.FindStringSubmatch(path)
	if m == nil {
		m = t.prefix.FindStringSubmatch(path)
	}
	if m == nil {
		return dst
	}
	for i, v := range m[1:] {
		dst = appendValue(dst, t.names[i], v)
	}
	return dst
}

func (t *template) appendSimple(dst []byte, path string) []byte {
	before := len(dst)
	for i, name := range t.names {
		rest, ok := strings.CutPrefix(path, t.literals[i])
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if !ok || end == 0 {
			return dst[:before]
		}
		dst = appendValue(dst, name, rest[:end])
		path = rest[end:]
	}
	last := t.literals[len(t.names)]
	rest, ok := strings.CutPrefix(path, last)
	if !ok || rest != "" && rest[0] != '/' && !strings.HasSuffix(last, "/") {
		return dst[:before]
	}
	return dst
}

// appendValue appends a line with the decoded value, which stays encoded when it could not stand in a header.
func appendValue(dst []byte, name, value string) []byte {
	if name == "" {
		return dst
	}
	if decoded, err := url.PathUnescape(value); err == nil {
		value = decoded
	}
	for i := range len(value) {
		if classes[value[i]]&classValue == 0 {
			value = url.PathEscape(value)
			break
		}
	}
	return appendLine(dst, name, value)
}
