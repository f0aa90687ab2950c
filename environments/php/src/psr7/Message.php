<?php

declare(strict_types=1);

namespace Hotpod\Psr7;

use Psr\Http\Message\StreamInterface;

/** What requests and responses share. Parameters have no types, so that both versions of PSR-7's interfaces fit. */
trait Message
{
    private string $version = '1.1';
    /** @var array<string, list<string>> */
    private array $headers = [];
    /** @var array<string, string> the name as it was written, by its lower case */
    private array $names = [];
    private StreamInterface $body;

    public function getProtocolVersion(): string
    {
        return $this->version;
    }

    public function withProtocolVersion($version): static
    {
        return $this->with(static function (self $m) use ($version): void { $m->version = $version; });
    }

    public function getHeaders(): array
    {
        return $this->headers;
    }

    public function hasHeader($name): bool
    {
        return isset($this->names[strtolower($name)]);
    }

    public function getHeader($name): array
    {
        return $this->headers[$this->names[strtolower($name)] ?? ''] ?? [];
    }

    public function getHeaderLine($name): string
    {
        return implode(', ', $this->getHeader($name));
    }

    public function withHeader($name, $value): static
    {
        return $this->with(static function (self $m) use ($name, $value): void {
            $m->remove($name);
            $m->add($name, $value);
        });
    }

    public function withAddedHeader($name, $value): static
    {
        return $this->with(static function (self $m) use ($name, $value): void { $m->add($name, $value); });
    }

    public function withoutHeader($name): static
    {
        return $this->with(static function (self $m) use ($name): void { $m->remove($name); });
    }

    public function getBody(): StreamInterface
    {
        return $this->body;
    }

    public function withBody(StreamInterface $body): static
    {
        return $this->with(static function (self $m) use ($body): void { $m->body = $body; });
    }

    private function with(\Closure $change): static
    {
        $copy = clone $this;
        $change($copy);
        return $copy;
    }

    private function add(string $name, mixed $values): void
    {
        if (!preg_match('/^[!#$%&\'*+.^_`|~0-9A-Za-z-]+$/', $name)) {
            throw new \InvalidArgumentException("$name is no name of a header");
        }
        foreach (is_array($values) ? $values : [$values] as $value) {
            $value = trim((string) $value, " \t");
            if (preg_match('/[\x00-\x08\x0a-\x1f\x7f]/', $value)) {
                throw new \InvalidArgumentException("the header $name has a control character");
            }
            $this->headers[$this->names[strtolower($name)] ??= $name][] = $value;
        }
    }

    private function remove(string $name): void
    {
        $lower = strtolower($name);
        if (isset($this->names[$lower])) {
            unset($this->headers[$this->names[$lower]], $this->names[$lower]);
        }
    }
}
