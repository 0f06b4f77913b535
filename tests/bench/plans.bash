# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2153 # run.sh sets ROOT, WORK, TOOLS, HOOKS, PODNS and BENCH
#
# Plans for interleave.c: what each contender runs, in which order, and what is timed. Each function
# prints a plan. All contenders work in $ROOT, with different names of pods.

SYSCTL=net.ipv4.ip_default_ttl=77

plan_noop() {
	cat <<-PLAN
		contender noop $ROOT
		time noop 1 - - $TOOLS/floor noop
		contender touch $ROOT
		time noop 1 - - $TOOLS/floor touch 100
	PLAN
}

# --- stages ------------------------------------------------------------------------

# stage_command CONTENDER STAGE POD DIR: the command line.
stage_command() {
	local contender=$1 stage=$2 pod=$3 dir=$4 hook_stage=$2
	case $stage in
	join) hook_stage=precreate ;;
	adopt) hook_stage=createRuntime ;;
	revert) hook_stage=poststop ;;
	esac
	case $contender in
	floor)
		printf '%s' "$TOOLS/floor"
		case $stage in
		createRuntime) printf ' create %s @PID@ %s' "$pod" "$dir" ;;
		adopt) printf ' adopt %s @PID@ %s' "$pod" "$dir" ;;
		revert) printf ' revert %s %s' "$pod" "$dir" ;;
		*) printf ' %s %s' "$stage" "$pod" ;;
		esac
		;;
	shell)
		printf '%s %s %s %s' "$BENCH/shell-hook.sh" "$ROOT" "$SYSCTL" "$hook_stage"
		;;
	*)
		printf '%s --root %s --no-syslog --sysctl %s %s' "${HOOKS[$contender]}" "$ROOT" "$SYSCTL" "$hook_stage"
		;;
	esac
	printf '\n'
}

# documents CONTENDER: its configs and states.
documents() {
	local name=$1 dir=$WORK/bundle/$1 id
	mkdir -p "$dir"/{one,two,lone}
	config "web-$name" >"$dir/web.json"
	config "lone-$name" >"$dir/lone/config.json"
	for id in one two lone; do
		local pod=web-$name
		[ "$id" != lone ] || pod=lone-$name
		state_of "$id" creating @PID@ "$dir/$id" "$pod" >"$dir/$id.creating"
		state_of "$id" stopped '' "$dir/$id" "$pod" >"$dir/$id.stopped"
	done
}

# plan_stages CONTENDER...: floor, shell, or one of the builds. The order is that of stages.bash, except
# that there is one process at a time: the second container ends before it becomes a member.
plan_stages() {
	local name dir web lone
	for name; do
		documents "$name"
		dir=$WORK/bundle/$name web=web-$name lone=lone-$name
		cat <<-PLAN
			contender $name $ROOT
			time precreate 1 $dir/web.json $dir/one/config.json $(stage_command "$name" precreate "$web" "$dir/one")
			enter $ROOT $web
			time createRuntime 1 $dir/one.creating - $(stage_command "$name" createRuntime "$web" "$dir/one")
			time join 1 $dir/web.json $dir/two/config.json $(stage_command "$name" join "$web" "$dir/two")
		PLAN
		# The floor records no claims.
		[ "$name" = floor ] || echo "run 1 $dir/two.stopped - $(stage_command "$name" poststop "$web" "$dir/two")"
		cat <<-PLAN
			gone
			time poststop 1 $dir/one.stopped - $(stage_command "$name" poststop "$web" "$dir/one")
			fresh
			time adopt 1 $dir/lone.creating - $(stage_command "$name" adopt "$lone" "$dir/lone")
			gone
			time revert 1 $dir/lone.stopped - $(stage_command "$name" revert "$lone" "$dir/lone")
		PLAN
	done
}

# --- pins alone --------------------------------------------------------------------

plan_pins() {
	local name
	cat <<-PLAN
		contender floor $ROOT
		time pin 1 - - $TOOLS/floor pinns pins-floor
		run 1 - - $TOOLS/floor rmpins pins-floor
		time create 1 - - $TOOLS/floor create-pod pod-floor
		time rm 1 - - $TOOLS/floor rm-pod pod-floor
	PLAN
	for name in "${BUILDS[@]}"; do
		local pinns=$WORK/$name/pinns suffix=''
		mkdir -p "${pinns%/*}"
		ln -sf "${PODNS[$name]}" "$pinns"
		[ "$name" = default ] || suffix=-$name
		cat <<-PLAN
			contender pinns$suffix $ROOT
			time pin 1 - - $pinns -d $ROOT -f pins-$name --net --ipc --uts -s $SYSCTL
			run 1 - - $TOOLS/floor rmpins pins-$name
			contender podns$suffix $ROOT
			time create 1 - - ${PODNS[$name]} --root $ROOT create pod-$name
			time rm 1 - - ${PODNS[$name]} --root $ROOT rm pod-$name
		PLAN
	done
	cat <<-PLAN
		contender unshare $ROOT
		run 1 - - touch netns/pins-unshare ipcns/pins-unshare utsns/pins-unshare
		time pin 1 - - unshare --net=netns/pins-unshare --ipc=ipcns/pins-unshare --uts=utsns/pins-unshare true
		run 1 - - $TOOLS/floor rmpins pins-unshare
		contender ip-netns $ROOT
		time pin 1 - - ip netns add bench
		run 1 - - ip netns del bench
	PLAN
}

