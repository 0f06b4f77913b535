#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures oci-podns and prints one table, in Markdown:
#
#     sudo tests/bench/run.sh [--rounds N] [--pods N] [--podman | --stages]
#     sudo tests/bench/run.sh --record
#
# --rounds N: of interleaved runs, 200 by default. --pods N: as many pods are pinned for the rows
# about scale, 10000 by default; 0: leave these rows out. --podman: also whole pods under podman,
# which takes minutes. --stages: the rows about stages and pinns alone. --record: only what no noise
# changes, and into tests/bench/bounds, which tests/perf.bats compares with. BUILD_DIR=DIR in the
# environment: build there and keep it.
#
# The programs to compare with are floor.c, shell-hook.sh, and those of iproute2 and util-linux. Times
# are medians; a ratio is the median of the ratios within each round (interleave.c). Everything runs in
# a mount namespace of its own, with tmpfs for pins, records and bundles, and nothing is left.

set -eu -o pipefail

BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
SRC=$(cd "$BENCH/../.." && pwd -P)
export LC_ALL=C

# shellcheck source=tests/setup.bash
. "$SRC/tests/setup.bash"
# shellcheck source=tests/bench/config.bash
. "$BENCH/config.bash"
# shellcheck source=tests/bench/stages.bash
. "$BENCH/stages.bash"
# shellcheck source=tests/bench/plans.bash
. "$BENCH/plans.bash"

# The builds by name; default is that of `./configure` without options.
BUILDS=(default static dynamic musl)

# --- the table ---------------------------------------------------------------------

table=() over=0

# row WHAT MEASURED [COMPARED-WITH [RATIO [MOST]]]: a RATIO above MOST is marked.
row() {
	local mark=''
	if [ -n "${5-}" ]; then
		if awk -v is="$4" -v most="$5" 'BEGIN { exit !(is > most) }'; then
			mark=' **over**'
			over=$((over + 1))
		fi
	fi
	table+=("| $1 | $2 | ${3-} | ${4-} | ${5:+at most $5}$mark |")
	echo "# $1: $2${3:+, against $3}${4:+: $4}$mark" >&2
}

print_table() {
	echo '| what | measured | compared with | ratio | target |'
	echo '|---|---|---|---|---|'
	printf '%s\n' "${table[@]}"
}

us() {
	awk -v us="$1" 'BEGIN { if (us < 10000) printf "%.0f µs", us; else printf "%.1f ms", us / 1000 }'
}

divide() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# --- results of interleave ---------------------------------------------------------
# Each line: row, contender, us, ratio, CPU us, CPU ratio, page faults, processes.

result=''

# measure ROUNDS PLAN-FUNCTION [ARGUMENT...]: the plan's results, in $result.
measure() {
	local rounds=$1
	shift
	"$@" >"$WORK/plan"
	result=$("$TOOLS/interleave" "$rounds" <"$WORK/plan")
}

# got ROW CONTENDER FIELD, 3 for the time.
got() {
	awk -F '\t' -v row="$1" -v contender="$2" -v field="$3" \
		'$1 == row && $2 == contender { print $field; found = 1 } END { exit !found }' <<<"$result"
}

# against_first ROW CONTENDER FIRST WHAT [MOST]: a row of the table.
against_first() {
	row "$4" "$(us "$(got "$1" "$2" 3)")" "$3 $(us "$(got "$1" "$3" 3)")" "$(got "$1" "$2" 4)" "${5-}"
}

# --- stages ------------------------------------------------------------------------

declare -A told=(
	[precreate]="precreate, new pod" [join]="precreate, existing pod" [createRuntime]="createRuntime"
	[leave]="poststop, others remain" [poststop]="poststop, last of the pod"
	[adopt]="createRuntime, pins and rewrites" [revert]="poststop, unpins and reverts"
)

time_stages() {
	local stage
	measure "$ROUNDS" plan_stages floor "${BUILDS[@]}"
	base_result=$result
	for stage in precreate join createRuntime poststop adopt revert; do
		against_first "$stage" default floor "${told[$stage]}" 1.25
		row "— CPU time" "$(us "$(got "$stage" default 5)")" "floor $(us "$(got "$stage" floor 5)")" \
			"$(got "$stage" default 6)"
		row "— page faults" "$(got "$stage" default 7)" "floor $(got "$stage" floor 7)"
		against_first "$stage" static floor "— with --enable-static, at fixed addresses"
		against_first "$stage" dynamic floor "— with --enable-static=no, dynamic"
		against_first "$stage" musl floor "— with musl"
	done
}

