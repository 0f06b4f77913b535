#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Which lines and branches of each room the tests reach:
#
#     tests/coverage.sh BUILD_DIR
#
# Builds there with --enable-coverage and runs the unit tests; as root the stages, podns and
# pinns, too. A process that is killed, and a child that sets up a user namespace and leaves by
# _exit(), counts nothing. gcovr does the sums; BUILD_DIR/index.html shows the lines.

set -eu -o pipefail

if [ $# != 1 ]; then
	sed -n '4,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
	exit 2
fi
SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
mkdir -p "$1"
BUILD=$(cd "$1" && pwd -P)
ROOMS=(base oci ns pod plan stage sandbox hook cli)
STATE_DIR=/var/lib/oci-podns

# shellcheck source=tests/setup.bash
. "$SRC/tests/setup.bash"

if ! command -v gcovr >/dev/null; then
	echo "tests/coverage.sh: gcovr is missing" >&2
	exit 2
fi

# Each file in a mount namespace of its own, as tests/run.sh does it. One that fails is told of,
# and counts nevertheless.
run_bats() {
	local file
	for file in "$SRC"/tests/{hook-*,podns*,pinns}.bats; do
		unshare --mount --propagation private "$SRC/tests/run.sh" --inside "$file" \
			</dev/null >"$BUILD/$(basename "$file").tap" 2>&1 ||
			echo "# $(grep -c '^not ok' "$BUILD/$(basename "$file").tap") tests of $(basename "$file") failed"
	done
}

build "$BUILD" gcc --enable-coverage CFLAGS='-Og -g' || {
	tail -n 40 "$BUILD/build.log" >&2
	exit 1
}
find "$BUILD" -name '*.gcda' -delete
make -C "$BUILD" check >"$BUILD/check.log" 2>&1 </dev/null || echo "# unit tests failed: $BUILD/check.log"
if [ "$(id -u)" = 0 ]; then
	mkdir -p "$STATE_DIR"
	export PODNS_BUILD=$BUILD PODNS_SRC=$SRC PODNS_TEST_RUN=coverage-$$
	run_bats
	rmdir "$STATE_DIR" 2>/dev/null || true
fi
gcovr --root "$SRC" --object-directory "$BUILD" --exclude "$SRC/tests/" \
	--exclude-unreachable-branches --json-summary "$BUILD/summary.json" \
	--html-details "$BUILD/index.html" "$BUILD" >/dev/null
jq -r --arg rooms "${ROOMS[*]}" '
	def percent(a; b): if b == 0 then "-" else "\(a * 1000 / b | round / 10) %" end;
	def row(name; files): [ name,
		percent([files[].line_covered] | add // 0; [files[].line_total] | add // 0),
		percent([files[].branch_covered] | add // 0; [files[].branch_total] | add // 0) ];
	.files as $all |
	["room", "lines", "branches"],
	($rooms | split(" ")[] as $room |
		row($room; [$all[] | select(.filename | startswith($room + "/"))])),
	row("all"; $all) | @tsv' "$BUILD/summary.json"
