<?php

require_once __DIR__ . '/gone.php';

function handler()
{
}
