<?php

// Fails when it is called, but not at /fine.
function handler($context)
{
    return $context['request']->getUri()->getPath() === '/fine' ? 'fine' : explode_now();
}

function explode_now()
{
    throw new RuntimeException('boom at call');
}
