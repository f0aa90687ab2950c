package contract

import (
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// php runs a test for the PHP runtime.
func php(t *testing.T, test func(t *testing.T, l Language)) {
	t.Helper()
	only(t, "php", test)
}

// servePHP loads files, given as names and texts in turn, from a folder.
func servePHP(t *testing.T, l Language, entry string, files ...string) *runtime {
	t.Helper()
	folder := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		write(t, filepath.Join(folder, files[i]), files[i+1])
	}
	r := start(t, l, "BODY_PARSER_LIMIT=1mb")
	r.mustLoad(folder, entry)
	return r
}

func TestPHP_ScriptsPrintTheirAnswer(t *testing.T) {
	const script = `<p>Hello, <?= htmlspecialchars($_GET['name'] ?? 'world') ?> <?= $_SERVER['REQUEST_METHOD'] ?> <?= $_POST['a'] ?? '' ?></p><?php
function once() { return 'declared'; }
http_response_code(418);
echo once(), $request->getHeaderLine('x-one');
`
	php(t, func(t *testing.T, l Language) {
		r := servePHP(t, l, "page.php", "page.php", script)
		for range 5 { // What it declares does not hinder the next request.
			a := r.do(http.MethodPost, "/some/where?name=you", []byte("a=form"), "X-One", "1", "Content-Type", "application/x-www-form-urlencoded")
			wantText(t, a, http.StatusTeapot, "<p>Hello, you POST form</p>declared1")
			mustEqual(t, "type", a.header.Get("Content-Type"), "text/html; charset=UTF-8")
		}
	})
}

func TestPHP_FunctionForms(t *testing.T) {
	const source = `<?php
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;

function text() { return 'just text'; }
function mapping() { return ['just' => 'an array']; }
function typed(array $context): ResponseInterface {
    $request = $context['request'];
    assert($request instanceof ServerRequestInterface);
    return $context['response']->withStatus(202)->withHeader('X-Form', $request->getCookieParams()['a'] ?? 'no');
}
function generator() { yield 'a'; yield 'b'; }
function prints() { echo 'printed'; }
function writes($context) { echo "a line\n"; $context['response']->getBody()->write('written'); }
function leaves() { echo 'before the end'; exit(1); }
function fatal() { ini_set('memory_limit', '16M'); return strlen(str_repeat('x', 1 << 28)); }
function warns() { trigger_error('careful', E_USER_WARNING); return 'warned'; }
function bad_header($context) { return $context['response']->withHeader('X-A', "a\r\nX-B: b"); }
function upload($context) {
    $file = $context['request']->getUploadedFiles()['file'];
    return $file->getClientFilename() . ' ' . $file->getStream() . ' ' . $context['request']->getParsedBody()['name'];
}
function json($context) { return 'got ' . $context['request']->getParsedBody()['a'][0]; }
function missing_function() { return gone(); }
function dispatch($context) { return $_GET['form']($context); }
`
	form := "--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nan upload\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n" +
		"Content-Type: text/plain\r\n\r\ncontents\r\n--B--\r\n"
	cases := []struct {
		form, contentType, body string
		status                  int
		want                    string
	}{
		{"text", "", "", 200, "just text"},
		{"mapping", "", "", 200, `{"just":"an array"}`},
		{"typed", "", "", 202, ""},
		{"generator", "", "", 200, "ab"},
		{"prints", "", "", 200, "printed"},
		{"writes", "", "", 200, "written"},
		{"leaves", "", "", 200, "before the end"},
		{"fatal", "", "", 500, "memory"},
		{"warns", "", "", 200, "warned"},
		{"bad_header", "", "", 500, "X-A"},
		{"upload", "multipart/form-data; boundary=B", form, 200, "a.txt contents an upload"},
		{"json", "application/json", `{"a":[1]}`, 200, "got 1"},
		{"missing_function", "", "", 500, "gone"},
	}
	php(t, func(t *testing.T, l Language) {
		r := servePHP(t, l, "forms.php::dispatch", "forms.php", source)
		for _, c := range cases {
			for range 3 {
				a := r.do(http.MethodPost, "/?form="+c.form, []byte(c.body), "Content-Type", c.contentType, "Cookie", "a=cookie; b=2")
				wantText(t, a, c.status, c.want)
				if c.form == "typed" {
					mustEqual(t, "X-Form", a.header.Get("X-Form"), "cookie")
				}
			}
		}
		r.await("logged", func() bool { return strings.Contains(r.stderr.String(), "careful") })
		r.await("logged", func() bool { return strings.Contains(r.stdout.String(), "a line\n") })
	})
}

