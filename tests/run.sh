#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds oci-podns and runs every test, from a fresh clone on a fresh Debian:
#
#     sudo tests/run.sh [--long] [--sanitizers | --coverage | --musl] [FILE.bats...]
#
# It tests the programs of gcc and `./configure` without options. The unit tests also run with clang and
# dynamic linking, and with musl. Then it does the same in a Debian 13 that it makes (tests/bed.bash).
#
# FILE.bats: only these files, without the unit tests and the second round. --long: also make distcheck, the analysers and
# valgrind, and the long forms of sweeps and storms; this takes hours. --sanitizers: with the address,
# leak and undefined behaviour sanitizers; any report of theirs is a failure. --coverage: with programs
# that count what they execute, for tests/coverage.sh. --musl: with programs that are linked statically
# with musl. BUILD_DIR=DIR in the environment: build there and keep it; a later run with the same DIR
# builds only what changed. BATS_FILTER=REGEX: only tests whose names match. PODNS_TRACE=yes: a
# failure names the lines of helpers too, and all tests take longer.
#
# Each bats file runs in a mount namespace and a /run of its own, so that a failed test leaves no pin on
# the host. Those of Docker and containerd run in Debian 13 alone. At the end the host is compared with its state
# before. The last line is "N passed, N failed, N skipped". A test may be skipped only for something that the host was
# shown to lack (tests/skips.bash); any other skip is a failure.

set -u -o pipefail

SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
FILE_SECONDS=900	# that a bats file may take
BED_SECONDS=2400	# that the whole suite may take in Debian 13
export LC_ALL=C

# shellcheck source=tests/setup.bash
. "$SRC/tests/setup.bash"
# shellcheck source=tests/skips.bash
. "$SRC/tests/skips.bash"
# shellcheck source=tests/bed.bash
. "$SRC/tests/bed.bash"

# --- inside a mount namespace of a bats file's own ---------------------------

# The host's own files are read-only here, for bind mounts of them too. bats removes the directory of each file
# with everything below, also what is mounted there. A mount on /tmp would hide one below it.
protect_host() {
	local dir
	for dir in /tmp /var/tmp "$TMPDIR" "${PODNS_BUILD%/*}"; do
		mount --bind "$dir" "$dir" || exit 1
	done
	mount -o remount,bind,ro / || exit 1
}

inside() {
	private_mounts "$SRC/tests/run.sh" --inside "$1"
	mount -t tmpfs -o mode=0755 tmpfs /run &&
		mount -t tmpfs -o mode=0755 tmpfs "$STATE_DIR" || exit 1
	mkdir -m 0755 /run/lock
	protect_host
	# crun 1.8 refuses a host with cgroups of both versions.
	if mountpoint -q /sys/fs/cgroup/unified; then
		umount /sys/fs/cgroup/unified || exit 1
	fi
	unset XDG_RUNTIME_DIR
	export PODNS_INSIDE=yes
	if grep -qx '# bats file_tags=bed' "$1"; then
		inside_bed "$1"
	fi
	# A network namespace that plays the host's.
	if grep -qx '# bats file_tags=netns' "$1"; then
		exec unshare --net bats --tap ${BATS_FILTER:+--filter "$BATS_FILTER"} "$1"
	fi
	exec bats --tap ${BATS_FILTER:+--filter "$BATS_FILTER"} "$1"
}

# inside_bed FILE: returns only if there is no bed. The tests are then skipped where the host cannot have one, and fail
# elsewhere: needs_bed() in skips.bash.
inside_bed() {
	export PODNS_BED=${PODNS_BUILD%/*}/bed
	bed_make "$PODNS_BED" && bed_build "$PODNS_BED" || return 0
	bed_run "$PODNS_BED" env PODNS_IN_BED=yes PODNS_BUILD=/build/gcc PODNS_SRC=/build/src PODNS_SOURCES=/build/src \
		bats --tap ${BATS_FILTER:+--filter "$BATS_FILTER"} "/build/src/tests/${1##*/}"
	exit
}

# --- the whole suite in Debian 13 --------------------------------------------

# whole_bed DIR: what the README tells a newcomer to run, on the system that was fresh before the demo. The fuzzers have
# been run on the host, and so have all calls of the sweeps.
whole_bed() {
	bed_make "$1" || {
		tail -n 40 "$1"/{make.log,demo.log}
		return 1
	}
	# It sets PODNS_SOURCES, which is the host's.
	(copy_sources "$1/src") || return
	bed_run "$1" env PODNS_IN_BED=yes PODNS_FUZZ_SECONDS=3 PODNS_SWEEP_EVERY=3 /build/src/tests/run.sh
}

