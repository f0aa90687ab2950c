<?php

require_once __DIR__ . '/lib.php';

function handler()
{
    return greeting('main');
}

function other()
{
    return greeting('other');
}
