<?php

declare(strict_types=1);

namespace Hotpod;

use Psr\Http\Message\ResponseInterface;

/** One call of the function. What it prints is the answer, unless it answers otherwise. */
final class Call
{
    private const HTML = ['Content-Type' => 'text/html; charset=UTF-8'];

    private Psr7\Response $response;
    private bool $ended = false;
    private int $level = 0;

    public function __construct(
        private readonly Settings $settings,
        private readonly Code $code,
        private readonly RequestHead $head,
        private readonly RequestBody $body,
        private readonly Answer $answer,
        private readonly Connection $connection,
    ) {
    }

    /** Calls the function and answers; says whether the connection can go on. */
    public function run(): bool
    {
        static $registered = false;
        self::current($this);
        if (!$registered) {
            register_shutdown_function(static fn () => self::current()?->exited());
            $registered = true;
        }
        $this->response = new Psr7\Response();
        http_response_code(200);
        $this->level = ob_get_level();
        ob_start($this->printed(...));
        try {
            $result = $this->invoke();
            $this->finish($result);
        } catch (BadRequest $e) {
            $this->discard();
            throw $e;
        } catch (\Throwable $e) {
            return $this->fail((string) $e, $e->getMessage());
        } finally {
            $this->ended = true;
        }
        return true;
    }

    /** Holds the call in flight, for the process' end. */
    private static function current(?self $set = null): ?self
    {
        static $call = null;
        return $set === null ? $call : $call = $set;
    }

    private function invoke(): mixed
    {
        $request = Psr7\ServerRequest::of($this->head, $this->body);
        Psr7\Globals::set($this->head, $request);
        $context = ['request' => $request, 'response' => $this->response, 'logger' => Psr7\Logger::instance()];
        if ($this->code->function !== null) {
            return ($this->code->function)($context);
        }
        (static function (string $__file, array $context): void {
            extract($context);
            require $__file;
        })($this->code->file, $context);
        return null;
    }

    /** Takes what the function printed when its buffer is flushed or full: then the answer is a stream. */
    private function printed(string $bytes, int $phase): string
    {
        if (($phase & (PHP_OUTPUT_HANDLER_FLUSH | PHP_OUTPUT_HANDLER_FINAL | PHP_OUTPUT_HANDLER_CLEAN)) === PHP_OUTPUT_HANDLER_FLUSH && $bytes !== '') {
            $this->stream($bytes);
            return '';
        }
        return $this->answer->begun ? '' : $bytes;
    }

    private function stream(string $bytes): void
    {
        if (!$this->answer->begun) {
            $this->answer->begin($this->status(), $this->response->headersOr(self::HTML));
        }
        $this->answer->piece($bytes);
    }

    private function status(): int
    {
        $own = http_response_code();
        return $this->response->getStatusCode() !== 200 || !is_int($own) ? $this->response->getStatusCode() : $own;
    }

    private function finish(mixed $result): void
    {
        if ($result instanceof ResponseInterface) {
            $this->respond($result);
        } elseif ($result instanceof \Traversable) {
            $this->iterate($result);
        } elseif ($result !== null && !is_bool($result)) {
            $this->value($result);
        } else {
            $this->respond($this->response);
        }
    }

    /** Answers with a response; what was printed is its body when it has none of its own. */
    private function respond(ResponseInterface $response): void
    {
        $own = self::bodyOf($response);
        $printed = $this->takePrinted();
        if ($this->answer->begun) {
            $this->answer->piece($printed . $own);
            $this->answer->end();
            return;
        }
        if ($own !== '' && $printed !== '') {
            fwrite(STDOUT, $printed);
        }
        $headers = $response->getHeaders();
        if (!$response->hasHeader('Content-Type')) {
            $headers += self::HTML;
        }
        $status = $response->getStatusCode();
        $code = http_response_code();
        $this->answer->whole($status === 200 && is_int($code) ? $code : $status, $headers, $own !== '' ? $own : $printed);
    }

    private static function bodyOf(ResponseInterface $response): string
    {
        return (string) $response->getBody();
    }

    private function iterate(\Traversable $pieces): void
    {
        foreach ($pieces as $piece) {
            $printed = (string) ob_get_contents();
            ob_clean();
            $this->stream($printed . $piece);
            if ($this->connection->isGone()) {
                break;
            }
        }
        $printed = $this->takePrinted();
        if ($printed !== '' || !$this->answer->begun) {
            $this->stream($printed);
        }
        $this->answer->end();
    }

    private function value(mixed $value): void
    {
        $type = self::HTML;
        if (is_array($value) || $value instanceof \JsonSerializable || $value instanceof \stdClass) {
            $value = json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
            $type = ['Content-Type' => 'application/json'];
        }
        $status = $this->status();
        $headers = $this->response->headersOr($type);
        $printed = $this->takePrinted();
        if ($this->answer->begun) {
            $this->answer->piece($printed . $value);
            $this->answer->end();
            return;
        }
        if ($printed !== '') {
            fwrite(STDOUT, $printed);
        }
        $this->answer->whole($status, $headers, (string) $value);
    }

    /** Ends the buffers, those of the function too, and returns what is in them. */
    private function takePrinted(): string
    {
        while (ob_get_level() > $this->level + 1) {
            ob_end_flush();
        }
        if (ob_get_level() <= $this->level) {
            return '';
        }
        $printed = (string) ob_get_contents();
        ob_end_clean();
        return $printed;
    }

    private function discard(): void
    {
        while (ob_get_level() > $this->level) {
            ob_end_clean();
        }
    }

    /** Answers with an error, or leaves a part of an answer without its end, so that nobody takes it for the whole. */
    private function fail(string $stack, string $message): bool
    {
        $this->discard();
        fwrite(STDERR, "function error: $stack\n");
        if ($this->answer->begun) {
            return false;
        }
        $this->answer->text(500, 'Internal server error' . ($this->settings->showErrors ? ": $message" : ''));
        return true;
    }

    /** The process ends inside of the call: the function called exit(), which ends its answer, or met a fatal error. */
    private function exited(): void
    {
        if ($this->ended) {
            return;
        }
        $this->ended = true;
        $this->answer->keepAlive = false;
        $error = error_get_last();
        if ($error !== null && ($error['type'] & (E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR))) {
            $this->fail("{$error['message']} in {$error['file']}:{$error['line']}", $error['message']);
        } else {
            $this->respond($this->response);
        }
        $this->connection->close();
    }
}