time_shell() {
	local stage
	measure $((ROUNDS / 10 + 5)) plan_stages shell default
	for stage in precreate join createRuntime poststop adopt revert; do
		row "${told[$stage]}, against shell and jq" "$(us "$(got "$stage" default 3)")" \
			"shell $(us "$(got "$stage" shell 3)")" "$(got "$stage" default 4)" 0.05
	done
}

count_instructions() {
	instructions "$WORK/counted" "$@"
}

# counted STAGE FIELD
counted() {
	awk -v stage="$1" -v field="$2" '$1 == stage { print $field }' "$WORK/counted"
}

count_stages() {
	local stage name most
	for name in "${BUILDS[@]}"; do
		least_costs "$WORK/counted" "${HOOKS[$name]}" "$WORK/walk"
		most=1.5
		[ "$name" != dynamic ] || most=3
		for stage in "${STAGES[@]}"; do
			[ "$name" != default ] || row "${told[$stage]}, system calls" "$(counted "$stage" 2)"
			row "${told[$stage]}, peak memory in MiB, $name" "$(divide "$(counted "$stage" 3)" 1024)" "" \
				"$(divide "$(counted "$stage" 3)" 1024)" "$most"
		done
		rm "$WORK/counted"
	done
	command -v valgrind >/dev/null || return 0
	for name in default musl; do
		walk_stages count_instructions "${HOOKS[$name]}" "$WORK/walk"
		walk_end "$WORK/walk"
		for stage in "${STAGES[@]}"; do
			row "${told[$stage]}, instructions in millions, $name" "$(divide "$(counted "$stage" 2)" 1000000)" "" \
				"$(divide "$(counted "$stage" 2)" 1000000)" 0.6
		done
		rm "$WORK/counted"
	done
}

sizes() {
	local name
	for name in "${BUILDS[@]}"; do
		strip -o "$WORK/stripped" "${HOOKS[$name]}"
		row "size of the hook, stripped, $name" "$(($(stat -c %s "$WORK/stripped") / 1024)) KiB"
	done
}

filter() {
	local shape count time one='' tree=''
	while read -r shape count time; do
		case $shape in
		one)
			one=$time
			row "loading a seccomp program of one instruction" "$(us "$time")"
			;;
		tree)
			tree=$time
			row "loading ours, a tree of $count instructions" "$(us "$time")" "one instruction $(us "$one")" \
				"$(divide "$time" "$one")"
			;;
		list)
			row "— what that is over one instruction" "$(us "$(awk "BEGIN { print $tree - $one }")")" \
				"a list of the same calls $(us "$(awk "BEGIN { print $time - $one }")")" \
				"$(awk "BEGIN { printf \"%.2f\", ($tree - $one) / ($time - $one) }")" 0.5
			;;
		esac
	done < <("$TOOLS/filter")
}

# --- pinns and podns ---------------------------------------------------------------

pins() {
	measure "$ROUNDS" plan_pins
	against_first pin pinns floor "pinns, net ipc uts and a sysctl" 1.05
	row "— page faults" "$(got pin pinns 7)" "floor $(got pin floor 7)"
	against_first pin pinns-static floor "— with --enable-static, at fixed addresses"
	against_first pin pinns-dynamic floor "— with --enable-static=no, dynamic"
	against_first pin pinns-musl floor "— with musl"
	against_first create podns floor "podns create"
	against_first rm podns floor "podns rm"
	against_first pin unshare floor "unshare(1) with --net=, --ipc=, --uts="
	against_first pin ip-netns floor "ip netns add, a network alone"
}

# --- the runtime -------------------------------------------------------------------

runtime_rows() {
	local floor
	runtime_settings
	measure "$ROUNDS" plan_runtime
	against_first pass runtime floor "oci-podns-runc, a command that is passed through" 1.1
	floor=$(awk -v a="$(got precreate floor 3)" -v b="$(got pass floor 3)" 'BEGIN { print a + b }')
	row "oci-podns-runc create" "$(us "$(got create runtime 3)")" "precreate and that floor $(us "$floor")" \
		"$(divide "$(got create runtime 3)" "$floor")"
	umount /etc
}

# --- scale -------------------------------------------------------------------------

scale() {
	local stage before after
	(cd "$ROOT" && "$TOOLS/floor" fill full "$PODS")
	measure "$ROUNDS" plan_stages floor default
	for stage in precreate join createRuntime poststop adopt revert; do
		after=$(got "$stage" default 4)
		before=$(awk -F '\t' -v row="$stage" '$1 == row && $2 == "default" { print $4 }' <<<"$base_result")
		row "${told[$stage]}, with $PODS pods" "$(us "$(got "$stage" default 3)")" "floor $(us "$(got "$stage" floor 3)")" "$after"
		row "— that ratio against the one with no pods" "$after" "$before" "$(divide "$after" "$before")" 1.1
	done
	measure 5 plan_ls
	row "podns ls of $PODS pods" "$(us "$(got ls podns 3)")" "" "$(divide "$(got ls podns 3)" 1000000)" 1
}

