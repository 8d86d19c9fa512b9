#!/bin/sh
if [ "$1" = --list ]; then echo '{"x": ["a", "b"], "y": {"hosts": ["b"], "vars": {"ansible_connection": "local"}}, "all": {"vars": {"ansible_connection": "local"}}}'
else echo "{\"v\": \"of $2\"}"; fi
