package proxy

import (
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
	exact, prefix *regexp.Regexp
	names         []string // header names, one a variable
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
	path, _, _ := strings.Cut(fullURL, "?")
	for i, v := range t.match(path) {
		dst = appendLine(dst, t.names[i], v)
	}
	return dst
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
	var pattern strings.Builder
	var names []string
	pattern.WriteString("^")
	for rest := tmpl; ; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			pattern.WriteString(regexp.QuoteMeta(rest))
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
		names = append(names, textproto.CanonicalMIMEHeaderKey(wire.HeaderParamPrefix+name))
		pattern.WriteString(regexp.QuoteMeta(rest[:open]) + "(" + expr + ")")
		rest = rest[open+end+1:]
	}
	return newTemplate(pattern.String(), names, strings.HasSuffix(tmpl, "/"))
}

func newTemplate(pattern string, names []string, subtree bool) *template {
	below := "(?:/.*)?$"
	if subtree {
		below = ".*$"
	}
	exact, err1 := regexp.Compile(pattern + "$")
	prefix, err2 := regexp.Compile(pattern + below)
	// A group inside a variable's expression would shift the others, and gorilla refuses it too.
	if err1 != nil || err2 != nil || exact.NumSubexp() != len(names) {
		return nil
	}
	return &template{exact: exact, prefix: prefix, names: names}
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

// match returns the variables' values, nil when the path does not fit. The path is matched decoded, as gorilla
// does; a value that cannot stand in a header stays encoded.
func (t *template) match(path string) []string {
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return nil
	}
	m := t.exact.FindStringSubmatch(decoded)
	if m == nil {
		m = t.prefix.FindStringSubmatch(decoded)
	}
	if m == nil {
		return nil
	}
	for i, v := range m {
		if !validValue([]byte(v)) {
			m[i] = url.PathEscape(v)
		}
	}
	return m[1:]
}
