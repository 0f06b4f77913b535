#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# clean.sh ROOT PREFIX...: removes the pods whose names have these prefixes, without podns.

set -eu

root=$1
shift
cd "$root"
for prefix; do
	set -- netns/"$prefix"* ipcns/"$prefix"* utsns/"$prefix"* podns/"$prefix"*/shm
	for path; do
		shift
		[ ! -e "$path" ] || set -- "$@" "$path"
	done
	[ $# = 0 ] || umount -l -- "$@" 2>/dev/null || true
	rm -rf -- netns/"$prefix"* ipcns/"$prefix"* utsns/"$prefix"* podns/"$prefix"*
done
