package xds

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	v1 "hotpod.dev/api/v1"
)

func TestParseRoute_SaysWhatCannotBeServed(t *testing.T) {
	f := v1.FunctionReference{Type: v1.ReferenceName, Name: "f"}
	for name, c := range map[string]struct {
		spec v1.HTTPTriggerSpec
		want string // part of the error, "" for none
	}{
		"a path":                       {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: f}, ""},
		"the home page":                {v1.HTTPTriggerSpec{RelativeURL: "/", FunctionReference: f}, ""},
		"no path":                      {v1.HTTPTriggerSpec{FunctionReference: f}, `relativeurl "" does not begin with "/"`},
		"no slash":                     {v1.HTTPTriggerSpec{RelativeURL: "a", FunctionReference: f}, `does not begin with "/"`},
		"dots":                         {v1.HTTPTriggerSpec{RelativeURL: "/a/../b", FunctionReference: f}, `".." segment`},
		"control characters":           {v1.HTTPTriggerSpec{RelativeURL: "/a\r\nx: y", FunctionReference: f}, "control characters"},
		"too long":                     {v1.HTTPTriggerSpec{RelativeURL: "/" + strings.Repeat("a", maxPath), FunctionReference: f}, "longer than"},
		"health":                       {v1.HTTPTriggerSpec{RelativeURL: "/router-healthz", FunctionReference: f}, "reserved"},
		"below the internal paths":     {v1.HTTPTriggerSpec{RelativeURL: "/fission-function/x", FunctionReference: f}, "reserved"},
		"the internal paths":           {v1.HTTPTriggerSpec{Prefix: new("/fission-function"), FunctionReference: f}, "reserved"},
		"everything":                   {v1.HTTPTriggerSpec{Prefix: new("/"), FunctionReference: f}, "every path"},
		"a brace alone":                {v1.HTTPTriggerSpec{RelativeURL: "/a}", FunctionReference: f}, `no "{"`},
		"an open brace":                {v1.HTTPTriggerSpec{RelativeURL: "/{a:[0-9]{3}", FunctionReference: f}, "never closed"},
		"a nameless variable":          {v1.HTTPTriggerSpec{RelativeURL: "/{}", FunctionReference: f}, "no name"},
		"two of one name":              {v1.HTTPTriggerSpec{RelativeURL: "/{a}/{a}", FunctionReference: f}, "twice"},
		"a name that is none":          {v1.HTTPTriggerSpec{RelativeURL: "/{a-b}", FunctionReference: f}, "invalid named capture"},
		"a bad expression":             {v1.HTTPTriggerSpec{RelativeURL: "/{a:[}", FunctionReference: f}, "missing closing ]"},
		"look-around":                  {v1.HTTPTriggerSpec{RelativeURL: "/{a:(?!b).*}", FunctionReference: f}, "Perl syntax"},
		"an expression that escapes":   {v1.HTTPTriggerSpec{RelativeURL: "/{a:x)|(y}", FunctionReference: f}, "unexpected )"},
		"a huge expression":            {v1.HTTPTriggerSpec{RelativeURL: "/{a:(x{1,100}){1,90}}", FunctionReference: f}, "invalid repeat"},
		"a large expression":           {v1.HTTPTriggerSpec{RelativeURL: "/{a:[a-c]{1,999}}/{b:[a-c]{1,999}}/{c:[a-c]{1,999}}", FunctionReference: f}, "too large"},
		"no function":                  {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: v1.FunctionReference{Type: "name"}}, "functionref.name"},
		"an unknown kind of reference": {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: v1.FunctionReference{Type: "x"}}, `functionref.type "x"`},
		"no weight":                    {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: v1.FunctionReference{Type: v1.ReferenceWeights, FunctionWeights: map[string]int{"f": 0}}}, "weight above 0"},
		"a negative weight":            {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: v1.FunctionReference{Type: v1.ReferenceWeights, FunctionWeights: map[string]int{"f": -1}}}, "is -1"},
		"asynchronous":                 {v1.HTTPTriggerSpec{RelativeURL: "/a", InvocationMode: "async", FunctionReference: f}, "invocationMode"},
		"a version":                    {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: v1.FunctionReference{Type: "name", Name: "f", Version: "v1"}}, "version"},
		"a method that is none":        {v1.HTTPTriggerSpec{RelativeURL: "/a", Methods: []string{"GET|POST"}, FunctionReference: f}, `method "GET|POST"`},
		"an origin with a path":        {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: f, CorsConfig: &v1.CorsConfig{AllowOrigins: []string{"https://a.b/c"}}}, "corsConfig.allowOrigins"},
		"credentials for all":          {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: f, CorsConfig: &v1.CorsConfig{AllowOrigins: []string{"*"}, AllowCredentials: true}}, "allowCredentials"},
		"an age that is none":          {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: f, CorsConfig: &v1.CorsConfig{MaxAge: "soon"}}, "maxAge"},
		"header injection":             {v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: f, CorsConfig: &v1.CorsConfig{AllowHeaders: []string{"a\r\nb: c"}}}, "printable"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseRoute(&v1.HTTPTrigger{Spec: c.spec})
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestParseRoute_FillsInDefaults(t *testing.T) {
	r, err := ParseRoute(&v1.HTTPTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "r"},
		Spec:       v1.HTTPTriggerSpec{RelativeURL: "/a", Method: "post", Methods: []string{"GET", "POST"}, FunctionReference: v1.FunctionReference{Name: "f"}, CorsConfig: &v1.CorsConfig{MaxAge: "1h"}},
	})
	if err != nil || !slices.Equal(r.Methods, []string{"GET", "OPTIONS", "POST"}) || r.CORS.Methods != "GET, POST" || r.CORS.MaxAge != 3600 || r.Targets[0] != (Target{"f", 1}) {
		t.Errorf("%+v, %v", r, err)
	}
	r, _ = ParseRoute(&v1.HTTPTrigger{Spec: v1.HTTPTriggerSpec{RelativeURL: "/a", FunctionReference: v1.FunctionReference{Name: "f"}}})
	if !slices.Equal(r.Methods, []string{"GET"}) {
		t.Errorf("no method means %v", r.Methods)
	}
}

