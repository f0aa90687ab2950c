<?php

// Answers with the request's body, byte for byte.
function handler($context)
{
    $body = (string) $context['request']->getBody();
    $response = $context['response']->withHeader('Content-Type', 'application/octet-stream');
    $response->getBody()->write($body);
    return $response;
}
