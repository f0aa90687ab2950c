<?php

declare(strict_types=1);

namespace Hotpod;

/** What the environment variables say. */
final class Settings
{
    private const UNITS = ['' => 1, 'b' => 1, 'kb' => 1 << 10, 'mb' => 1 << 20, 'gb' => 1 << 30];

    private function __construct(
        public readonly string $address,
        public readonly string $codePath,
        public readonly int $bodyLimit,
        public readonly bool $showErrors,
        public readonly int $maxConnections,
    ) {
    }

    /** Reads the settings; the exception names the variable that cannot be used. */
    public static function read(array $env): self
    {
        $address = $env['HOTPOD_RUNTIME_ADDRESS'] ?? '0.0.0.0:8888';
        if (!preg_match('/^(\[[^\]]+\]|[^:]*):(\d{1,5})$/', $address, $m) || (int) $m[2] > 65535) {
            throw new \InvalidArgumentException("HOTPOD_RUNTIME_ADDRESS must be host:port, not \"$address\"");
        }
        $max = $env['HOTPOD_MAX_CONNECTIONS'] ?? '256';
        if (!ctype_digit($max) || (int) $max < 1) {
            throw new \InvalidArgumentException("HOTPOD_MAX_CONNECTIONS must be a number, not \"$max\"");
        }
        return new self(
            $m[1] === '' ? "0.0.0.0:$m[2]" : $address,
            ($env['USERFUNCVOL'] ?? '/userfunc') . '/user',
            self::size('BODY_PARSER_LIMIT', $env['BODY_PARSER_LIMIT'] ?? '64mb'),
            ($env['HOTPOD_SHOW_ERRORS'] ?? '') !== 'false',
            (int) $max,
        );
    }

    /** Reads a number of bytes with an optional unit, as in 512kb or 64mb. */
    private static function size(string $name, string $text): int
    {
        if (!preg_match('/^(\d+)\s*(b|kb|mb|gb)?$/i', trim($text), $m)) {
            throw new \InvalidArgumentException("$name must be a size such as 64mb, not \"$text\"");
        }
        return (int) $m[1] * self::UNITS[strtolower($m[2] ?? '')];
    }
}
