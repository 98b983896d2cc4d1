#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# sanitized.sh SOURCE BUILD thread|address: builds the runtime for this machine with a sanitizer, and
# runs the tests of maps, rings and locks with it.  BPFTIME_STORM, BPFTIME_OPS: the long form.
set -euo pipefail
src=$1 build=$2-$3 kind=$3

cmake -S "$src" -B "$build" -G Ninja -DBPFTIME_COMPILER=OFF -DBPFTIME_SANITIZE="$kind" >/dev/null
cmake --build "$build" --target test_shared >/dev/null
# The thread sanitizer knows nothing of what other processes do, nor of the threads that a child of
# fork() does not have: only threads tell it something.
if [ "$kind" = thread ]; then
	filter='*Storm*Threads*:*Storm*Signals*:RtRing.*:RtLock.*'
else
	filter='*'
	export BPFTIME_OPS=${BPFTIME_OPS:-500}
fi
export TSAN_OPTIONS="exitcode=66 history_size=4"
"$build/test/test_shared" --gtest_filter="$filter" --gtest_brief=1
