package proxy

import (
	"strings"
	"testing"
)

func TestParams_MatchAsGorillaDoes(t *testing.T) {
	for name, c := range map[string]struct{ template, url, want string }{
		"one":                      {"/u/{id}", "/u/42", "Id: 42"},
		"two and a query":          {"/u/{id}/p/{post}", "/u/42/p/x-y?q=/z", "Id: 42|Post: x-y"},
		"expression":               {"/u/{id:[0-9]+}", "/u/42", "Id: 42"},
		"expression that does not": {"/u/{id:[0-9]+}", "/u/x", ""},
		"greedy rest":              {"/f/{path:.*}", "/f/a/b/c", "Path: a/b/c"},
		"braces in an expression":  {"/{y:[0-9]{4}}/{m:[0-9]{2}}", "/2024/05", "Y: 2024|M: 05"},
		"part of a segment":        {"/{name}.{ext:[a-z]+}", "/a.b.txt", "Name: a.b|Ext: txt"},
		"below a prefix":           {"/u/{id}", "/u/42/more/of/it", "Id: 42"},
		"below a subtree":          {"/u/{id}/", "/u/42/more", "Id: 42"},
		"other route":              {"/u/{id}", "/v/42", ""},
		"empty variable":           {"/u/{id}", "/u/", ""},
		"longer literal":           {"/u/{id}/x", "/u/1/xy", ""},
		"encoded":                  {"/u/{id}", "/u/a%20b%C3%BC", "Id: a bü"},
		"encoded slash":            {"/u/{id}", "/u/a%2Fb", "Id: a/b"},
		"encoded slash and more":   {"/u/{id}/name", "/u/a%2fb/name", "Id: a/b"},
		"encoded literal":          {"/caf%C3%A9/{id}", "/caf%C3%A9/1", "Id: 1"},
		"literal in lower case":    {"/a%2fb/{id}", "/a%2Fb/1", "Id: 1"},
		"path in lower case":       {"/caf%C3%A9/{id:[0-9]+}/%2F", "/caf%c3%a9/1/%2f", "Id: 1"},
		"what lies below":          {"/u/{id}/{_:.*}", "/u/1/2/3", "Id: 1"},
		"line end in the path":     {"/u/{id}", "/u/a%0d%0aX:%20y", "Id: a%0D%0AX:%20y"},
		"bad encoding":             {"/u/{id}", "/u/%zz", "Id: %ZZ"},
		"mixed case":               {"/u/{userName}", "/u/x", "Username: x"},
		"group in an expression":   {"/u/{id:(a|b)}", "/u/a", ""},
		"unclosed":                 {"/u/{id", "/u/1", ""},
		"no name":                  {"/u/{:x}", "/u/x", ""},
		"name that is no header":   {"/u/{a b}", "/u/x", ""},
		"bad expression":           {"/u/{id:[}", "/u/x", ""},
		"no variables":             {"/u", "/u", ""},
		"literal with points":      {"/a.b/{id}", "/axb/1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var p Params
			for range 2 { // compiled, and from memory
				got := string(p.append(nil, c.template, c.url))
				got = strings.TrimSuffix(strings.ReplaceAll(strings.ReplaceAll(got, "\r\n", "|"), "X-Fission-Params-", ""), "|")
				if got != c.want {
					t.Errorf("lines = %q, want %q", got, c.want)
				}
			}
		})
	}
}

func TestParams_ForgetTemplatesBeforeTheyAreTooMany(t *testing.T) {
	var p Params
	for i := range 10 * maxTemplates {
		p.append(nil, "/"+strings.Repeat("x", i+1)+"/{v}", "/y")
	}
	if len(p.templates) > maxTemplates {
		t.Errorf("%d templates are kept", len(p.templates))
	}
}

// FuzzParams checks that no path and no template can smuggle a line into a head, and that the simple matcher
// agrees with the expression it stands for.
func FuzzParams(f *testing.F) {
	f.Add("/u/{id}/{x:.*}", "/u/1/2%0d%0aA:%20b")
	f.Add("/{a}/b/{c}", "/1/b/2/3?x")
	f.Add("/{a}/", "/1//x")
	f.Fuzz(func(t *testing.T, tmpl, url string) {
		var p Params
		got := string(p.append(nil, tmpl, url))
		for line := range strings.Lines(got) {
			body, ok := strings.CutSuffix(line, "\r\n")
			if !ok || !strings.HasPrefix(body, "X-Fission-Params-") || strings.ContainsAny(body, "\r\n\x00") {
				t.Fatalf("template %q, path %q: line %q", tmpl, url, line)
			}
		}
		// The same template with the expression written out takes the other matcher.
		if c := compile(tmpl); c == nil || c.literals == nil || strings.Contains(tmpl, ":") {
			return
		}
		long := string(p.append(nil, strings.ReplaceAll(tmpl, "}", ":[^/]+}"), url))
		if long != got && !strings.ContainsAny(url, "\n") { // "." in the expression for what is below ends at a line
			t.Fatalf("template %q, path %q: %q by hand, %q by expression", tmpl, url, got, long)
		}
	})
}
