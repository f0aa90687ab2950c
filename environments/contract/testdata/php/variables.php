<?php

// Read at load, so that it tells whether the variables were there by then.
define('GREETING', getenv('GREETING'));
define('REPLACED', $_ENV['REPLACED']);

function handler()
{
    return implode('|', [GREETING, REPLACED, trim(shell_exec('printenv GREETING'))]);
}
