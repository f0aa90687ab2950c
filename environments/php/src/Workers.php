<?php

declare(strict_types=1);

namespace Hotpod;

/**
 * The processes that serve the function: each has one connection at a time, and some wait for the next. They are forked from the
 * process that loaded the code, so they share it in memory, and a blocking function keeps nobody else from being served.
 */
final class Workers
{
    /** How many workers wait for a connection. */
    private const SPARE = 2;

    /** @var array<int, bool> whether a worker waits, by its process */
    private array $waiting = [];
    /** @var resource what workers say: their process and whether they wait, in five bytes */
    private mixed $news;
    /** @var resource */
    private mixed $newsOfWorkers;
    /** @var resource ends for the workers with this process */
    private mixed $lifeline;
    /** @var resource */
    private mixed $lifelineOfWorkers;

    /** @param resource $listener */
    public function __construct(private readonly Settings $settings, private readonly mixed $listener, private readonly Code $code)
    {
        [$this->news, $this->newsOfWorkers] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        [$this->lifeline, $this->lifelineOfWorkers] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    }

    /**
     * Keeps workers until told to stop, then lets them finish.
     *
     * @param array<int, Connection> $connections those that the generic process still has
     * @param callable(): bool $stopping
     */
    public function run(array $connections, callable $stopping): int
    {
        pcntl_signal(SIGCHLD, static function (): void {}, false);
        // A worker that sees a connection which another one takes must not wait for the next one: it would not notice the end.
        stream_set_blocking($this->listener, false);
        foreach ($connections as $connection) {
            $this->fork($connection);
            $connection->close();
        }
        while (!$stopping()) {
            $this->reap();
            while (count(array_keys($this->waiting, true, true)) < self::SPARE && count($this->waiting) < $this->settings->maxConnections) {
                $this->fork(null);
            }
            $this->listen();
        }
        return $this->end();
    }

    private function fork(?Connection $first): void
    {
        // Until the worker has its own handlers, a signal would be handled as this process does it: the worker would go on.
        pcntl_sigprocmask(SIG_BLOCK, [SIGTERM, SIGINT]);
        $pid = pcntl_fork();
        if ($pid !== 0) {
            pcntl_sigprocmask(SIG_UNBLOCK, [SIGTERM, SIGINT]);
        }
        if ($pid === -1) {
            fwrite(STDERR, "php runtime: cannot start a worker\n");
            usleep(100_000);
            return;
        }
        if ($pid > 0) {
            $this->waiting[$pid] = $first === null;
            return;
        }
        fclose($this->lifeline);
        fclose($this->news);
        pcntl_signal(SIGCHLD, SIG_DFL);
        $full = count($this->waiting) + 1 >= $this->settings->maxConnections;
        $worker = new Worker($this->settings, $this->code, $this->listener, $this->newsOfWorkers, $this->lifelineOfWorkers, $full);
        pcntl_sigprocmask(SIG_UNBLOCK, [SIGTERM, SIGINT]);
        $worker->run($first);
        exit(0);
    }

    /** Waits for news of the workers, for a second at most: a signal may have come before the wait began. */
    private function listen(): void
    {
        $ready = [$this->news];
        $none = null;
        if (!@stream_select($ready, $none, $none, 1)) {
            return;
        }
        foreach (str_split((string) fread($this->news, 5 * 1024), 5) as $item) {
            ['pid' => $pid, 'waits' => $waits] = unpack('Npid/Cwaits', $item);
            if (isset($this->waiting[$pid])) {
                $this->waiting[$pid] = $waits === 1;
            }
        }
    }

    private function reap(): void
    {
        while (($pid = pcntl_waitpid(-1, $status, WNOHANG)) > 0) {
            unset($this->waiting[$pid]);
        }
    }

    private function end(): int
    {
        // Nobody accepts any more, whichever process has the socket.
        stream_socket_shutdown($this->listener, STREAM_SHUT_RDWR);
        foreach (array_keys($this->waiting) as $pid) {
            posix_kill($pid, SIGTERM);
        }
        fclose($this->lifeline);
        while ($this->waiting !== []) {
            if (($pid = pcntl_waitpid(-1, $status)) > 0) {
                unset($this->waiting[$pid]);
            } elseif (pcntl_get_last_error() !== PCNTL_EINTR) {
                break;
            }
        }
        return 0;
    }
}
