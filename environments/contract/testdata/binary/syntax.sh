#!/bin/sh
= 5 )