plan_ls() {
	cat <<-PLAN
		contender podns $ROOT
		time ls 1 - - ${PODNS[default]} --root $ROOT ls
	PLAN
}

# --- size and many at once ---------------------------------------------------------

plan_sizes() {
	local n hook="${HOOKS[default]} --root $ROOT --no-syslog precreate"
	echo "contender default $ROOT"
	for n in 1 16; do
		echo "time precreate-$n 1 $WORK/$n.json $WORK/out.json $hook"
	done
	echo "run 1 - - $BENCH/clean.sh $ROOT size"
}

# plan_burst N
plan_burst() {
	config burst-default-@I@ >"$WORK/burst.json"
	cat <<-PLAN
		contender floor $ROOT
		time burst $1 $WORK/burst.json - $TOOLS/floor precreate burst-floor-@I@
		run 1 - - $BENCH/clean.sh $ROOT burst-floor-
		contender default $ROOT
		time burst $1 $WORK/burst.json - ${HOOKS[default]} --root $ROOT --no-syslog --sysctl $SYSCTL precreate
		run 1 - - $BENCH/clean.sh $ROOT burst-default-
	PLAN
}

# --- the runtime -------------------------------------------------------------------

# runtime_settings: the real runtime is noop.c's, in this mount namespace alone.
runtime_settings() {
	cp -a /etc "$WORK/etc"
	rm -rf "$WORK/etc/oci-podns"
	mkdir -m 0755 "$WORK/etc/oci-podns"
	printf '%s\n' "runtime = $TOOLS/noop" "root = $ROOT" "sysctl = $SYSCTL" no-syslog >"$WORK/etc/oci-podns/runtime.conf"
	mount --bind "$WORK/etc" /etc
}

# A command that is passed through, and a create. The floor of the create is precreate and a program that
# only executes the runtime.
plan_runtime() {
	local runc=$BUILD/default/runtime/oci-podns-runc bundle=$WORK/bundle/runtime
	mkdir -p "$bundle"
	config runtime-create >"$bundle/config.json"
	config runtime-precreate-@I@ >"$WORK/runtime.json"
	cat <<-PLAN
		contender floor $ROOT
		time pass 1 - - $TOOLS/pass --root /run/x --log /dev/null state web
		time precreate 1 $WORK/runtime.json $WORK/runtime.out ${HOOKS[default]} --root $ROOT --no-syslog --sysctl $SYSCTL precreate
		run 1 - - $BENCH/clean.sh $ROOT runtime-precreate-
		contender runtime $ROOT
		time pass 1 - - $runc --root /run/x --log /dev/null state web
		time create 1 - - $runc --root /run/x --log /dev/null create --bundle $bundle web
		run 1 - - $runc --root /run/x --log /dev/null delete web
	PLAN
}

# --- runc --------------------------------------------------------------------------

# json_list STRING...
json_list() {
	printf '%s\n' "$@" | jq -R . | jq -cs .
}

# runc_bundle DIR HOOK ARGUMENT...: a container that ends at once, with this hook at both stages.
runc_bundle() {
	local dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	[ -e "$WORK/rootfs" ] || make_rootfs "$WORK/rootfs"
	ln -sf busybox "$WORK/rootfs/bin/true"
	(cd "$dir" && runc spec)
	jq --arg rootfs "$WORK/rootfs" --arg hook "$1" --argjson args "$(json_list "$@")" '
		.process.terminal = false
		| .process.args = ["/bin/true"]
		| del(.process.rlimits, .linux.resources)
		| .root = {path: $rootfs, readonly: true}
		| .annotations["io.podns.pod"] = "runc"
		| .hooks.createRuntime = [{path: $hook, args: $args}]
		| .hooks.poststop = .hooks.createRuntime' <"$dir/config.json" >"$dir/new"
	mv "$dir/new" "$dir/config.json"
}

# plan_runc DIR: with the bundles in DIR.
plan_runc() {
	local name
	runc_bundle "$1/noop" "$TOOLS/floor" noop
	runc_bundle "$1/floor" "$TOOLS/floor" hook "$ROOT" runc-floor "$1/floor"
	runc_bundle "$1/default" "${HOOKS[default]}" --root "$ROOT" --no-syslog
	runc_bundle "$1/musl" "${HOOKS[musl]}" --root "$ROOT" --no-syslog
	echo ordinary
	for name in noop floor default musl; do
		echo "contender $name $1"
		echo "time run 1 - - runc --root /run/runc run --bundle $1/$name bench-$name"
	done
}

# --- the end of pods that no hook will hear of -------------------------------------

# clean_pods PREFIX...
clean_pods() {
	"$BENCH/clean.sh" "$ROOT" "$@"
}
