#!/bin/sh
for a in "$@"; do echo "arg $a"; done
echo "env $FROM_ENV"
