#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Writes base/near.ld, by which the linker lays side by side what a run needs: the code that the
# stages of the hook, pinns, podns create and rm do run, ours and the C library's in a static build,
# and what data that code has. A page costs microseconds when it is first touched, and code that lies
# all over a program is on twice as many.
#
#   tests/bench/near.sh
#
# As root; takes minutes. To be run again when functions were added, renamed or moved to other files: a name that is
# no more does no harm, what is not in the list lies elsewhere.

set -euo pipefail
BENCH=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
SRC=$(dirname "$(dirname "$BENCH")")
# shellcheck source=tests/setup.bash
. "$SRC/tests/setup.bash"
# shellcheck source=tests/bench/config.bash
. "$BENCH/config.bash"
# shellcheck source=tests/bench/stages.bash
. "$BENCH/stages.bash"

# Touched by the C library's start, by code in other files: perf record -e page-faults -d tells of them.
DATA=(libc.a:dl-debug-symbols.o libc.a:environ.o libc.a:lowlevellock.o libc.a:vars.o libc.a:varshift.o)

# glibc has some functions once for each kind of processor: what the others than this one would run.
declare -A CPUS=([glibc]="this avx2 sse2" [musl]="this")
NO_AVX512=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW
declare -A TUNABLES=([this]="" [avx2]="$NO_AVX512" [sse2]="$NO_AVX512,-AVX2,-AVX_Fast_Unaligned_Load")

# step_stage NAME PROGRAM...: leaves the addresses of what ran.
step_stage() {
	env -i PATH=/usr/bin:/bin GLIBC_TUNABLES="${TUNABLES[$cpu]}" \
		"$SCRATCH/steps" "$SCRATCH/$libc/$1-$cpu.ran" "${@:2}"
}

# inside LIBC
inside() {
	local libc=$1 cpu pinns=$SCRATCH/work/pinns where=$SCRATCH/work/pins podns=$SCRATCH/$1/cli/podns
	mount -t tmpfs -o mode=0755 tmpfs "$SCRATCH/work"
	ln -s "$podns" "$pinns"
	for cpu in ${CPUS[$libc]}; do
		walk_stages step_stage "$SCRATCH/$libc/hook/oci-podns-hook" "$SCRATCH/work/walk"
		walk_end "$SCRATCH/work/walk"
		"$pinns" -d "$where" -f "$cpu" --net --ipc --uts
		step_stage pinns "$pinns" -d "$where" -f "web-$cpu" --net --ipc --uts -s net.ipv4.ip_default_ttl=77
		step_stage create "$podns" --root "$where" create pod >/dev/null
		step_stage rm "$podns" --root "$where" rm pod
	done
}

# sections MAP: "ADDRESS NAME FILE" of each section in a linker's map that has a size.
sections() {
	awk '
		/^Linker script and memory map/ { on = 1 }
		!on { next }
		/^ \.[^ ]+$/ { name = $1; next }
		/^ \.[^ ]+ +0x/ && NF == 4 { name = $1; $1 = "" ; $0 = $0 }
		/^ +0x/ && NF == 3 && name != "" && $2 != "0x0" { print $1, name, $3 }
		{ name = "" }' "$1"
}

