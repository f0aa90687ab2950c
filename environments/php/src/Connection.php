<?php

declare(strict_types=1);

namespace Hotpod;

/** A connection of a client: bytes in with a look ahead, bytes out. */
final class Connection
{
    /** More than the 60 KiB of headers that Envoy lets through, since routing adds some. */
    private const MAX_HEAD = 128 << 10;
    private const PIECE = 1 << 16;

    /** What was read and not yet used. */
    private string $ahead = '';
    private bool $gone = false;

    /** @param resource $stream */
    public function __construct(public readonly mixed $stream)
    {
        stream_set_blocking($stream, true);
        stream_set_timeout($stream, 86400 * 365);
        stream_set_read_buffer($stream, 0);
        stream_set_chunk_size($stream, self::PIECE);
    }

    /** Whether a request has begun that was not yet taken. */
    public function hasAhead(): bool
    {
        return $this->ahead !== '';
    }

    /** The head of the next request without its end, or null when the client closed before one began. */
    public function head(): ?string
    {
        while (true) {
            $this->ahead = ltrim($this->ahead, "\r\n"); // HTTP allows empty lines before a request.
            $end = strpos($this->ahead, "\r\n\r\n");
            if ($end !== false && $end <= self::MAX_HEAD) {
                $head = substr($this->ahead, 0, $end);
                $this->ahead = substr($this->ahead, $end + 4);
                return $head;
            }
            if (strlen($this->ahead) > self::MAX_HEAD) {
                throw new BadRequest(431, 'the headers are larger than 128 KiB');
            }
            if (!$this->more()) {
                if ($this->ahead === '') {
                    return null;
                }
                throw new BadRequest(400, 'the request breaks off in its head');
            }
        }
    }

    /** One to $max bytes, or '' at the end. */
    public function some(int $max): string
    {
        if ($this->ahead === '') {
            return (string) @fread($this->stream, min($max, self::PIECE));
        }
        $piece = substr($this->ahead, 0, $max);
        $this->ahead = substr($this->ahead, strlen($piece));
        return $piece;
    }

    /** A line without its end. */
    public function line(int $max): string
    {
        while (($end = strpos($this->ahead, "\r\n")) === false) {
            if (strlen($this->ahead) > $max || !$this->more()) {
                throw new BadRequest(400, 'a chunk of the body is malformed');
            }
        }
        $line = substr($this->ahead, 0, $end);
        $this->ahead = substr($this->ahead, $end + 2);
        return $line;
    }

    /** Writes all; what is written for a client that is gone is lost. */
    public function write(string $bytes): void
    {
        while ($bytes !== '' && !$this->gone) {
            $n = @fwrite($this->stream, $bytes);
            if ($n === false || $n === 0) {
                $this->gone = true;
                return;
            }
            $bytes = $n === strlen($bytes) ? '' : substr($bytes, $n);
        }
    }

    /** Whether a write found that the client is not there any more. */
    public function isGone(): bool
    {
        return $this->gone;
    }

    public function close(): void
    {
        @fclose($this->stream);
    }

    private function more(): bool
    {
        $piece = @fread($this->stream, self::PIECE);
        if ($piece === false || $piece === '') {
            return false;
        }
        $this->ahead .= $piece;
        return true;
    }
}
