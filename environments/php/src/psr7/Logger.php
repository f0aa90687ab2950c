<?php

declare(strict_types=1);

namespace Hotpod\Psr7;

use Psr\Log\LoggerInterface;

/** Writes lines to standard output, the pod's log. */
final class Logger implements LoggerInterface
{
    public static function instance(): self
    {
        static $one = null;
        return $one ??= new self();
    }

    public function emergency($message, array $context = []): void
    {
        $this->log('emergency', $message, $context);
    }

    public function alert($message, array $context = []): void
    {
        $this->log('alert', $message, $context);
    }

    public function critical($message, array $context = []): void
    {
        $this->log('critical', $message, $context);
    }

    public function error($message, array $context = []): void
    {
        $this->log('error', $message, $context);
    }

    public function warning($message, array $context = []): void
    {
        $this->log('warning', $message, $context);
    }

    public function notice($message, array $context = []): void
    {
        $this->log('notice', $message, $context);
    }

    public function info($message, array $context = []): void
    {
        $this->log('info', $message, $context);
    }

    public function debug($message, array $context = []): void
    {
        $this->log('debug', $message, $context);
    }

    public function log($level, $message, array $context = []): void
    {
        $values = [];
        foreach ($context as $name => $value) {
            if (is_scalar($value) || $value instanceof \Stringable) {
                $values['{' . $name . '}'] = (string) $value;
            }
        }
        $text = strtr((string) $message, $values);
        fwrite(STDOUT, strtoupper((string) $level) . " $text" . ($context === [] ? '' : ' ' . json_encode($context)) . "\n");
    }
}
