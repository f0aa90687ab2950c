<?php

// Says what the request was, as JSON.
function handler($context)
{
    $request = $context['request'];
    return [
        'method' => $request->getMethod(),
        'path' => $request->getUri()->getPath(),
        'query' => (object) $_GET,
        'headers' => array_change_key_case(array_map(fn ($values) => implode(', ', $values), $request->getHeaders())),
        'body' => base64_encode($request->getBody()),
    ];
}
