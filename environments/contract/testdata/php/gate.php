<?php

// Says that it is reached by one file, and answers when another exists.
function handler()
{
    $gate = getenv('CONTRACT_GATE');
    touch("$gate.reached");
    while (!file_exists($gate)) {
        usleep(5000);
        clearstatcache();
    }
    return 'through the gate';
}
