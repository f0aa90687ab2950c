package contract

import (
	"net/http"
	"testing"
)

func TestRuby_FunctionForms(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	cases := []struct {
		function, contentType, body string
		status                      int
		want                        string
	}{
		{"by_array", form, "", 202, "two pieces"},
		{"by_rack", form, "b=x+y", 200, "1 x y 7 3 agent/1"},
		{"by_hash", "application/json", `{"a":[1]}`, 200, `{"parsed":[1]}`},
		{"number", form, "", 200, "42"},
		{"file", form, "", 200, "One method for each form"},
		{"bad_header", form, "", 500, "invalid header"},
	}
	only(t, "ruby", func(t *testing.T, l Language) {
		path := l.place(t, "forms")
		for _, c := range cases {
			t.Run(c.function, func(t *testing.T) {
				t.Parallel()
				r := start(t, l)
				r.mustLoad(path, c.function)
				for range 2 {
					wantText(t, r.do(http.MethodPost, "/?a=1", []byte(c.body), "Content-Type", c.contentType,
						"X-Fission-Params-Id", "7", "Cookie", "c=3", "User-Agent", "agent/1"), c.status, c.want)
				}
			})
		}
	})
}
