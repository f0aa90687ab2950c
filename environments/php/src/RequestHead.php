<?php

declare(strict_types=1);

namespace Hotpod;

/** The first line and the headers of a request. */
final class RequestHead
{
    private const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    public string $method;
    public string $target;
    public string $version;
    /** @var array<string, list<string>> values by the name as it was written first */
    public array $headers = [];
    /** @var array<string, string> the name as it was written, by its lower case */
    public array $names = [];
    /** Bytes of the body; -1 when it comes in chunks. */
    public int $length = 0;
    public bool $keepAlive;
    public bool $expectsContinue = false;

    /** Parses a head; throws BadRequest for what is not HTTP. */
    public static function parse(string $text): self
    {
        $head = new self();
        $lines = explode("\r\n", $text);
        if (preg_match('/[\x00-\x08\x0a-\x1f\x7f]/', str_replace("\r\n", '', $text))) {
            throw new BadRequest(400, 'a control character in the head');
        }
        if (!preg_match('/^([!#$%&\'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/(1\.[01])$/', $lines[0], $m)) {
            throw new BadRequest(400, 'not an HTTP/1.1 request');
        }
        [, $head->method, $head->target, $head->version] = $m;
        for ($i = 1, $n = count($lines); $i < $n; $i++) {
            $head->field($lines[$i]);
        }
        $head->framing();
        return $head;
    }

    /** A header's values, joined; '' when it is not there. */
    public function line(string $lower): string
    {
        return isset($this->names[$lower]) ? implode(', ', $this->headers[$this->names[$lower]]) : '';
    }

    private function field(string $line): void
    {
        $colon = strpos($line, ':');
        if (!$colon || strspn($line, self::TOKEN, 0, $colon) !== $colon) {
            throw new BadRequest(400, 'a header is malformed');
        }
        $name = substr($line, 0, $colon);
        $known = $this->names[strtolower($name)] ??= $name;
        $this->headers[$known][] = trim(substr($line, $colon + 1), " \t");
    }

    private function framing(): void
    {
        $coding = strtolower($this->line('transfer-encoding'));
        $length = $this->line('content-length');
        if ($coding !== '') {
            if ($coding !== 'chunked' || $length !== '') {
                throw new BadRequest(400, 'the length of the body is not clear');
            }
            $this->length = -1;
        } elseif ($length !== '') {
            if (!ctype_digit($length) || strlen($length) > 18) {
                throw new BadRequest(400, 'the length of the body is not clear');
            }
            $this->length = (int) $length;
        }
        $connection = strtolower($this->line('connection'));
        $this->keepAlive = $this->version === '1.1' ? !str_contains($connection, 'close') : str_contains($connection, 'keep-alive');
        $this->expectsContinue = $this->version === '1.1' && strtolower($this->line('expect')) === '100-continue';
    }
}
