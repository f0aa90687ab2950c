<?php

// Loads until the file named by the environment exists.
while (!file_exists(getenv('CONTRACT_GATE'))) {
    usleep(5000);
    clearstatcache();
}

function handler()
{
    return 'loaded';
}