case ${1-} in
--inside) inside "$2" ;;
--make-bed)
	bed_make "$2"
	exit
	;;
--whole-bed)
	whole_bed "$2"
	exit
	;;
esac

# --- counting ----------------------------------------------------------------

passed=0 failed=0 skipped=0
failures=() reasons=()

pass() {
	passed=$((passed + 1))
	echo "ok - $1"
}

fail() {
	failed=$((failed + 1))
	failures+=("$1")
	echo "not ok - $1"
}

# may_skip REASON: is it a reason of skips.bash, or of this kind of build?
may_skip() {
	[[ $1 == 'host: '* || (-n $mode && $1 == "--$mode: "*) ]]
}

# tap NAME FILE: count the TAP in FILE. These are failures too: a planned test without a result, an empty or missing
# plan, and a test that was skipped for any other reason than may_skip() allows.
tap() {
	local name=$1 file=$2 line planned='' seen=0
	while IFS= read -r line; do
		case $line in
		1..*)
			planned=${line#1..}
			planned=${planned%%[!0-9]*}
			;;
		'ok '*' # '[sS][kK][iI][pP]*)
			seen=$((seen + 1))
			if may_skip "${line#*' # '[sS][kK][iI][pP] }"; then
				skipped=$((skipped + 1))
				reasons+=("$name: ${line#ok }")
			else
				fail "$name: skipped for no reason of the host's: ${line#ok }"
			fi
			;;
		'ok '*)
			seen=$((seen + 1)) passed=$((passed + 1))
			;;
		'not ok '*)
			seen=$((seen + 1)) failed=$((failed + 1))
			failures+=("$name: ${line#not ok }")
			;;
		esac
	done <"$file"
	if [ -z "$planned" ]; then
		fail "$name: it printed no TAP plan"
	elif [ "$planned" = 0 ] && [ -z "${BATS_FILTER-}" ]; then
		fail "$name: it has no tests"
	elif [ "$seen" -lt "$planned" ]; then
		failed=$((failed + planned - seen))
		failures+=("$name: ended after $seen of $planned tests")
		echo "not ok - $name: ended after $seen of $planned tests"
	fi
}

# --- the host, before and after ----------------------------------------------

# What a run might leave. The ids at the start of a mountinfo line are left out, and mounts in directories
# that other programs use.
host_state() {
	local dir
	cut -d' ' -f4- /proc/self/mountinfo | grep -E ' - nsfs |ns/|podns' | sort
	for dir in /run/{net,ipc,uts,user,cgroup,time,mnt}ns /run/podns "$STATE_DIR"; do
		[ ! -e "$dir" ] || [ -e "$dir/$STATE_DIR_MARK" ] || find "$dir" -xdev | sort
	done
}

