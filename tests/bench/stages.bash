# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The stages of a container, one after the other, each run by a wrapper of the caller that measures it:
# instructions, system calls, memory. Nothing here is timed. Needs config.bash.

# The stages, in the order of walk_stages, which explains them.
# shellcheck disable=SC2034 # for those who source this
STAGES=(precreate join createRuntime leave poststop adopt revert)

# state_of ID STATUS PID DIR POD: an OCI state; PID empty: none.
state_of() {
	printf '{"ociVersion":"1.0.2-dev","id":"%s","status":"%s",%s"bundle":"%s","annotations":{"io.podns.pod":"%s"}}' \
		"$1" "$2" "${3:+\"pid\":$3,}" "$4" "$5"
}

# hold COMMAND...: the command ends as `sleep`; returns when it has, with its pid in $HELD.
hold() {
	"$@" sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	HELD=$!
	until [ "$(cat "/proc/$HELD/comm" 2>/dev/null)" = sleep ]; do
		kill -0 "$HELD" 2>/dev/null || return 1
	done
}

let_go() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
}

# walk_stages WRAPPER HOOK DIR [HOOK OPTION...]: WRAPPER STAGE HOOK ARGUMENT... runs one stage
# with the document on its standard input, and leaves its standard output alone. All pins and
# bundles are in DIR, which is empty.
walk_stages() {
	local wrapper=$1 hook=$2 dir=$3 one two pins=()
	shift 3
	local options=(--root "$dir/root" --no-syslog --sysctl net.ipv4.ip_default_ttl=77 "$@")
	pins=(nsenter --net="$dir/root/netns/web" --ipc="$dir/root/ipcns/web" --uts="$dir/root/utsns/web")
	mkdir -p "$dir/root" "$dir"/bundle/{one,two,lone} || return 1
	config web >"$dir/web.json" && config lone >"$dir/bundle/lone/config.json" || return 1
	# All stages find the directories, as on a host from its second pod on.
	config first | "$hook" "${options[@]}" precreate >/dev/null || return 1

	# A new pod, then a second container of it.
	"$wrapper" precreate "$hook" "${options[@]}" precreate \
		<"$dir/web.json" >"$dir/bundle/one/config.json" || return 1
	"$wrapper" join "$hook" "${options[@]}" precreate \
		<"$dir/web.json" >"$dir/bundle/two/config.json" || return 1
	hold "${pins[@]}" || return 1
	one=$HELD
	hold "${pins[@]}" || return 1
	two=$HELD
	# The container is in the pins already, after precreate: they are verified, and the claim is
	# replaced by a member.
	state_of one creating "$one" "$dir/bundle/one" web |
		"$wrapper" createRuntime "$hook" "${options[@]}" createRuntime ||
		return 1
	state_of two creating "$two" "$dir/bundle/two" web |
		"$hook" "${options[@]}" createRuntime ||
		return 1
	# The pod lives on; then it ends.
	let_go "$two"
	state_of two stopped '' "$dir/bundle/two" web |
		"$wrapper" leave "$hook" "${options[@]}" poststop ||
		return 1
	let_go "$one"
	state_of one stopped '' "$dir/bundle/one" web |
		"$wrapper" poststop "$hook" "${options[@]}" poststop ||
		return 1

	# runc and crun know no precreate: what the runtime made is pinned, and config.json
	# rewritten; at the end it is reverted.
	hold unshare --net --ipc --uts || return 1
	one=$HELD
	state_of lone creating "$one" "$dir/bundle/lone" lone |
		"$wrapper" adopt "$hook" "${options[@]}" createRuntime ||
		return 1
	let_go "$one"
	state_of lone stopped '' "$dir/bundle/lone" lone |
		"$wrapper" revert "$hook" "${options[@]}" poststop ||
		return 1
	config lone | cmp - "$dir/bundle/lone/config.json"
}

# What is left of the pod that walk_stages began with.
walk_end() {
	local dir=$1 point
	while read -r point; do
		umount -l "$point"
	done < <(awk -v top="$dir/root/" 'index($5, top) == 1 { print $5 }' /proc/self/mountinfo | tac)
	rm -rf --one-file-system "$dir"
}

# What the numbers depend on besides our code.
tools_version() {
	echo "gcc $(gcc -dumpfullversion), $(gcc -dumpmachine), $(getconf GNU_LIBC_VERSION)"
}

# --- wrappers ------------------------------------------------------------------

# instructions FILE STAGE PROGRAM...: the exact number in user space. PROGRAM is static. Valgrind does not
# support seccomp(2), so the sandbox is off.
instructions() {
	local file=$1 stage=$2
	shift 2
	env -i PATH=/usr/bin:/bin valgrind -q --tool=callgrind \
		--log-file="$file.valgrind" --callgrind-out-file="$file.callgrind" \
		"$@" --no-sandbox || return 1
	awk -v stage="$stage" '/^summary: / { print stage, $2 }' "$file.callgrind" >>"$file"
	rm -f "$file.callgrind" "$file.valgrind"
}

# calls_and_memory FILE STAGE PROGRAM...: system calls, and the peak of memory in KiB. $COST is
# cost.c's program.
calls_and_memory() {
	local file=$1 stage=$2
	shift 2
	env -i PATH=/usr/bin:/bin "$COST" "$file.cost" "$@" || return 1
	echo "$stage $(cat "$file.cost")" >>"$file"
}

# least_costs FILE HOOK DIR: calls and memory of all stages, the least of three walks, since the number of
# pages that the kernel maps at a page fault varies.
least_costs() {
	local file=$1 hook=$2 dir=$3 i
	for i in 1 2 3; do
		walk_stages walked_costs "$hook" "$dir" || return 1
		walk_end "$dir"
	done
	awk '{
		if (!($1 in calls)) { order[++n] = $1; calls[$1] = $2; kib[$1] = $3 }
		if ($2 < calls[$1]) calls[$1] = $2
		if ($3 < kib[$1]) kib[$1] = $3
	} END { for (i = 1; i <= n; i++) print order[i], calls[order[i]], kib[order[i]] }' "$file.walks" >"$file"
	rm "$file.walks"
}

walked_costs() {
	# The variable of least_costs.
	# shellcheck disable=SC2154
	calls_and_memory "$file.walks" "$@"
}
