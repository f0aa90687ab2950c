<?php

declare(strict_types=1);

namespace Hotpod\Psr7;

use Hotpod\RequestBody;
use Psr\Http\Message\StreamInterface;

/** A text in memory, or a request's body, which is read from the connection as it is asked for and can be read again once it was read whole. */
final class Stream implements StreamInterface
{
    private int $at = 0;
    private bool $inPieces = false;

    public function __construct(private string $text = '', private ?RequestBody $source = null)
    {
    }

    public function __toString(): string
    {
        $this->fill();
        return $this->text;
    }

    public function close(): void
    {
        $this->detach();
    }

    public function detach()
    {
        [$this->text, $this->at, $this->source] = ['', 0, null];
        return null;
    }

    public function getSize(): ?int
    {
        return $this->source === null ? strlen($this->text) : null;
    }

    public function tell(): int
    {
        return $this->at;
    }

    public function eof(): bool
    {
        return $this->source === null ? $this->at >= strlen($this->text) : $this->source->isDone();
    }

    public function isSeekable(): bool
    {
        return !$this->inPieces;
    }

    public function seek($offset, $whence = SEEK_SET): void
    {
        if ($this->inPieces) {
            throw new \RuntimeException('a body that is read in pieces is gone once it was read');
        }
        $this->fill();
        $this->at = max(0, $offset + match ($whence) {
            SEEK_CUR => $this->at,
            SEEK_END => strlen($this->text),
            default => 0,
        });
    }

    public function rewind(): void
    {
        $this->seek(0);
    }

    public function isWritable(): bool
    {
        return $this->source === null;
    }

    public function write($string): int
    {
        if ($this->source !== null) {
            throw new \RuntimeException('a request\'s body cannot be written');
        }
        $this->text = $this->at === strlen($this->text) ? $this->text . $string
            : substr($this->text, 0, $this->at) . $string . substr($this->text, $this->at + strlen($string));
        $this->at += strlen($string);
        return strlen($string);
    }

    public function isReadable(): bool
    {
        return true;
    }

    public function read($length): string
    {
        if ($this->source !== null) {
            $this->inPieces = true;
            $piece = $this->source->read($length);
        } else {
            $piece = substr($this->text, $this->at, $length);
        }
        $this->at += strlen($piece);
        return $piece;
    }

    public function getContents(): string
    {
        $this->fill();
        $rest = substr($this->text, $this->at);
        $this->at = strlen($this->text);
        return $rest;
    }

    public function getMetadata($key = null)
    {
        return $key === null ? [] : null;
    }

    private function fill(): void
    {
        if ($this->source !== null) {
            $this->text = $this->source->rest();
            $this->source = null;
            $this->at = 0;
            $this->inPieces = false;
        }
    }
}