# Processes of this run: the variable is in the environment of all programs that the tests start, in
# containers too; a hook is recognized by its program.
own_processes() {
	local proc pid exe
	for proc in /proc/[0-9]*; do
		pid=${proc#/proc/}
		if [ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ]; then
			continue
		fi
		exe=$(readlink "$proc/exe" 2>/dev/null) || continue
		if grep -qsz "^PODNS_TEST_RUN=$PODNS_TEST_RUN\$" "$proc/environ" ||
			[[ $exe == "$BUILD"/* ]]; then
			echo "$pid: $(tr '\0' ' ' <"$proc/cmdline" 2>/dev/null)"
		fi
	done
}

check_host() {
	local left
	if left=$(diff "$SCRATCH/host.before" <(host_state)); then
		pass "the host has the mounts and files that it had"
	else
		printf '# %s\n' "$left"
		fail "the host has the mounts and files that it had"
	fi
	left=$(own_processes)
	if [ -z "$left" ]; then
		pass "no process is left"
	else
		while IFS= read -r line; do
			echo "# $line"
		done <<<"$left"
		fail "no process is left"
	fi
}

# --- the steps ---------------------------------------------------------------

# build_with NAME CC [CONFIGURE OPTION...]
build_with() {
	local name=$1 cc=$2
	shift 2
	if build "$BUILD/$name" "$cc" "$@"; then
		pass "builds without a warning: $name"
	else
		tail -n 60 "$BUILD/$name/build.log"
		fail "builds without a warning: $name"
		return 1
	fi
}

unit_tests() {
	local dir=$1 source name
	# Built in parallel, run one after the other.
	if ! timeout -k 10 "$FILE_SECONDS" make -C "$dir" -j"$(nproc)" check TESTS= >"$dir/check.log" 2>&1 </dev/null; then
		grep -E '(error|warning): |Error' "$dir/check.log" || tail -n 40 "$dir/check.log"
		fail "unit tests are built without a warning: ${dir##*/}"
		return
	fi
	timeout -k 10 "$FILE_SECONDS" make -C "$dir" check >>"$dir/check.log" 2>&1 </dev/null
	for source in "$SRC"/tests/unit/test_*.c; do
		name=tests/unit/$(basename "$source" .c)
		echo "# $name (${dir##*/})"
		if [ -e "$dir/$name.log" ]; then
			grep -E '^(not ok|Bail|#.*Error)' "$dir/$name.log"
			tap "$name (${dir##*/})" "$dir/$name.log"
		else
			tail -n 40 "$dir/check.log"
			fail "$name (${dir##*/}) ran"
		fi
	done
}

# left_out FILE: print why such a build does not run it; fails if it does.
left_out() {
	case $mode:${1##*/} in
	:*) return 1 ;;
	*:analyse.bats | *:lint.bats | *:run.bats) echo "it runs none of the programs" ;;
	*:fuzz.bats) echo "it has a build of its own, with sanitizers" ;;
	*:perf.bats) echo "it counts what a plain build costs" ;;
	*:packages-12.bats | *:packages-13.bats) echo "packages have a plain build of their own" ;;
	*:containerd.bats | *:docker.bats | *:docker-vpn.bats | *:runtime-bed.bats) echo "Debian 13 has a plain build of its own" ;;
	*:valgrind.bats) echo "it is another tool of this kind" ;;
	sanitizers:net-sweep.bats | sanitizers:sweep-fault.bats | sanitizers:sweep-kill.bats | sanitizers:sweep-nomem.bats)
		echo "the calls that it tampers with would be the sanitizers' own, too"
		;;
	coverage:sweep-kill.bats) echo "what is killed counts nothing" ;;
	musl:sweep-nomem.bats) echo "nothing can be loaded into a static program" ;;
	*) return 1 ;;
	esac
}

# Remove them from $files.
leave_out() {
	local file reason left=()
	for file in "${files[@]}"; do
		if reason=$(left_out "$file"); then
			skipped=$((skipped + 1))
			reasons+=("tests/${file##*/} (--$mode): $reason")
		else
			left+=("$file")
		fi
	done
	files=("${left[@]}")
}

# The path of a bats file's TAP.
tap_of() {
	echo "$SCRATCH/$(basename "$1").tap"
}

# The longest files begin first, so that none runs alone at the end, and before them one that makes the bed, since others wait for
# it. fuzz.bats begins last, since it keeps all processors busy for a fixed time.
FIRST=(docker-vpn packages-13 packages-12 sweep-fault sweep-kill run confine hook-undo podman-rootless lint podns-gc)

order_files() {
	local name file first=() rest=() last=()
	for file in "${files[@]}"; do
		name=${file##*/}
		case " ${FIRST[*]} " in
		*" ${name%.bats} "*) first+=("$file") ;;
		*) [ "$name" = fuzz.bats ] && last=("$file") || rest+=("$file") ;;
		esac
	done
	files=("${first[@]}" "${rest[@]}" "${last[@]}")
}

# processor_seconds TIMES: the processor time of the programs that the shell waited for. TIMES has the output of `times`.
processor_seconds() {
	awk -F '[ms ]+' 'NR == 2 { printf "%.0f", $1 * 60 + $2 + $3 * 60 + $4 }' "$1"
}

# run_bats FILE, in the background: at its end FILE's TAP is in place, followed by the exit status and the
# time.
run_bats() {
	local out child status=0 started=$SECONDS
	out=$(tap_of "$1")
	timeout -k 10 "$FILE_SECONDS" unshare --mount --propagation unchanged \
		"$SRC/tests/run.sh" --inside "$1" </dev/null >"$out.part" 2>&1 &
	child=$!
	# timeout makes a process group of its own, which no key of the terminal reaches.
	trap 'kill "$child"; wait "$child"; exit 1' INT TERM
	wait "$child" || status=$?
	case $status in
	124 | 137) echo "not ok 0 ends within $FILE_SECONDS s" >>"$out.part" ;;
	esac
	times >"$out.times"
	echo "# took $((SECONDS - started)) s, $(processor_seconds "$out.times") s of a processor" >>"$out.part"
	mv "$out.part" "$out"
}

