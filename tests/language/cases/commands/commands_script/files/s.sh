#!/bin/bash
echo "args: $@"; echo "n=$#"; pwd; echo err >&2; exit ${RC:-0}
