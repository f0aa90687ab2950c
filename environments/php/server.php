<?php

declare(strict_types=1);

// Entry point of the PHP runtime: reads the settings, listens, and lives as a generic process until a function is loaded.

namespace Hotpod;

foreach (['Settings', 'BadRequest', 'Connection', 'RequestHead', 'RequestBody', 'Answer', 'Entry', 'Code', 'Runtime', 'Workers', 'Tags', 'Worker', 'Call'] as $name) {
    require __DIR__ . "/src/$name.php";
}

try {
    $settings = Settings::read(getenv());
} catch (\InvalidArgumentException $e) {
    fwrite(STDERR, "php runtime: {$e->getMessage()}\n");
    exit(2);
}

Tags::install();
$context = stream_context_create(['socket' => ['backlog' => 1024, 'tcp_nodelay' => true]]);
$listener = @stream_socket_server("tcp://{$settings->address}", $code, $why, context: $context);
if ($listener === false) {
    fwrite(STDERR, "php runtime: listen on {$settings->address}: $why\n");
    exit(1);
}
exit((new Runtime($settings, $listener))->run());