# The time of 16 times the bytes; the instructions of 10 times the mounts and annotations.
linear() {
	local n
	for n in 1 16; do
		# 91 bytes an annotation; a little less than the limit.
		config size 0 $((n * 11300)) >"$WORK/$n.json"
	done
	measure $((ROUNDS / 20 + 3)) plan_sizes
	row "precreate, config of $(($(stat -c %s "$WORK/16.json") >> 20)) MiB" "$(us "$(got precreate-16 default 3)")" \
		"$(($(stat -c %s "$WORK/1.json") >> 10)) KiB $(us "$(got precreate-1 default 3)")" \
		"$(divide "$(got precreate-16 default 3)" "$(got precreate-1 default 3)")" 18
	command -v valgrind >/dev/null || return 0
	for n in 0 1000 10000; do
		config "linear-$n" "$n" "$n" >"$WORK/$n.json"
		count_instructions "$n" "${HOOKS[default]}" --root "$ROOT" --no-syslog precreate <"$WORK/$n.json" >/dev/null
	done
	row "instructions for 10,000 mounts and annotations" \
		"$(awk '{ n[$1] = $2 } END { printf "%.1f M", (n[10000] - n[0]) / 1e6 }' "$WORK/counted")" \
		"for 1,000 $(awk '{ n[$1] = $2 } END { printf "%.1f M", (n[1000] - n[0]) / 1e6 }' "$WORK/counted")" \
		"$(awk '{ n[$1] = $2 } END { printf "%.2f", (n[10000] - n[0]) / (n[1000] - n[0]) }' "$WORK/counted")" 10.5
	rm "$WORK/counted"
	clean_pods linear- size
}

burst() {
	local n=100
	measure 5 plan_burst "$n"
	against_first burst default floor "$n precreates of as many pods at once"
	row "— a second" "$(awk -v us="$(got burst default 3)" -v n="$n" 'BEGIN { printf "%.0f", n / us * 1e6 }')" \
		"floor $(awk -v us="$(got burst floor 3)" -v n="$n" 'BEGIN { printf "%.0f", n / us * 1e6 }')"
}

# --- what users feel ---------------------------------------------------------------

# Runs differ by more than the hook's time, so many are made. The floor runs as a hook too, to show how
# much of the time is the kernel's.
runtime() {
	local where what most name floor
	for where in "$WORK" "$SCRATCH/disk"; do
		measure $((2 * ROUNDS)) plan_runc "$where"
		what="tmpfs" most=1.5
		[ "$where" = "$WORK" ] || what="a disk: fsync too" most=''
		floor=$(divide "$(got run floor 9)" 1000)
		for name in default musl; do
			row "runc run with the hook, $name, bundle on $what" "$(us "$(got run "$name" 3)")" \
				"static no-op hooks $(us "$(got run noop 3)")" "$(got run "$name" 4)"
			row "— milliseconds more" "$(divide "$(got run "$name" 9)" 1000) ms" "with the floor as a hook $floor ms" \
				"$(divide "$(got run "$name" 9)" 1000)" "$most"
		done
	done
}

# shellcheck source=tests/bench/podman.bash
. "$BENCH/podman.bash"
# shellcheck source=tests/bench/network.bash
. "$BENCH/network.bash"

# --- bounds ------------------------------------------------------------------------

record() {
	walk_stages count_instructions "${HOOKS[default]}" "$WORK/walk"
	walk_end "$WORK/walk"
	least_costs "$WORK/costs" "${HOOKS[default]}" "$WORK/walk"
	{
		echo "# What each stage cost when this was recorded by \`tests/bench/run.sh --record\`, in the default build,"
		echo "# with $(tools_version)"
		echo "# stage instructions system-calls KiB"
		paste -d ' ' "$WORK/counted" <(cut -d ' ' -f 2- "$WORK/costs")
	} >"$BENCH/bounds"
	cat "$BENCH/bounds"
}

# --- inside a mount namespace of its own -------------------------------------------

