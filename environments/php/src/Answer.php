<?php

declare(strict_types=1);

namespace Hotpod;

/** An answer on its way: whole with its length, or in pieces as chunks. */
final class Answer
{
    private const REASONS = [
        200 => 'OK', 201 => 'Created', 202 => 'Accepted', 204 => 'No Content', 301 => 'Moved Permanently', 302 => 'Found', 303 => 'See Other',
        304 => 'Not Modified', 307 => 'Temporary Redirect', 308 => 'Permanent Redirect', 400 => 'Bad Request', 401 => 'Unauthorized',
        403 => 'Forbidden', 404 => 'Not Found', 405 => 'Method Not Allowed', 409 => 'Conflict', 413 => 'Content Too Large',
        415 => 'Unsupported Media Type', 422 => 'Unprocessable Content', 429 => 'Too Many Requests', 431 => 'Request Header Fields Too Large',
        500 => 'Internal Server Error', 502 => 'Bad Gateway', 503 => 'Service Unavailable', 504 => 'Gateway Timeout',
    ];

    public bool $begun = false;
    public bool $keepAlive;
    private bool $chunked = false;
    private bool $bodiless;

    public function __construct(private readonly Connection $connection, private readonly ?RequestHead $head)
    {
        $this->keepAlive = $head?->keepAlive ?? false;
        $this->bodiless = $head?->method === 'HEAD';
    }

    /**
     * Sends all of an answer.
     *
     * @param array<string, string|list<string>> $headers
     */
    public function whole(int $status, array $headers, string $body): void
    {
        $this->begun = true;
        $head = $this->head($status, $headers);
        if ($status !== 204 && $status !== 304) {
            $head .= 'Content-Length: ' . strlen($body) . "\r\n";
        }
        $this->connection->write($head . "\r\n" . ($this->bodiless ? '' : $body));
    }

    /**
     * Sends the head of an answer whose body follows in pieces.
     *
     * @param array<string, string|list<string>> $headers
     */
    public function begin(int $status, array $headers): void
    {
        $this->begun = true;
        $this->chunked = !$this->bodiless && $this->head?->version === '1.1';
        if (!$this->chunked && !$this->bodiless) {
            $this->keepAlive = false; // The end of the connection is the end of the body.
        }
        $head = $this->head($status, $headers);
        $this->connection->write($head . ($this->chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n"));
    }

    public function piece(string $bytes): void
    {
        if ($bytes === '' || $this->bodiless) {
            return;
        }
        $this->connection->write($this->chunked ? dechex(strlen($bytes)) . "\r\n$bytes\r\n" : $bytes);
    }

    public function end(): void
    {
        if ($this->chunked) {
            $this->connection->write("0\r\n\r\n");
        }
    }

    /** Sends a text, as the runtime itself does. */
    public function text(int $status, string $text): void
    {
        $this->whole($status, ['Content-Type' => 'text/plain; charset=utf-8'], "$text\n");
    }

    private function head(int $status, array $headers): string
    {
        if ($status === 204 || $status === 304) {
            $this->bodiless = true;
        }
        $head = "HTTP/1.1 $status " . (self::REASONS[$status] ?? 'Status') . "\r\n";
        foreach ($headers as $name => $values) {
            $lower = strtolower((string) $name);
            if ($lower === 'content-length' || $lower === 'transfer-encoding' || $lower === 'connection') {
                continue; // What is sent says it.
            }
            foreach ((array) $values as $value) {
                $head .= "$name: $value\r\n";
            }
        }
        return $head . ($this->keepAlive ? '' : "Connection: close\r\n");
    }
}