func TestEscapePath_WritesPathsAsClientsDo(t *testing.T) {
	for text, want := range map[string]string{
		"/a b": "/a%20b", "/a%20b": "/a%20b", "/café": "/caf%C3%A9", "/caf%c3%a9": "/caf%C3%A9", "/a%2Fb": "/a%2Fb", "/a%2fb": "/a%2Fb",
		"/%65": "/e", "/100%": "/100%25", "/%4": "/%254", "/a%2Bb": "/a%2Bb", "/a|b^`\"<>": "/a%7Cb%5E%60%22%3C%3E", "/a+b;c=d,e:f@g!$&'()*~-._": "/a+b;c=d,e:f@g!$&'()*~-._",
	} {
		if got := escapePath(text); got != want {
			t.Errorf("%s is written %s, want %s", text, got, want)
		}
	}
}

// A template that is accepted compiles, and what it matches begins with its literal beginning.
func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{"/", "/a", "/{a}", "/{a:[0-9]{3}}/b", "/{a", "/}", "/{a:}", "/a%2Fb/{x:.*}", "/{é}", "/{a:(b|c)}"} {
		f.Add(s, "/a/b")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		p, err := parsePattern("relativeurl", text)
		if err != nil {
			return
		}
		if p.Regex == "" {
			if !strings.HasPrefix(p.Text, "/") || strings.ContainsAny(p.Text, " \r\n?#") || reserved(p.Text) {
				t.Errorf("%q became the literal %q", text, p.Text)
			}
			return
		}
		whole := regexp.MustCompile("^(?:" + p.Regex + ")$")
		if p.whole(path) != whole.MatchString(path) {
			t.Errorf("%q matches %q: %v", text, path, p.whole(path))
		}
		if unprintable(p.Text) {
			t.Errorf("%q cannot be a header: %q", text, p.Text)
		}
	})
}

func TestForeignHeaders_MatchesAllButTheThree(t *testing.T) {
	re := regexp.MustCompile("^(?:" + foreignHeaders(tablePublic) + ")$")
	inside := regexp.MustCompile("^(?:" + foreignHeaders(tableInternal) + ")$")
	if name := "x-fission-timer-name"; !re.MatchString(name) || inside.MatchString(name) {
		t.Errorf("%s is the platform's own: nobody but its timer may send it", name)
	}
	for _, keep := range []string{"x-fission-request-id", "x-fission-invoke-mode", "x-fission-debug", "x-request-id", "x-forwarded-for", "x-fissiona-b", "content-type", "x-hotpodx"} {
		if re.MatchString(keep) {
			t.Errorf("%s is taken from clients", keep)
		}
	}
	for _, drop := range []string{"x-hotpod-function", "x_hotpod_wait", "x-hotpod_x", "x-envoy-retry-on", "x-fission-", "x-fission-request-i", "x-fission-request-idx", "x-fission-request_id", "x_fission_request_id", "x-fission-params-id", "x-fission-d", "x-fission-debugger"} {
		if !re.MatchString(drop) || !inside.MatchString(drop) {
			t.Errorf("clients can send %s", drop)
		}
	}
}

func TestAnythingBut_IsTheComplement(t *testing.T) {
	letters := rapid.StringOfN(rapid.SampledFrom([]rune("ab")), 0, 4, -1)
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(letters, 1, 5).Draw(rt, "words")
		text := letters.Draw(rt, "text")
		re := regexp.MustCompile("^" + anythingBut(words...) + "$")
		if re.MatchString(text) == slices.Contains(words, text) {
			rt.Fatalf("%s: %q matches: %v", re, text, re.MatchString(text))
		}
	})
}
