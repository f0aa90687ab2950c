<?php

declare(strict_types=1);

namespace Hotpod;

/** A function's code, loaded. */
final class Code
{
    /** Whether the script declares names, so that a process can run it only once. */
    public readonly bool $runsOnce;

    private function __construct(public readonly string $file, public readonly ?string $function)
    {
        $this->runsOnce = $function === null && self::declaresNames($file);
    }

    /** Loads a function; of a script, checks the syntax only: it runs with each request. */
    public static function load(Entry $entry): self
    {
        if (is_file($autoload = $entry->folder . '/vendor/autoload.php')) {
            require_once $autoload;
        }
        require_once __DIR__ . '/psr7.php';
        if ($entry->function === null) {
            token_get_all((string) file_get_contents($entry->file), TOKEN_PARSE);
            return new self($entry->file, null);
        }
        $before = get_defined_functions()['user'];
        ob_start();
        try {
            (static function (string $file): void {
                require_once $file;
            })($entry->file);
        } finally {
            fwrite(STDOUT, (string) ob_get_clean());
        }
        if (!is_callable($entry->function)) {
            $own = array_diff(get_defined_functions()['user'], $before);
            throw new \RuntimeException("there is no function {$entry->function} in " . basename($entry->file) . '; there is ' . implode(', ', $own));
        }
        return new self($entry->file, $entry->function);
    }

    private static function declaresNames(string $file): bool
    {
        $tokens = \PhpToken::tokenize((string) file_get_contents($file));
        $named = [T_FUNCTION, T_CLASS, T_INTERFACE, T_TRAIT, T_ENUM, T_CONST];
        foreach ($tokens as $i => $token) {
            if ($token->is($named) && isset($tokens[$i + 2]) && $tokens[$i + 2]->is(T_STRING)) {
                return true;
            }
        }
        return false;
    }
}
