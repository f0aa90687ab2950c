<?php

declare(strict_types=1);

namespace Hotpod;

/** A process that serves one connection after another. */
final class Worker
{
    /** What of a body that the function did not read is thrown away to keep the connection. */
    private const DISCARD = 1 << 20;
    /** How many seconds a connection may be silent while others wait to be accepted. */
    private const PATIENCE = 1;

    private bool $stopping = false;
    private bool $idle = true;

    /**
     * @param resource $listener
     * @param resource $news
     * @param resource $lifeline
     */
    public function __construct(
        private readonly Settings $settings,
        private readonly Code $code,
        private readonly mixed $listener,
        private readonly mixed $news,
        private readonly mixed $lifeline,
        private readonly bool $full,
    ) {
        foreach ([SIGTERM, SIGINT] as $signal) {
            pcntl_signal($signal, $this->stop(...), false);
        }
    }

    public function run(?Connection $first): void
    {
        if ($first !== null) {
            $this->serve($first);
        }
        while (!$this->stopping) {
            if ($first !== null) {
                $this->tell(true);
            }
            $first = $this->accept();
            if ($first === null) {
                continue;
            }
            $this->tell(false);
            $this->serve($first);
        }
    }

    private function stop(): void
    {
        $this->stopping = true;
        if ($this->idle) {
            exit(0);
        }
    }

    private function tell(bool $waits): void
    {
        @fwrite($this->news, pack('NC', getmypid(), $waits ? 1 : 0));
    }

    private function accept(): ?Connection
    {
        while (!$this->stopping) {
            if (!$this->await($this->listener, 60)) {
                continue;
            }
            // Another worker may have been faster.
            $stream = @stream_socket_accept($this->listener, 0);
            if ($stream) {
                return new Connection($stream);
            }
            if ($this->stopping || !is_resource($this->listener)) {
                break;
            }
        }
        return null;
    }

    /** Waits for a stream, some seconds at most; ends the process when the first one is gone. */
    private function await(mixed $stream, int $seconds): bool
    {
        $ready = [$stream, $this->lifeline];
        $none = null;
        if (!@stream_select($ready, $none, $none, $seconds)) {
            return false;
        }
        if (in_array($this->lifeline, $ready, true)) {
            exit(0);
        }
        return true;
    }

    private function serve(Connection $connection): void
    {
        do {
            $this->idle = true;
            while (!$connection->hasAhead() && !$this->await($connection->stream, self::PATIENCE)) {
                // Clients open connections ahead of need: such a one must not keep a worker from those that ask.
                if ($this->stopping || $this->await($this->listener, 0)) {
                    break 2;
                }
            }
            $this->idle = false;
        } while ($this->request($connection) && !$this->stopping);
        $connection->close();
        $this->idle = true;
    }

    /** Serves one request; says whether the connection can go on. */
    private function request(Connection $connection): bool
    {
        $answer = new Answer($connection, null);
        try {
            $text = $connection->head();
            if ($text === null) {
                return false;
            }
            $head = RequestHead::parse($text);
            Tags::begin($head);
            $answer = new Answer($connection, $head);
            $answer->keepAlive = $answer->keepAlive && !$this->stopping && !$this->full && !$this->code->runsOnce;
            $body = new RequestBody($connection, $head, $this->settings->bodyLimit);
            if ($head->method === 'POST' && preg_match('#^/(v2/)?specialize(\?|$)#', $head->target)) {
                $answer->text(400, 'Not a generic container');
            } elseif (!(new Call($this->settings, $this->code, $head, $body, $answer, $connection))->run()) {
                return false;
            }
            $goesOn = $answer->keepAlive && !$connection->isGone() && $body->discard(self::DISCARD);
            if ($this->code->runsOnce) {
                $this->stopping = true;
            }
            return $goesOn;
        } catch (BadRequest $e) {
            if (!$answer->begun) {
                $answer->keepAlive = false;
                $answer->text($e->getCode(), $e->getMessage());
            }
            return $e->getCode() === 413 && $this->swallow($connection);
        } finally {
            Tags::end();
        }
    }

    /** Lets a client that still sends read its answer before the connection is closed. */
    private function swallow(Connection $connection): bool
    {
        @stream_socket_shutdown($connection->stream, STREAM_SHUT_WR);
        $left = 64 << 20;
        while ($left > 0 && ($piece = $connection->some(1 << 16)) !== '') {
            $left -= strlen($piece);
        }
        return false;
    }
}
