#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
#
# Runs a fuzz target: fuzz.sh PROGRAM FOUND CORPUS DICTIONARY. New inputs, and those that made it
# fail, go to the directory FOUND.
set -eu
mkdir -p "$2"
exec "$1" -max_total_time="${FUZZ_SECONDS:-15}" -max_len=4096 -dict="$4" -timeout=10 \
    -malloc_limit_mb=16 -rss_limit_mb=2048 -error_exitcode=1 -artifact_prefix="$2/" \
    -print_final_stats=1 "$2" "$3"
