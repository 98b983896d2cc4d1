#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# without_llvm.sh SOURCE BUILD HOOK: builds the patcher, bpftime-ctl and the runtime with
# -DBPFTIME_COMPILER=OFF, and patches and runs a program with only those, from a hook object
# made earlier.
set -euo pipefail
src=$1 build=$2 hook=$3
tmp=$(mktemp -d /tmp/bpftime-without-XXXXXX)
trap 'rm -rf "$tmp"' EXIT

cmake -S "$src" -B "$build" -G Ninja -DBPFTIME_COMPILER=OFF -DBPFTIME_TESTS=OFF >/dev/null
cmake --build "$build" >/dev/null
[ ! -e "$build/bin/bpftime-aot" ]
if ldd "$build"/bin/* | grep libLLVM; then
	echo "something needs LLVM"
	exit 1
fi
PATH=$build/bin:$PATH
gcc -O2 "$src/test/e2e/calls.c" -o "$tmp/calls"
"$tmp/calls" >"$tmp/want" || status=$?
bpftime-patch --binary "$tmp/calls" --uprobe work --uretprobe work --map-dir "$tmp/maps" \
	-o "$tmp/patched" "$hook"
"$tmp/patched" >"$tmp/got" || [ $? = "$status" ]
cmp "$tmp/want" "$tmp/got"
[ "$(bpftime-ctl get entries 0 --dir "$tmp/maps")" = 214 ]
[ "$(bpftime-ctl get returns 0 --dir "$tmp/maps")" = 214 ]

# The built-in hook needs no object at all.
bpftime-patch --binary "$tmp/calls" --uprobe work --map-dir "$tmp/maps" -o "$tmp/counted"
"$tmp/counted" >"$tmp/got" || [ $? = "$status" ]
cmp "$tmp/want" "$tmp/got"
[ "$(bpftime-ctl get calls 0 --dir "$tmp/maps")" = 214 ]
echo ok
