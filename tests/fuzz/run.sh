#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the fuzz targets with clang, libFuzzer and the sanitizers and runs them:
#
#     tests/fuzz/run.sh BUILD_DIR SECONDS [TARGET...]
#
# BUILD_DIR gets the programs and inputs that fail, BUILD_DIR/found/TARGET-*: fix the bug and add the
# input to tests/fuzz/corpus/TARGET, where the target's seeds are. SECONDS 0: only build. TARGET.dict is
# the target's dictionary, if it has one.

set -eu -o pipefail

if [ $# -lt 2 ]; then
	sed -n '4,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
	exit 2
fi
SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
FUZZ=$SRC/tests/fuzz
mkdir -p "$1/found"
BUILD=$(cd "$1" && pwd -P)
LIMIT=$2
shift 2
[ $# -gt 0 ] || set -- state config plan record text options cni definition
: "${CLANG:=clang}"

FLAGS=(-std=gnu17 -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all "-I$SRC"
	-D_GNU_SOURCE '-DPACKAGE_VERSION="fuzz"' '-DPODNS_CONFDIR="/etc/oci-podns"'
	'-DPODNS_NETWORKDIR="/usr/share/oci-podns/net.d"')

# compile OBJECT SOURCE SANITIZERS
compile() {
	if [ "$1" -nt "$2" ] && [ -z "$(find "$SRC"/*/ "$FUZZ" -maxdepth 1 -name '*.h' -newer "$1")" ]; then
		return 0
	fi
	"$CLANG" "${FLAGS[@]}" "-fsanitize=$3" -c -o "$1" "$2"
}

# In the background, one for each processor.
compile_all() {
	local source object failed=0 pids=()
	for source in "$SRC"/{base,json,oci,plan}/*.c "$SRC"/ns/{maps,sysctl,types}.c \
		"$SRC"/net/{conflist{,_dir,_text},plugin,result,run,version}.c \
		"$SRC"/pod/{definition,definition_file,name,network,record,unit_file}.c \
		"$SRC"/hook/{options,settings}.c "$FUZZ"/{plan,strict}.c; do
		object=${source#"$SRC"/}
		object=$BUILD/${object//\//-}.o
		objects+=("$object")
		while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do
			wait -n || failed=1
		done
		compile "$object" "$source" fuzzer-no-link,address,undefined &
		pids+=($!)
	done
	wait "${pids[@]}" || failed=1
	return "$failed"
}

link_target() {
	compile "$BUILD/fuzz_$1.o" "$FUZZ/fuzz_$1.c" fuzzer-no-link,address,undefined
	if [ -e "$BUILD/fuzz_$1" ] &&
		[ -z "$(find "$BUILD/fuzz_$1.o" "${objects[@]}" -newer "$BUILD/fuzz_$1")" ]; then
		return 0
	fi
	"$CLANG" "${FLAGS[@]}" -fsanitize=fuzzer,address,undefined -o "$BUILD/fuzz_$1" \
		"$BUILD/fuzz_$1.o" "${objects[@]}" -lyajl
}

run_target() {
	local scratch status=0 options=()
	scratch=$(mktemp -d)
	mkdir "$scratch/corpus"
	cp "$FUZZ/corpus/$1"/* "$scratch/corpus/"
	[ ! -e "$FUZZ/$1.dict" ] || options=("-dict=$FUZZ/$1.dict")
	"$BUILD/fuzz_$1" "${options[@]}" -max_total_time="$LIMIT" -timeout=10 -rss_limit_mb=2048 \
		-max_len=16384 -print_final_stats=1 -verbosity=0 -artifact_prefix="$BUILD/found/$1-" \
		"$scratch/corpus" || status=$?
	echo "# $1: $(find "$scratch/corpus" -type f | wc -l) inputs in the corpus at the end"
	rm -rf "$scratch"
	return "$status"
}

objects=()
compile_all
failed=0
for target; do
	link_target "$target"
	[ "$LIMIT" -gt 0 ] || continue
	echo "# $target: $LIMIT s"
	run_target "$target" || failed=1
done
exit "$failed"