func TestPHP_PackagesOfTheFunctionAreUsed(t *testing.T) {
	// Version 1 of PSR-7 has no types.
	const autoload = `<?php
spl_autoload_register(function ($class) {
    if ($class === 'Shop\Pricing') { eval('namespace Shop; class Pricing { const PEN = 2; }'); }
    if ($class === 'Psr\Http\Message\MessageInterface') {
        eval('namespace Psr\Http\Message; interface MessageInterface { public function withHeader($name, $value); }
              interface RequestInterface extends MessageInterface {} interface ServerRequestInterface extends RequestInterface { const OWN = 1; }
              interface ResponseInterface extends MessageInterface { public function withStatus($code, $reasonPhrase = ""); }
              interface StreamInterface { public function read($length); } interface UriInterface {} interface UploadedFileInterface {}');
    }
});
`
	const source = `<?php
function handler($context) { return 'a pen is ' . Shop\Pricing::PEN . ' ' . $context['request']::OWN; }
`
	php(t, func(t *testing.T, l Language) {
		r := servePHP(t, l, "main.php::handler", "vendor/autoload.php", autoload, "main.php", source)
		wantText(t, r.get("/"), http.StatusOK, "a pen is 2 1")
	})
}

func TestPHP_ComposerBuilds(t *testing.T) {
	php(t, func(t *testing.T, l Language) {
		if _, err := exec.LookPath("composer"); err != nil {
			t.Skip("composer is not on PATH (Debian: apt-get install composer)")
		}
		src := t.TempDir()
		write(t, filepath.Join(src, "composer.json"), `{"name": "shop/orders", "require": {"shop/pricing": "*"}, "repositories": [
			{"type": "path", "url": "pricing", "options": {"symlink": false}}, {"packagist.org": false}], "minimum-stability": "dev"}`)
		write(t, filepath.Join(src, "pricing", "composer.json"), `{"name": "shop/pricing", "version": "1.0.0", "autoload": {"psr-4": {"Shop\\": "src"}}}`)
		write(t, filepath.Join(src, "pricing", "src", "Pricing.php"), "<?php\n\nnamespace Shop;\n\nclass Pricing\n{\n    const CUP = 5;\n}\n")
		write(t, filepath.Join(src, "main.php"), "<?php\n\nfunction handler()\n{\n    return 'a cup is ' . Shop\\Pricing::CUP;\n}\n")
		result, said := buildSource(t, l, src)
		if result == "" {
			t.Fatal(said)
		}
		r := start(t, l)
		r.mustLoad(result, "main.php::handler")
		wantText(t, r.get("/"), http.StatusOK, "a cup is 5")
	})
}

func TestPHP_MoreConnectionsThanWorkersWait(t *testing.T) {
	php(t, func(t *testing.T, l Language) {
		r := serve(t, l, "hello", "HOTPOD_MAX_CONNECTIONS=2")
		answers := make(chan error, 20)
		for range cap(answers) {
			go func() {
				_, err := r.try(http.MethodGet, "/", nil)
				answers <- err
			}()
		}
		for range cap(answers) {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPHP_SilentConnectionsKeepNobodyWaiting(t *testing.T) {
	php(t, func(t *testing.T, l Language) {
		r := serve(t, l, "hello", "HOTPOD_MAX_CONNECTIONS=2")
		for range 2 {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		r.client.CloseIdleConnections()
		for range 3 {
			if _, err := r.try(http.MethodGet, "/", nil); err != nil {
				t.Error(err)
			}
		}
	})
}
