<?php

declare(strict_types=1);

namespace Hotpod\Psr7;

use Psr\Http\Message\ResponseInterface;

/** An answer that a function makes. The one of its context may be written to without being returned. */
final class Response implements ResponseInterface
{
    use Message;

    private int $status = 200;
    private string $reason = '';

    /** @param array<string, string|list<string>> $headers */
    public function __construct(int $status = 200, array $headers = [], string $body = '')
    {
        $this->status = $status;
        $this->body = new Stream($body);
        foreach ($headers as $name => $value) {
            $this->add((string) $name, $value);
        }
    }

    public function getStatusCode(): int
    {
        return $this->status;
    }

    public function withStatus($code, $reasonPhrase = ''): static
    {
        if ($code < 200 || $code > 599) {
            throw new \InvalidArgumentException("$code is no status of an answer");
        }
        return $this->with(static function (self $r) use ($code, $reasonPhrase): void { [$r->status, $r->reason] = [$code, $reasonPhrase]; });
    }

    public function getReasonPhrase(): string
    {
        return $this->reason;
    }

    /** The headers, with a default for the type of the body. */
    public function headersOr(array $default): array
    {
        return $this->headers + ($this->hasHeader('Content-Type') ? [] : $default);
    }
}
