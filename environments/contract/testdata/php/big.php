<?php

// Answers with as many bytes as the query asks for.
function handler()
{
    $size = (int) $_GET['bytes'];
    $piece = str_repeat('x', 1 << 20);
    while ($size > 0) {
        yield substr($piece, 0, min($size, strlen($piece)));
        $size -= strlen($piece);
    }
}
