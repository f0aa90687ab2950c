<?php

declare(strict_types=1);

namespace Hotpod;

/** A request's body, read from the connection as it is asked for. */
final class RequestBody
{
    /** What is left of the body, or of the chunk that is being read. */
    private int $left;
    private bool $chunked;
    private bool $done = false;
    private bool $begun = false;
    public int $taken = 0;

    public function __construct(private readonly Connection $connection, private readonly RequestHead $head, private readonly int $limit)
    {
        $this->chunked = $head->length < 0;
        $this->left = max($head->length, 0);
        $this->done = $head->length === 0;
    }

    public function isDone(): bool
    {
        return $this->done;
    }

    /** One to $max bytes, or '' at the end. */
    public function read(int $max): string
    {
        if ($this->done || $max < 1) {
            return '';
        }
        if (!$this->begun) {
            $this->begun = true;
            if ($this->head->expectsContinue) {
                $this->connection->write("HTTP/1.1 100 Continue\r\n\r\n");
            }
        }
        if ($this->chunked && $this->left === 0 && !$this->nextChunk()) {
            return '';
        }
        $piece = $this->connection->some(min($max, $this->left));
        if ($piece === '') {
            $this->done = true;
            throw new BadRequest(400, 'the body breaks off');
        }
        $this->left -= strlen($piece);
        $this->taken += strlen($piece);
        if ($this->left === 0) {
            $this->endOfPiece();
        }
        return $piece;
    }

    /** The rest of the body, which may not be larger than the limit. */
    public function rest(): string
    {
        $message = 'the body is larger than BODY_PARSER_LIMIT allows; read it in pieces by getBody()->read()';
        if ($this->head->length > $this->limit) {
            throw new BadRequest(413, $message);
        }
        $pieces = [];
        $size = 0;
        while (($piece = $this->read(1 << 16)) !== '') {
            $pieces[] = $piece;
            if (($size += strlen($piece)) > $this->limit) {
                throw new BadRequest(413, $message);
            }
        }
        return implode('', $pieces);
    }

    /** Throws away what the function did not read, up to a bound; says whether the connection can go on. */
    public function discard(int $max): bool
    {
        if (!$this->begun && $this->head->expectsContinue && !$this->done) {
            return false; // Nobody knows whether the body still comes.
        }
        try {
            while (!$this->done && $max > 0) {
                $max -= strlen($this->read(1 << 16));
            }
        } catch (BadRequest) {
            return false;
        }
        return $this->done;
    }

    private function nextChunk(): bool
    {
        $size = strstr($this->connection->line(1024) . ';', ';', true);
        if (!preg_match('/^[0-9a-fA-F]{1,15}[ \t]*$/', $size)) {
            $this->done = true;
            throw new BadRequest(400, 'a chunk of the body is malformed');
        }
        $this->left = (int) hexdec(trim($size));
        if ($this->left > 0) {
            return true;
        }
        while ($this->connection->line(8192) !== '') { // Trailers.
        }
        $this->done = true;
        return false;
    }

    private function endOfPiece(): void
    {
        if (!$this->chunked) {
            $this->done = true;
        } elseif ($this->connection->line(2) !== '') {
            $this->done = true;
            throw new BadRequest(400, 'a chunk of the body is malformed');
        }
    }
}