# used LIBC STAGE PROGRAM: "FILE SECTION STAGE" of the code sections that a stage runs, the file as the
# linker's scripts name it, in the order of the addresses. A compiler's clone counts as the function.
used() {
	sort -s -k 1,1 <(sections "$SCRATCH/$1/$3.map") "$SCRATCH/$1/$2.ran" | awk -v stage="$2" '
		NF == 1 {
			if (section ~ /^\.text/ && !seen[file, section]++)
				print file, section, stage
			next
		}
		{
			section = $2
			file = $3
			if (match(file, /[^\/]+\.a\(/))
				file = substr(file, RSTART, length(file) - RSTART)
			else if (file ~ /^\//)
				sub(/.*\//, "", file)
			sub(/\(/, ":", file)
			sub(/\.(isra|part|constprop)(\.[0-9]+)?$/, "", section)
		}'
}

# Of the libraries, what runs in all of them; then what pinns needs, which is small; then by the number
# of stages; then what other processors need.
in_order() {
	awk '
		{ key = $1 " " $2; split($3, run, "-") }
		!(key in place) { order[++n] = key; place[key] = 4 }
		run[2] != "this" {
			if (place[key] == 4)
				place[key] = run[2] == "avx2" ? 5 : 6
			next
		}
		{ place[key] = 2; stages[key]++; pinns[key] += run[1] == "pinns"; all[$3] }
		END {
			for (stage in all)
				count++
			for (i = 1; i <= n; i++) {
				key = order[i]
				if (pinns[key])
					place[key] = 1
				if (stages[key] == count && key ~ /^(crt|lib)/ && key !~ /^libpodns/)
					place[key] = 0
				print place[key], count - stages[key], i, key
			}
		}' | sort -k 1,1n -k 2,2n -k 3,3n | cut -d ' ' -f 4,5
}

# output NAME PLACE PATTERN...: one section, of what the files on standard input have.
output() {
	printf 'SECTIONS\n{\n  %s :\n  {\n' "$1"
	awk -v patterns="${*:3}" '{ print "    *" $1 "(" patterns ")" }'
	printf '  }\n}\nINSERT %s;\n' "$2"
}

script() {
	cat <<-'TEXT'
		/* SPDX-License-Identifier: Apache-2.0 */
		/*
		 * Which sections lie side by side: those that a run of the hook, of pinns, or of podns create and rm
		 * needs. Written by tests/bench/near.sh. A name that is not in a build does no harm.
		 */
		SECTIONS
		{
		  .fini : { KEEP (*(SORT_NONE(.fini))) }
		  .text.near :
		  {
	TEXT
	awk '{ print "    *" $1 "(" $2 ($2 == ".text" ? "" : " " $2 ".*") ")" }' "$1"
	printf '  }\n}\nINSERT BEFORE .text;\n'
	# Ours last: some of it is messages of errors, which are large and seldom touched.
	{
		grep '^\(lib\|crt\)' "$1" | grep -v '^libpodns'
		printf '%s\n' "${DATA[@]}"
		cat "$1"
	} | cut -d ' ' -f 1 | awk '!seen[$1]++' >"$1.files"
	output .rodata.near 'AFTER .rodata' .rodata '.rodata.*' <"$1.files"
	output '.bss.near (NOLOAD)' 'BEFORE .bss' .bss '.bss.*' <"$1.files"
}

# build_apart LIBC CC [CONFIGURE OPTION...]: as it would lie without the script.
build_apart() {
	if ! build "$SCRATCH/$1" "${@:2}"; then
		tail -n 40 "$SCRATCH/$1/build.log" >&2
		exit 1
	fi
	rm "$SCRATCH/$1"/{hook/oci-podns-hook,cli/podns}
	# make's variable, not ours.
	# shellcheck disable=SC2016
	make -C "$SCRATCH/$1" NEAR_LDFLAGS='-Wl,-Map=$@.map' hook/oci-podns-hook cli/podns >/dev/null
}

# order_of LIBC: "FILE SECTION" of what is to lie side by side.
order_of() {
	local cpu name
	unshare --mount --propagation private "$BENCH/near.sh" --inside "$1" </dev/null
	for cpu in ${CPUS[$1]}; do
		for name in "${STAGES[@]}"; do
			used "$1" "$name-$cpu" hook/oci-podns-hook
		done
		for name in pinns create rm; do
			used "$1" "$name-$cpu" cli/podns
		done
	done >"$SCRATCH/used"
	in_order <"$SCRATCH/used"
}

if [ "${1-}" = --inside ]; then
	inside "$2"
	exit
fi
be_root tests/bench/near.sh
umask 022
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/oci-podns-near.XXXXXX")
trap 'rm -rf --one-file-system "$SCRATCH"' EXIT
trap 'exit 130' INT TERM
export SCRATCH
have_packages
mkdir "$SCRATCH/work"
copy_sources "$SCRATCH/src"
gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$SCRATCH/steps" "$BENCH/steps.c"
build_apart glibc gcc --enable-static
build_apart musl musl-gcc --enable-static
{
	order_of glibc
	order_of musl
} | awk '!seen[$0]++' >"$SCRATCH/order"
script "$SCRATCH/order" >"$SRC/base/near.ld"
