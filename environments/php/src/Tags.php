<?php

declare(strict_types=1);

namespace Hotpod;

/** Tags what a function writes to STDOUT and STDERR with the id of its request: see docs/logs.md. A process has one request at a time. */
final class Tags extends \php_user_filter
{
    private const MAX_ID = 128;
    private const NAME = 'hotpod.tags';

    private static string $text = '';
    private static string $json = '';

    private bool $midLine = false;

    public static function install(): void
    {
        stream_filter_register(self::NAME, self::class);
        foreach ([STDOUT, STDERR] as $output) {
            stream_filter_append($output, self::NAME, STREAM_FILTER_WRITE);
        }
    }

    public static function begin(RequestHead $head): void
    {
        $id = substr($head->line('x-fission-request-id') ?: $head->line('x-request-id'), 0, self::MAX_ID);
        if ($id === '' || getenv('HOTPOD_LOG_TAGS') === 'false') {
            self::end();
            return;
        }
        $id = preg_replace('#[^A-Za-z0-9._:=/+-]#', '_', $id);
        $sampled = preg_match('/^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/', $head->line('traceparent'), $trace) && hexdec($trace[2]) & 1;
        self::$text = "[req $id" . ($sampled ? " trace $trace[1]" : '') . ']';
        self::$json = "{\"request_id\":\"$id\"," . ($sampled ? "\"trace_id\":\"$trace[1]\"," : '');
    }

    public static function end(): void
    {
        self::$text = self::$json = '';
    }

    public function filter($in, $out, &$consumed, bool $closing): int
    {
        while ($bucket = stream_bucket_make_writeable($in)) {
            $consumed += $bucket->datalen;
            if ($bucket->data !== '') {
                $continues = $this->midLine;
                $this->midLine = !str_ends_with($bucket->data, "\n");
                if (self::$text !== '') {
                    $bucket->data = self::tagged($bucket->data, $continues);
                    $bucket->datalen = strlen($bucket->data);
                }
            }
            stream_bucket_append($out, $bucket);
        }
        return PSFS_PASS_ON;
    }

    private static function tagged(string $text, bool $continues): string
    {
        $out = '';
        foreach (explode("\n", preg_replace('/\n$/D', '', $text)) as $i => $line) {
            if ($i === 0 && $continues) {
                $out .= $line;
            } elseif (str_starts_with($line, '{"') && str_ends_with($line, '}')) {
                $out .= ($i > 0 ? "\n" : '') . self::$json . substr($line, 1);
            } else {
                $out .= ($i > 0 ? "\n" . self::$text . '+' : self::$text . ' ') . $line;
            }
        }
        return $out . (str_ends_with($text, "\n") ? "\n" : '');
    }
}
