<?php

// Logs a line, and answers only after /release.
function handler($context)
{
    chdir(getenv('CONTRACT_SCRATCH'));
    if ($context['request']->getUri()->getPath() === '/release') {
        touch('released');
        return '';
    }
    fwrite(STDOUT, "a line of the function\n");
    while (!file_exists('released')) {
        usleep(5000);
        clearstatcache();
    }
    echo 'printed';
}
