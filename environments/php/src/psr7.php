<?php

declare(strict_types=1);

// What functions see of a request. Loaded with a function: its own packages may bring the interfaces.

if (!interface_exists(Psr\Http\Message\MessageInterface::class)) {
    require __DIR__ . '/psr/http.php';
}
if (!interface_exists(Psr\Log\LoggerInterface::class)) {
    require __DIR__ . '/psr/log.php';
}
foreach (['Message', 'Stream', 'Uri', 'UploadedFile', 'ServerRequest', 'Response', 'Logger', 'Globals'] as $name) {
    require __DIR__ . "/psr7/$name.php";
}
