<?php

declare(strict_types=1);

namespace Hotpod;

/** The life of the first process: generic until a load call succeeds; then it keeps workers that serve the function. */
final class Runtime
{
    private const LOAD_LIMIT = 1 << 20;

    /** @var array<int, Connection> connections by the number of their stream */
    private array $connections = [];
    private ?Code $code = null;
    private bool $stopping = false;

    /** @param resource $listener */
    public function __construct(private readonly Settings $settings, private readonly mixed $listener)
    {
    }

    /** Runs until SIGTERM and returns the exit code. */
    public function run(): int
    {
        pcntl_async_signals(true);
        foreach ([SIGTERM, SIGINT] as $signal) {
            pcntl_signal($signal, function (): void { $this->stopping = true; }, false);
        }
        while ($this->code === null && !$this->stopping) {
            $this->step();
        }
        if ($this->code === null) {
            return 0;
        }
        $workers = new Workers($this->settings, $this->listener, $this->code);
        return $workers->run($this->connections, fn (): bool => $this->stopping);
    }

    /** Waits for something to come, for a second at most, and serves it. */
    private function step(): void
    {
        $ready = array_map(fn (Connection $c) => $c->stream, $this->connections);
        $ready[-1] = $this->listener;
        $none = null;
        if (@stream_select($ready, $none, $none, 1) === false) {
            return;
        }
        foreach ($ready as $key => $stream) {
            if ($key === -1) {
                $this->accept();
            } elseif ($this->code === null) {
                $this->serve($key);
            }
        }
    }

    private function accept(): void
    {
        if ($stream = @stream_socket_accept($this->listener, 0)) {
            $this->connections[(int) $stream] = new Connection($stream);
        }
    }

    private function serve(int $key): void
    {
        $connection = $this->connections[$key];
        $answer = new Answer($connection, null);
        try {
            $text = $connection->head();
            if ($text === null) {
                $this->drop($key);
                return;
            }
            $head = RequestHead::parse($text);
            $body = new RequestBody($connection, $head, self::LOAD_LIMIT);
            $answer = new Answer($connection, $head);
            $this->answer($head, $body, $answer);
            $goesOn = $body->discard(1 << 20) && $answer->keepAlive;
        } catch (BadRequest $e) {
            $answer->keepAlive = $goesOn = false;
            $answer->text($e->getCode(), $e->getMessage());
        }
        if (!$goesOn) {
            $this->drop($key);
        }
    }

    private function drop(int $key): void
    {
        $this->connections[$key]->close();
        unset($this->connections[$key]);
    }

    private function answer(RequestHead $head, RequestBody $body, Answer $answer): void
    {
        $path = strstr($head->target . '?', '?', true);
        if ($head->method === 'POST' && ($path === '/v2/specialize' || $path === '/specialize')) {
            $this->specialize($path, $body->rest(), $answer);
        } elseif ($path === '/healthz') {
            $answer->text(200, 'OK');
        } else {
            $answer->text(500, 'Generic container: no requests supported');
        }
    }

    private function specialize(string $path, string $body, Answer $answer): void
    {
        $call = json_decode($body, true);
        $call = is_array($call) ? $call : [];
        $file = $path === '/specialize' ? $this->settings->codePath : ($call['filepath'] ?? '');
        if (!is_string($file) || $file === '') {
            $answer->text(400, 'the load call\'s body must be JSON with a filepath');
            return;
        }
        $answer->keepAlive = false; // What comes next is for a worker.
        try {
            foreach ((array) ($call['env'] ?? []) as $name => $value) {
                putenv("$name=$value");
                $_ENV[$name] = $_SERVER[$name] = (string) $value;
            }
            $name = $path === '/specialize' ? '' : (string) ($call['functionName'] ?? '');
            $this->code = Code::load(Entry::resolve($file, $name));
        } catch (\Throwable $e) {
            fwrite(STDERR, "function cannot be loaded: $e\n");
            $answer->text(500, self::tell($e));
            return;
        }
        fwrite(STDOUT, "function loaded from $file\n");
        $answer->whole(201, [], '');
    }

    /** An error with its stack, and for a syntax error the line of the source. */
    private static function tell(\Throwable $e): string
    {
        $text = (string) $e;
        if ($e instanceof \ParseError && is_file($e->getFile())) {
            $line = file($e->getFile())[$e->getLine() - 1] ?? '';
            $text .= "\n{$e->getLine()} | " . trim($line);
        }
        return $text;
    }
}
