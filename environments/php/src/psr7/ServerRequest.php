<?php

declare(strict_types=1);

namespace Hotpod\Psr7;

use Hotpod\RequestBody;
use Hotpod\RequestHead;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Message\UriInterface;

/** A request as the function sees it. Its body is read when it is asked for. */
final class ServerRequest implements ServerRequestInterface
{
    use Message;

    private string $method;
    private string $target;
    private ?UriInterface $uri = null;
    private array $attributes = [];
    private ?array $query = null;
    private ?array $cookies = null;
    private mixed $parsed = null;
    private bool $isParsed = false;
    private array $files = [];

    public static function of(RequestHead $head, RequestBody $body): self
    {
        $request = new self();
        [$request->method, $request->target, $request->version] = [$head->method, $head->target, $head->version];
        [$request->headers, $request->names] = [$head->headers, $head->names];
        $request->body = new Stream('', $body);
        return $request;
    }

    public function getRequestTarget(): string
    {
        return $this->target;
    }

    public function withRequestTarget($requestTarget): static
    {
        return $this->with(static function (self $r) use ($requestTarget): void { $r->target = $requestTarget; });
    }

    public function getMethod(): string
    {
        return $this->method;
    }

    public function withMethod($method): static
    {
        return $this->with(static function (self $r) use ($method): void { $r->method = $method; });
    }

    public function getUri(): UriInterface
    {
        return $this->uri ??= $this->readUri();
    }

    public function withUri(UriInterface $uri, $preserveHost = false): static
    {
        return $this->with(static function (self $r) use ($uri, $preserveHost): void {
            $r->uri = $uri;
            $r->query = null;
            if (!$preserveHost && $uri->getHost() !== '') {
                $r->remove('Host');
                $r->add('Host', $uri->getAuthority());
            }
        });
    }

    public function getServerParams(): array
    {
        return $_SERVER;
    }

    public function getCookieParams(): array
    {
        return $this->cookies ??= $this->readCookies();
    }

    public function withCookieParams(array $cookies): static
    {
        return $this->with(static function (self $r) use ($cookies): void { $r->cookies = $cookies; });
    }

    public function getQueryParams(): array
    {
        if ($this->query === null) {
            parse_str($this->getUri()->getQuery(), $this->query);
        }
        return $this->query;
    }

    public function withQueryParams(array $query): static
    {
        return $this->with(static function (self $r) use ($query): void { $r->query = $query; });
    }

    public function getUploadedFiles(): array
    {
        $this->parse();
        return $this->files;
    }

    public function withUploadedFiles(array $uploadedFiles): static
    {
        return $this->with(static function (self $r) use ($uploadedFiles): void {
            $r->parse();
            $r->files = $uploadedFiles;
        });
    }

    /** The fields of a form, or what JSON says; null for other bodies. */
    public function getParsedBody()
    {
        $this->parse();
        return $this->parsed;
    }

    public function withParsedBody($data): static
    {
        return $this->with(static function (self $r) use ($data): void {
            $r->isParsed = true;
            $r->parsed = $data;
        });
    }

    public function getAttributes(): array
    {
        return $this->attributes;
    }

    public function getAttribute($name, $default = null)
    {
        return $this->attributes[$name] ?? $default;
    }

    public function withAttribute($name, $value): static
    {
        return $this->with(static function (self $r) use ($name, $value): void { $r->attributes[$name] = $value; });
    }

    public function withoutAttribute($name): static
    {
        return $this->with(static function (self $r) use ($name): void { unset($r->attributes[$name]); });
    }

    /** Whether the body is a form, which $_POST has. */
    public function isForm(): bool
    {
        $type = strtolower($this->getHeaderLine('content-type'));
        return str_starts_with($type, 'application/x-www-form-urlencoded') || str_starts_with($type, 'multipart/form-data');
    }

    private function readUri(): Uri
    {
        [$path, $query] = explode('?', $this->target, 2) + ['', ''];
        [$host, $port] = preg_match('/^(.*):(\d+)$/', $this->getHeaderLine('host'), $m) ? [$m[1], (int) $m[2]] : [$this->getHeaderLine('host'), null];
        return new Uri($this->getHeaderLine('x-forwarded-proto') ?: 'http', $host, $port, $path, $query);
    }

    private function readCookies(): array
    {
        $cookies = [];
        foreach (explode(';', $this->getHeaderLine('cookie')) as $pair) {
            [$name, $value] = explode('=', trim($pair), 2) + ['', ''];
            if ($name !== '') {
                $cookies[$name] = urldecode($value);
            }
        }
        return $cookies;
    }

    private function parse(): void
    {
        if ($this->isParsed) {
            return;
        }
        $this->isParsed = true;
        $type = strtolower($this->getHeaderLine('content-type'));
        if (str_starts_with($type, 'application/x-www-form-urlencoded')) {
            parse_str((string) $this->body, $this->parsed);
        } elseif (str_starts_with($type, 'multipart/form-data')) {
            [$this->parsed, $this->files] = UploadedFile::form((string) $this->body, $this->getHeaderLine('content-type'));
        } elseif (preg_match('#^application/([\w.-]+\+)?json#', $type)) {
            $this->parsed = json_decode((string) $this->body, true);
        }
    }
}
