#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Which lines and branches of each room the tests reach:
#
#     tests/coverage.sh BUILD_DIR
#
# Builds there with --enable-coverage and runs the unit tests; as root it runs all tests with
# tests/run.sh --coverage, whose output is in BUILD_DIR/run.log. gcovr computes the sums;
# BUILD_DIR/index.html shows the lines. A process that is killed counts nothing.

set -eu -o pipefail

if [ $# != 1 ]; then
	sed -n '4,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
	exit 2
fi
SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
mkdir -p "$1"
TOP=$(cd "$1" && pwd -P)
BUILD=$TOP/coverage
# First the rooms for which 95 % of lines are promised, then the rest.
CORE=(oci json ns pod hook)
ROOMS=(base plan stage sandbox check cli)

# shellcheck source=tests/setup.bash
. "$SRC/tests/setup.bash"

if ! command -v gcovr >/dev/null; then
	echo "tests/coverage.sh: gcovr is missing (Debian: apt-get install gcovr)" >&2
	exit 2
fi

failed=''
find "$TOP" -name '*.gcda' -delete
if [ "$(id -u)" = 0 ]; then
	BUILD_DIR=$TOP "$SRC/tests/run.sh" --coverage >"$TOP/run.log" 2>&1 || failed=yes
	sed -n '/^# failed:/,$p' "$TOP/run.log" >&2
	tail -n 1 "$TOP/run.log"
else
	echo "# not root: the unit tests alone"
	copy_sources "$TOP/src"
	build "$BUILD" gcc --enable-coverage CFLAGS='-Og -g' || {
		tail -n 40 "$BUILD/build.log" >&2
		exit 1
	}
	make -C "$BUILD" check >"$TOP/run.log" 2>&1 </dev/null || failed=yes
	[ -z "$failed" ] || tail -n 40 "$TOP/run.log" >&2
fi
gcovr --root "$TOP/src" --object-directory "$BUILD" --exclude "$TOP/src/tests/" --exclude-unreachable-branches \
	--json-summary "$TOP/summary.json" --html-details "$TOP/index.html" "$BUILD" >/dev/null
jq -r --arg core "${CORE[*]}" --arg rooms "${ROOMS[*]}" '
	def percent(a; b): if b == 0 then "-" else "\(a * 1000 / b | round / 10) %" end;
	def row(name; files): [ name,
		percent([files[].line_covered] | add // 0; [files[].line_total] | add // 0),
		percent([files[].branch_covered] | add // 0; [files[].branch_total] | add // 0) ];
	def room($name): .filename | startswith($name + "/");
	.files as $all | ($core | split(" ")) as $core |
	["room", "lines", "branches"],
	($core[] as $room | row($room; [$all[] | select(room($room))])),
	row($core | join(" + "); [$all[] | select(any(room($core[]); .))]),
	($rooms | split(" ")[] as $room | row($room; [$all[] | select(room($room))])),
	row("all"; $all) | @tsv' "$TOP/summary.json"
[ -z "$failed" ]
