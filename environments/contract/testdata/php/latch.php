<?php

// A call of /release ends the oldest call of /wait; /count says how many wait. Workers share files, no memory.
function handler($context)
{
    chdir(getenv('CONTRACT_SCRATCH'));
    $path = $context['request']->getUri()->getPath();
    if ($path === '/count') {
        return (string) count(glob('wait.*'));
    }
    if ($path === '/release') {
        @unlink(glob('wait.*')[0] ?? '');
        return 'released';
    }
    $mine = 'wait.' . getmypid();
    touch($mine);
    while (file_exists($mine)) {
        usleep(5000);
        clearstatcache();
    }
    return 'waited';
}
