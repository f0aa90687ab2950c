<?php

// Streams `first`, then, after a call of /release, `second`; /broken fails in between.
function handler($context)
{
    chdir(getenv('CONTRACT_SCRATCH'));
    $path = $context['request']->getUri()->getPath();
    if ($path === '/release') {
        touch('released');
        return 'released';
    }
    @unlink('released');
    echo "first\n";
    ob_flush();
    flush();
    while (!file_exists('released')) {
        usleep(5000);
        clearstatcache();
    }
    if ($path === '/broken') {
        throw new RuntimeException('broken in the middle');
    }
    echo "second\n";
}