# Run all files, one more at a time than there are processors, since some wait for a lock or for a program that does not end. Results
# are printed in order.
bats_files() {
	local file out
	order_files
	(
		trap 'kill $(jobs -pr); wait; exit 1' INT TERM
		for file in "${files[@]}"; do
			while [ "$(jobs -pr | wc -l)" -gt "$(nproc)" ]; do
				wait -n
			done
			run_bats "$file" &
		done
		wait
	) &
	pool=$!
	for file in "${files[@]}"; do
		out=$(tap_of "$file")
		until [ -e "$out" ]; do
			sleep 0.2
		done
		echo "# tests/$(basename "$file")"
		cat "$out"
		tap "tests/$(basename "$file")" "$out"
	done
	wait "$pool"
	pool=''
}

# The reports of tests/instrument/sanitizers.c. Programs of ordinary users write here too.
make_reports_dir() {
	rm -rf "$PODNS_BUILD/reports"
	mkdir -m 1777 "$PODNS_BUILD/reports" && chmod 1777 "$PODNS_BUILD/reports" || exit 2
}

check_reports() {
	local report
	for report in "$PODNS_BUILD"/reports/*; do
		if [ -e "$report" ]; then
			sed 's/^/# /' "$report" | head -n 60
			fail "no report of the sanitizers: ${report##*/}"
		fi
	done
	[ -e "$report" ] || pass "no report of the sanitizers"
}

# Programs of ordinary users count too, but only in files that exist.
open_counters() {
	local program
	for program in hook/oci-podns-hook cli/podns net/podns-net; do
		"$PODNS_BUILD/$program" --version >/dev/null
	done
	find "$PODNS_BUILD" -name '*.gcda' -exec chmod a+rw {} +
}

distcheck() {
	if timeout -k 10 1200 make -C "$BUILD/gcc" distcheck >"$BUILD/distcheck.log" 2>&1 </dev/null; then
		pass "make distcheck"
	else
		tail -n 60 "$BUILD/distcheck.log"
		fail "make distcheck"
	fi
}

is_debian13() {
	grep -qx "VERSION_CODENAME=$BED_SUITE" /etc/os-release
}

# begin_debian13: it takes two minutes to make, so it begins while the project is built.
begin_debian13() {
	timeout -k 10 "$FILE_SECONDS" unshare --mount --propagation private "$SRC/tests/run.sh" --make-bed "$BUILD/bed" </dev/null >/dev/null 2>&1 &
	bed_maker=$!
}

# Debian 13 with the README's two commands: tests/demo.sh, which bed_make runs, and tests/run.sh, whose TAP is a subtest here.
debian13() {
	local out=$SCRATCH/debian13 line list='' lack
	echo "# Debian 13"
	wait "$bed_maker"
	bed_maker=''
	lack=$(T=$SCRATCH lacks_for_bed)
	if [ -n "$lack" ]; then
		skipped=$((skipped + 1))
		reasons+=("Debian 13: host: $lack")
		return
	fi
	timeout -k 10 "$BED_SECONDS" unshare --mount --propagation private \
		"$SRC/tests/run.sh" --whole-bed "$BUILD/bed" </dev/null >"$out" 2>&1
	sed 's/^/    /' "$out"
	if [ -s "$BUILD/bed/packages" ]; then
		pass "Debian 13, minimal: tests/demo.sh installs what is missing, and shows a pod"
	else
		fail "Debian 13, minimal: tests/demo.sh installs what is missing, and shows a pod"
	fi
	if ! [[ $(tail -n 1 "$out") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		fail "Debian 13: tests/run.sh ends with its numbers"
		return
	fi
	passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
	while IFS= read -r line; do
		case $line in
		'# skipped:' | '# failed:') list=${line#\# } ;;
		'#   '*) [ "$list" = failed: ] && failures+=("Debian 13: ${line#\#   }") || reasons+=("Debian 13: ${line#\#   }") ;;
		*) list='' ;;
		esac
	done < <(tail -n 200 "$out" | sed -n '/^# \(skipped\|failed\):$/,$p')
}

# --- what is run -------------------------------------------------------------