inside() {
	export WORK=$SCRATCH/work ROOT=$SCRATCH/work/root
	mount -t tmpfs -o mode=0755 tmpfs "$WORK"
	mount -t tmpfs -o mode=0755 tmpfs /run
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	make_config_shm
	if [ -n "$RECORD" ]; then
		record
		return
	fi
	mkdir -p "$ROOT"/{netns,ipcns,utsns}
	mkdir -m 0700 "$ROOT/podns"
	# All contenders use one root, prepared as the hook leaves it.
	config first | "${HOOKS[default]}" --root "$ROOT" --no-syslog precreate >/dev/null
	measure "$ROUNDS" plan_noop
	row "a static process that does nothing" "$(us "$(got noop noop 3)")"
	row "— a page fault" "$(divide "$(got noop touch 9)" 100) µs"
	time_stages
	pins
	runtime_rows
	count_stages
	if [ -z "$STAGES_ALONE" ]; then
		time_shell
		sizes
		filter
		linear
		burst
		runtime
		[ -z "$PODMAN" ] || podman_rows
		[ "$PODS" = 0 ] || scale
	fi
	printf '\n'
	print_table
	printf '\n%s, %s CPUs, Linux %s; load %s; %s rounds; %s over target\n' \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
		"$(cut -d' ' -f1 /proc/loadavg)" "$ROUNDS" "$over"
}

# --- building ----------------------------------------------------------------------

build_tools() {
	local cc=${CC:-gcc} flags=(-std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra)
	mkdir -p "$TOOLS"
	"$cc" "${flags[@]}" -o "$TOOLS/interleave" "$BENCH/interleave.c"
	"$cc" "${flags[@]}" -static -o "$TOOLS/cost" "$BENCH/cost.c"
	# Linked as the default build is on Debian.
	"$cc" "${flags[@]}" -fPIE -static-pie -I"$BUILD/default" -o "$TOOLS/floor" "$BENCH/floor.c"
	"$cc" "${flags[@]}" -fPIE -static-pie -o "$TOOLS/noop" "$BENCH/noop.c"
	"$cc" "${flags[@]}" -fPIE -static-pie -DREAL="\"$TOOLS/noop\"" -o "$TOOLS/pass" "$BENCH/pass.c"
	"$cc" "${flags[@]}" -I"$SRC" -o "$TOOLS/filter" "$BENCH/filter.c" "$SRC/sandbox/rules.c" -lseccomp
}

usage() {
	sed -n '/^# Measures/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

ROUNDS=200 PODS=10000 PODMAN='' STAGES_ALONE='' RECORD=''
while [ $# -gt 0 ]; do
	case $1 in
	--inside)
		inside=yes
		;;
	--rounds | --pods)
		if ! [[ ${2-} =~ ^[0-9]+$ ]]; then
			echo "$1 takes a number" >&2
			exit 2
		fi
		if [ "$1" = --rounds ]; then
			ROUNDS=$2
		else
			PODS=$2
		fi
		shift
		;;
	--podman) PODMAN=yes ;;
	--stages) STAGES_ALONE=yes ;;
	--record) RECORD=yes ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		echo "tests/bench/run.sh: no option $1; see --help" >&2
		exit 2
		;;
	esac
	shift
done

[ -n "${inside-}" ] || {
	be_root tests/bench/run.sh
	umask 022
	SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/oci-podns-bench.XXXXXX")
	trap 'rm -rf --one-file-system "$SCRATCH"' EXIT
	trap 'exit 130' INT TERM
	mkdir "$SCRATCH/work" "$SCRATCH/disk"
	have_packages
	BUILD=${BUILD_DIR:-$SCRATCH/build}
	mkdir -p "$BUILD"
	BUILD=$(realpath "$BUILD")
	echo "# building" >&2
	copy_sources "$BUILD/src"
	for name in "${BUILDS[@]}"; do
		cc=${CC:-gcc} options=()
		case $name in
		static) options=(--enable-static) ;;
		dynamic) options=(--enable-static=no) ;;
		musl) cc=musl-gcc options=(--enable-static) ;;
		esac
		if ! build "$BUILD/$name" "$cc" "${options[@]}"; then
			tail -n 40 "$BUILD/$name/build.log" >&2
			exit 1
		fi
	done
	export SCRATCH BUILD
}

export TOOLS=$SCRATCH/tools COST=$SCRATCH/tools/cost
declare -A HOOKS=() PODNS=()
for name in "${BUILDS[@]}"; do
	HOOKS[$name]=$BUILD/$name/hook/oci-podns-hook PODNS[$name]=$BUILD/$name/cli/podns
done
if [ -n "${inside-}" ]; then
	inside
	exit
fi
build_tools
unshare --mount --propagation private "$BENCH/run.sh" --inside --rounds "$ROUNDS" --pods "$PODS" \
	${PODMAN:+--podman} ${STAGES_ALONE:+--stages} ${RECORD:+--record} </dev/null
