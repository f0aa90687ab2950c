<?php

exit(9);

function handler()
{
}
