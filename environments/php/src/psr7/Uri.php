<?php

declare(strict_types=1);

namespace Hotpod\Psr7;

use Psr\Http\Message\UriInterface;

/** An address. */
final class Uri implements UriInterface
{
    public function __construct(
        private string $scheme = '',
        private string $host = '',
        private ?int $port = null,
        private string $path = '',
        private string $query = '',
        private string $fragment = '',
        private string $user = '',
    ) {
    }

    public function getScheme(): string
    {
        return $this->scheme;
    }

    public function getAuthority(): string
    {
        $user = $this->user === '' ? '' : "$this->user@";
        return $this->host === '' ? '' : $user . $this->host . ($this->getPort() === null ? '' : ":$this->port");
    }

    public function getUserInfo(): string
    {
        return $this->user;
    }

    public function getHost(): string
    {
        return $this->host;
    }

    public function getPort(): ?int
    {
        return $this->port === ['http' => 80, 'https' => 443][$this->scheme ?: 'http'] ? null : $this->port;
    }

    public function getPath(): string
    {
        return $this->path;
    }

    public function getQuery(): string
    {
        return $this->query;
    }

    public function getFragment(): string
    {
        return $this->fragment;
    }

    public function withScheme($scheme): static
    {
        return $this->with('scheme', $scheme);
    }

    public function withUserInfo($user, $password = null): static
    {
        return $this->with('user', $password === null ? $user : "$user:$password");
    }

    public function withHost($host): static
    {
        return $this->with('host', $host);
    }

    public function withPort($port): static
    {
        return $this->with('port', $port);
    }

    public function withPath($path): static
    {
        return $this->with('path', $path);
    }

    public function withQuery($query): static
    {
        return $this->with('query', $query);
    }

    public function withFragment($fragment): static
    {
        return $this->with('fragment', $fragment);
    }

    public function __toString(): string
    {
        $authority = $this->getAuthority();
        return ($this->scheme === '' ? '' : "$this->scheme:") . ($authority === '' ? '' : "//$authority") . $this->path
            . ($this->query === '' ? '' : "?$this->query") . ($this->fragment === '' ? '' : "#$this->fragment");
    }

    private function with(string $property, mixed $value): static
    {
        $copy = clone $this;
        $copy->$property = $value;
        return $copy;
    }
}
