<?php

// Answers with the request's body as it comes.
function handler($context)
{
    $body = $context['request']->getBody();
    while (($piece = $body->read(1 << 18)) !== '') {
        yield $piece;
    }
}