plain() {
	[ -z "$whole_bed" ] || begin_debian13
	build_with gcc gcc || return
	if [ -n "$all" ]; then
		unit_tests "$BUILD/gcc"
		build_with dynamic clang --enable-static=no && unit_tests "$BUILD/dynamic"
		build_with static clang --enable-static
		build_with musl musl-gcc --enable-static && unit_tests "$BUILD/musl"
	fi
	bats_files
	[ -z "$all" ] || [ -z "$long" ] || distcheck
	[ -z "$whole_bed" ] || debian13
}

sanitizers() {
	build_with sanitizers gcc --enable-sanitizers CFLAGS='-O1 -g' || return
	make_reports_dir
	[ -z "$all" ] || unit_tests "$PODNS_BUILD"
	bats_files
	check_reports
}

coverage() {
	build_with coverage gcc --enable-coverage CFLAGS='-Og -g' || return
	[ -z "$all" ] || unit_tests "$PODNS_BUILD"
	open_counters
	bats_files
}

musl() {
	build_with musl musl-gcc --enable-static || return
	[ -z "$all" ] || unit_tests "$PODNS_BUILD"
	bats_files
}

summary() {
	local line
	if [ ${#reasons[@]} -gt 0 ]; then
		echo "# skipped:"
		printf '#   %s\n' "${reasons[@]}"
	fi
	if [ ${#failures[@]} -gt 0 ]; then
		echo "# failed:"
		printf '#   %s\n' "${failures[@]}"
	fi
	echo "# took $SECONDS s"
	echo "$passed passed, $failed failed, $skipped skipped"
}

clean_up() {
	[ -z "$pool" ] || { kill "$pool" && wait "$pool"; } 2>/dev/null
	[ -z "$bed_maker" ] || { kill "$bed_maker" && wait "$bed_maker"; } 2>/dev/null
	bed_remove_groups "podns-$PODNS_TEST_RUN-"
	rm -rf --one-file-system "$SCRATCH"
	state_dir_end
}

long='' mode='' files=()

# For run.bats, which tests this file.
if [ "${1-}" = --count ]; then
	tap "$2" "$2"
	summary
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit
fi

while [ $# -gt 0 ]; do
	case $1 in
	--long)
		long=yes
		FILE_SECONDS=7200
		export PODNS_LONG=yes
		;;
	--sanitizers | --coverage | --musl)
		mode=${1#--}
		FILE_SECONDS=3600
		;;
	-h | --help)
		sed -n '4,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
		exit 0
		;;
	-*)
		echo "tests/run.sh: no option $1; see --help" >&2
		exit 2
		;;
	*)
		files+=("$(realpath -e -- "$1")") || exit 2
		;;
	esac
	shift
done

be_root tests/run.sh
umask 022
cd "$SRC" || exit 2
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/oci-podns-tests.XXXXXX") || exit 2
# It is the tests' TMPDIR: podman 5 makes mount points there, which a runtime in a user namespace has to reach.
chmod 0711 "$SCRATCH"
pool='' bed_maker=''
trap clean_up EXIT
trap 'exit 130' INT TERM
BUILD=${BUILD_DIR:-$SCRATCH/build}
mkdir -p "$BUILD" && BUILD=$(realpath "$BUILD") || exit 2
PODNS_TEST_RUN=${SCRATCH##*.}
export PODNS_TEST_RUN PODNS_BUILD=$BUILD/${mode:-gcc} PODNS_MODE=$mode PODNS_SRC=$SRC TMPDIR=$SCRATCH

have_packages
copy_sources "$BUILD/src" || exit 2
state_dir_begin || exit 2
host_state >"$SCRATCH/host.before"

# selected FILE: does a run of all files include it?
selected() {
	case ${1##*/} in
	# They take long, or read code instead of running it.
	analyse.bats | valgrind.bats) [ -n "$long" ] ;;
	# The run that made this bed runs those that need one for themselves, and those that make others.
	packages-12.bats | packages-13.bats) [ -z "${PODNS_IN_BED-}" ] ;;
	*) [ -z "${PODNS_IN_BED-}" ] || ! grep -qx '# bats file_tags=bed' "$1" ;;
	esac
}

all='' whole_bed=''
if [ ${#files[@]} = 0 ]; then
	all=yes
	[ -n "${PODNS_IN_BED-}$mode$long" ] || is_debian13 || whole_bed=yes
	for file in "$SRC"/tests/*.bats; do
		! selected "$file" || files+=("$file")
	done
fi
leave_out
"${mode:-plain}"
check_host
summary
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
