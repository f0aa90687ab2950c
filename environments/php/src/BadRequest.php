<?php

declare(strict_types=1);

namespace Hotpod;

/** A request that cannot be served as it is; the code is the status. */
final class BadRequest extends \RuntimeException
{
    public function __construct(int $status, string $message)
    {
        parent::__construct($message, $status);
    }
}
