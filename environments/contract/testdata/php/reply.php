<?php

// Answers with the status that the query asks for, two cookies and a header.
function handler($context)
{
    $response = $context['response']
        ->withStatus((int) $_GET['status'])
        ->withHeader('X-Custom', 'yes')
        ->withHeader('Set-Cookie', ['a=1', 'b=2'])
        ->withHeader('Content-Type', 'text/plain');
    $response->getBody()->write("as asked\n");
    return $response;
}
