<?php

function prepare()
{
    throw new RuntimeException('boom at load');
}

prepare();

function handler()
{
}
