#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What each stage costs in the default build, as far as no noise can change it: instructions in
# user space, system calls, peak memory. tests/bench/bounds has what they were when somebody last
# looked, written by `tests/bench/run.sh --record`; 5 % more is a failure, and 10 % of memory. Nothing
# here is timed: that is for `make bench`.

load helpers
load podns
load bench/config
load bench/stages

MOST_INSTRUCTIONS=600000	# of any stage, whatever was recorded
MOST_KIB=1536
MOST_PASSED=16			# system calls for a command that oci-podns-runtime passes through

setup_file() {
	export COST=$BATS_FILE_TMPDIR/cost
	make_config_shm
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -static -o "$COST" "$PODNS_SRC/tests/bench/cost.c"
	own_etc
}

setup() {
	T=$BATS_TEST_TMPDIR
	grep -v '^#' "$PODNS_SRC/tests/bench/bounds" >"$T/recorded"
}

teardown() {
	walk_end "$T/walk"
}

need_same_tools() {
	needs_tools "$(sed -n 's/^# with //p' "$PODNS_SRC/tests/bench/bounds")"
}

# What walk_stages calls for each stage.
count_instructions() {
	instructions "$T/counted" "$@"
}

# measured FIELD MOST [PERCENT]: no stage is over what was recorded by more than 5 % (PERCENT), or over MOST.
# $T/measured has a line a stage. FIELD is the column of the bounds.
measured() {
	local field=$1 most=$2 percent=${3-5} stage now bound failed=''
	equal "$(cut -d' ' -f1 "$T/measured" | tr '\n' ' ')" "${STAGES[*]} " "stages"
	while read -r stage now; do
		bound=$(awk -v stage="$stage" -v field="$field" '$1 == stage { print $field }' "$T/recorded")
		echo "$stage: $now, recorded $bound"
		if [ $((now * 100)) -gt $((bound * (100 + percent))) ] || [ "$now" -gt "$most" ]; then
			failed+=" $stage"
		fi
	done <"$T/measured"
	equal "$failed" '' "stages over their bounds (if that is right: tests/bench/run.sh --record)"
}

@test "perf: no stage needs more instructions than it did, or than 0.6 million" {
	need_same_tools
	walk_stages count_instructions "$HOOK" "$T/walk"
	cp "$T/counted" "$T/measured"
	measured 2 "$MOST_INSTRUCTIONS"
}

@test "perf: no stage makes more system calls than it did" {
	need_same_tools
	least_costs "$T/costs" "$HOOK" "$T/walk"
	cut -d' ' -f1,2 "$T/costs" >"$T/measured"
	measured 3 1000
}

@test "perf: no stage needs more memory than it did, or than 1.5 MiB" {
	need_same_tools
	least_costs "$T/costs" "$HOOK" "$T/walk"
	cut -d' ' -f1,3 "$T/costs" >"$T/measured"
	# How much of the program the kernel maps at a page fault depends on what else runs.
	measured 4 "$MOST_KIB" 10
}

@test "perf: ten times the mounts and annotations are ten times the instructions" {
	local n
	mkdir -p "$T/walk/root"
	for n in 0 500 5000; do
		config "linear-$n" "$n" "$n" >"$T/$n.json"
		instructions "$T/measured" "$n" "$HOOK" --root "$T/walk/root" --no-syslog precreate \
			<"$T/$n.json" >/dev/null
	done
	cat "$T/measured"
	# A tenth more than linear would be 11.
	awk '{ n[$1] = $2 } END { exit !(n[5000] - n[0] < 11 * (n[500] - n[0])) }' "$T/measured"
}

# The runtime's memory is replaced when it executes the real one, and valgrind ends there, so only calls are counted.
@test "perf: a command that is passed through costs few system calls" {
	local calls least rest real=$T/noop
	gcc -O2 -fPIE -static-pie -o "$real" "$PODNS_SRC/tests/bench/noop.c"
	gcc -D_GNU_SOURCE -O2 -fPIE -static-pie -DREAL="\"$real\"" -o "$T/pass" "$PODNS_SRC/tests/bench/pass.c"
	mkdir -p /etc/oci-podns
	printf '%s\n' "runtime = $real" "root = $T/walk" >/etc/oci-podns/runtime.conf
	"$COST" "$T/cost" "$T/pass" state web
	read -r least rest <"$T/cost"
	"$COST" "$T/cost" "$RUNC" state web
	read -r calls rest <"$T/cost"
	echo "$calls system calls, $least without us, $rest KiB at the end"
	[ $((calls - least)) -gt 0 ]
	[ $((calls - least)) -le "$MOST_PASSED" ]
}
