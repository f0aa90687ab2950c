<?php

// Ends its request, not the process.
function handler()
{
    echo 'leaving';
    exit(7);
}
