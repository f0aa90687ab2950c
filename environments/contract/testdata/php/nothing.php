<?php

function handler()
{
}
