<?php

function handler()
{
    = 5
}
