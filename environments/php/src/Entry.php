<?php

declare(strict_types=1);

namespace Hotpod;

/** What a load call means: a file, and a function of it, or none for a script that prints its answer. */
final class Entry
{
    private const DEFAULTS = ['index.php', 'main.php', 'handler.php'];

    private function __construct(public readonly string $file, public readonly ?string $function, public readonly string $folder)
    {
    }

    /** Resolves version 1's fixed path: the function `handler`, or else the script. */
    public static function first(string $path): self
    {
        return self::resolve($path, '');
    }

    /** Resolves `file.php::func`, `file.php` or nothing, as Fission's image does, and `func` of a single file. */
    public static function resolve(string $path, string $name): self
    {
        if (!file_exists($path)) {
            throw new \RuntimeException("there is no code at $path");
        }
        [$module, $function] = str_contains($name, '::') ? explode('::', $name, 2) : [$name, null];
        if (!is_dir($path)) {
            $function ??= self::declares($path, $module) ? $module : null;
            return new self($path, $function ?? self::handlerOf($path), dirname($path));
        }
        $file = $path . '/' . ($module !== '' ? ltrim($module, '/') : self::only($path));
        if (!is_file($file) || !str_starts_with((string) realpath($file), realpath($path) . '/')) {
            throw new \RuntimeException("there is no file $module in the function's folder, which has " . implode(', ', self::files($path)));
        }
        return new self($file, $function ?? self::handlerOf($file), $path);
    }

    private static function only(string $folder): string
    {
        foreach (self::DEFAULTS as $name) {
            if (is_file("$folder/$name")) {
                return $name;
            }
        }
        $files = self::files($folder);
        if (count($files) === 1) {
            return $files[0];
        }
        throw new \RuntimeException('the function name must be file.php::function; the folder has ' . implode(', ', $files));
    }

    /** @return list<string> */
    private static function files(string $folder): array
    {
        return array_map('basename', glob("$folder/*.php") ?: []);
    }

    private static function handlerOf(string $file): ?string
    {
        return self::declares($file, 'handler') ? 'handler' : null;
    }

    private static function declares(string $file, string $function): bool
    {
        return preg_match('/^\w+$/', $function) === 1
            && preg_match('/^\s*function\s+&?\s*' . $function . '\s*\(/mi', (string) file_get_contents($file)) === 1;
    }
}
