<?php

function handler($context)
{
    $context['response']->getBody()->write("Hello, world!\n");
}
