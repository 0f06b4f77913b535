/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "runtime/command.h"

#include "tests/unit/unit.h"

#define WORDS_MAX 40

/* The words of a line, separated by blanks; '' is an empty word. */
static int split(char *line, char *argv[WORDS_MAX])
{
	int argc = 0;
	char *word;

	while ((word = strsep(&line, " ")) && argc < WORDS_MAX - 1)
		argv[argc++] = strcmp(word, "''") ? word : word + 2;
	argv[argc] = NULL;
	return argc;
}

static const char *member(struct arena *a, const char *name, const char *value)
{
	return value ? arena_concat(a, " ", name, "=", value, NULL) : "";
}

/* What was understood: the verb and each member that is set. */
static const char *parse(struct arena *a, const char *line)
{
	static const char *const verbs[] = {
		[COMMAND_OTHER] = "other",     [COMMAND_CREATE] = "create", [COMMAND_RUN] = "run",
		[COMMAND_RESTORE] = "restore", [COMMAND_DELETE] = "delete",
	};
	char *argv[WORDS_MAX], *copy = arena_strndup(a, line, strlen(line));
	struct command c;

	command_parse(split(copy, argv), argv, &c);
	return arena_concat(a, verbs[c.verb], member(a, "root", c.root), member(a, "log", c.log),
			    c.log_json ? " json" : "", member(a, "bundle", c.bundle),
			    member(a, "config", c.config), member(a, "id", c.id), NULL);
}

struct row {
	const char *line, *should;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct arena a = { 0 };

		unit_row(rows[i].line);
		CHECK_STR(parse(&a, rows[i].line), rows[i].should);
		arena_free(&a);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(*(rows)))

static void reads_the_lines_of_engines(void)
{
	static const struct row rows[] = {
		/* Docker, by containerd's shim */
		{ "oci-podns-runc --root /run/docker/runtime-runc/moby --log "
		  "/run/containerd/io.containerd.runtime.v2.task/moby/c0ffee/log.json --log-format "
		  "json --systemd-cgroup create --bundle "
		  "/run/containerd/io.containerd.runtime.v2.task/moby/c0ffee --pid-file "
		  "/run/containerd/io.containerd.runtime.v2.task/moby/c0ffee/init.pid "
		  "--console-socket /tmp/pty1/pty.sock c0ffee",
		  "create root=/run/docker/runtime-runc/moby "
		  "log=/run/containerd/io.containerd.runtime.v2.task/moby/c0ffee/log.json json "
		  "bundle=/run/containerd/io.containerd.runtime.v2.task/moby/c0ffee id=c0ffee" },
		{ "oci-podns-runc --root /run/docker/runtime-runc/moby --log /l/log.json "
		  "--log-format json start c0ffee",
		  "other root=/run/docker/runtime-runc/moby log=/l/log.json json" },
		{ "oci-podns-runc --root /run/docker/runtime-runc/moby --log /l/log.json "
		  "--log-format json delete --force c0ffee",
		  "delete root=/run/docker/runtime-runc/moby log=/l/log.json json id=c0ffee" },
		{ "oci-podns-runc --root /r --log /l --log-format json exec --process "
		  "/tmp/runc-process1 --detach --pid-file /p/1.pid c0ffee",
		  "other root=/r log=/l json" },
		{ "oci-podns-runc --version", "other" },
		{ "oci-podns-runc features", "other" },
		/* containerd's shim for CRI and ctr */
		{ "/usr/libexec/oci-podns/oci-podns-runc --root /run/containerd/runc/k8s.io --debug "
		  "--log /b/log.json --log-format json --systemd-cgroup create --bundle /b "
		  "--pid-file /b/init.pid --pidfd-socket /s --no-pivot --no-new-keyring "
		  "--preserve-fds 1 web",
		  "create root=/run/containerd/runc/k8s.io log=/b/log.json json bundle=/b id=web" },
		{ "oci-podns-runc --root /r --log /l --log-format json --rootless=true run "
		  "--bundle /b --detach web",
		  "run root=/r log=/l json bundle=/b id=web" },
		{ "oci-podns-runc --root /run/containerd/runc/k8s.io --log /b/log.json --log-format "
		  "json restore --image-path /i --work-path /w --tcp-established --ext-unix-sk "
		  "--file-locks --manage-cgroups-mode soft --empty-ns network --detach --pid-file "
		  "/b/init.pid -no-subreaper --bundle /b web",
		  "restore root=/run/containerd/runc/k8s.io log=/b/log.json json bundle=/b id=web" },
		{ "oci-podns-runc --root /r kill --all web 9", "other root=/r" },
		{ "oci-podns-runc --root /r update --resources=- web", "other root=/r" },
		{ "oci-podns-runc --root /r ps --format json web", "other root=/r" },
		/* nerdctl, whose bundles containerd's shim runs */
		{ "/usr/local/bin/oci-podns-runc --root /run/containerd/runc/default --log "
		  "/run/c/log.json --log-format json create --bundle /run/c --pid-file "
		  "/run/c/init.pid c0ffee",
		  "create root=/run/containerd/runc/default log=/run/c/log.json json bundle=/run/c "
		  "id=c0ffee" },
		/* podman and CRI-O, by conmon */
		{ "/usr/bin/oci-podns-crun --log-format=json --log /u/oci-log create --bundle /u "
		  "--pid-file /p/pidfile c0ffee",
		  "create log=/u/oci-log json bundle=/u id=c0ffee" },
		{ "/usr/bin/oci-podns-crun --systemd-cgroup --cgroup-manager disabled --log-format=json "
		  "--log /u/oci-log create --bundle /u --pid-file /p --no-pivot --console-socket /s "
		  "c0ffee",
		  "create log=/u/oci-log json bundle=/u id=c0ffee" },
		{ "oci-podns-runc --log-format=json --log /l restore --bundle /u --pid-file /p "
		  "--detach --image-path /i --work-path /u --tcp-established c0ffee",
		  "restore log=/l json bundle=/u id=c0ffee" },
		{ "oci-podns-runc --systemd-cgroup --root=/run/runc create --bundle "
		  "/run/containers/storage/overlay-containers/c0ffee/userdata --pid-file /p c0ffee",
		  "create root=/run/runc "
		  "bundle=/run/containers/storage/overlay-containers/c0ffee/userdata id=c0ffee" },
		{ "oci-podns-runc --root=/run/runc restore --bundle /u --pid-file /p --detach "
		  "--image-path /i --work-path /u --lsm-profile=selinux:l "
		  "--lsm-mount-context=c c0ffee",
		  "restore root=/run/runc bundle=/u id=c0ffee" },
		{ "oci-podns-crun --root=/run/crun delete --force c0ffee",
		  "delete root=/run/crun id=c0ffee" },
		{ "oci-podns-crun --root /r exec --pid-file /p --process /s --detach c0ffee",
		  "other root=/r" },
		{ "oci-podns-runc --log-level debug --rootless auto --criu /usr/sbin/criu state web",
		  "other" },
	};

	CHECK_ROWS(rows);
}

static void reads_what_people_type(void)
{
	static const struct row rows[] = {
		{ "oci-podns-runc run web", "run id=web" },
		{ "oci-podns-runc run -b /b web", "run bundle=/b id=web" },
		{ "oci-podns-runc run -b=/b -d web", "run bundle=/b id=web" },
		{ "oci-podns-runc -root /r --debug=true create -bundle /b web",
		  "create root=/r bundle=/b id=web" },
		{ "oci-podns-runc -root=/r -debug create -bundle=/b web",
		  "create root=/r bundle=/b id=web" },
		{ "oci-podns-runc create web --bundle /b", "create bundle=/b id=web" },
		{ "oci-podns-runc create web -b /b --pid-file /p", "create bundle=/b id=web" },
		{ "oci-podns-runc create --root /r --log /l --log-format json web",
		  "create root=/r log=/l json id=web" },
		{ "oci-podns-crun create -b/b web", "create bundle=/b id=web" },
		{ "oci-podns-crun run -db/b -fother.json web",
		  "run bundle=/b config=other.json id=web" },
		{ "oci-podns-crun run -db /b -f other.json web",
		  "run bundle=/b config=other.json id=web" },
		{ "oci-podns-crun run --config=/c.json --bun /b web",
		  "run bundle=/b config=/c.json id=web" },
		{ "oci-podns-crun --cg systemd --log-f json run --bundl=/b web",
		  "run json bundle=/b id=web" },
		{ "oci-podns-crun restore --network-lock iptables --im /i --w /w web",
		  "restore id=web" },
		{ "oci-podns-crun delete -rf web.*", "delete id=web.*" },
		{ "oci-podns-crun delete --re --fo web", "delete id=web" },
		{ "oci-podns-crun --log file:/l --log-format text run web",
		  "run log=file:/l id=web" },
		{ "oci-podns-runc --log /l --log-format json --log-format text run --bundle /a "
		  "--bundle /b web",
		  "run log=/l bundle=/b id=web" },
		{ "oci-podns-runc --root --log create x", "create root=--log id=x" },
		{ "oci-podns-runc create --bundle --pid-file web",
		  "create bundle=--pid-file id=web" },
		{ "oci-podns-runc create --bundle= web", "create id=web" },
		{ "oci-podns-runc create --bundle '' web", "create id=web" },
		{ "oci-podns-runc create --bundle /b ''", "create bundle=/b id=" },
	};

	CHECK_ROWS(rows);
}

static void finds_the_command_among_its_namesakes(void)
{
	static const struct row rows[] = {
		{ "oci-podns-runc create create", "create id=create" },
		{ "oci-podns-runc create --bundle run delete", "create bundle=run id=delete" },
		{ "oci-podns-runc delete run", "delete id=run" },
		{ "oci-podns-runc start create", "other" },
		{ "oci-podns-runc exec run create --bundle /b", "other" },
		{ "oci-podns-runc --root create --log run delete web",
		  "delete root=create log=run id=web" },
		{ "oci-podns-runc kill delete", "other" },
		{ "oci-podns-runc creates web", "other" },
		{ "oci-podns-runc crea web", "other" },
		{ "oci-podns-runc '' create web", "other" },
		{ "oci-podns-runc - create web", "other" },
		{ "create", "other" },
	};

	CHECK_ROWS(rows);
}

static void an_unknown_option_hides_no_create(void)
{
	static const struct row rows[] = {
		{ "oci-podns-runc --future create --bundle /b web", "create bundle=/b id=web" },
		{ "oci-podns-runc --future VALUE create --bundle /b web",
		  "create bundle=/b id=web" },
		{ "oci-podns-runc --future=VALUE create web", "create id=web" },
		{ "oci-podns-runc --future= create web", "create id=web" },
		{ "oci-podns-runc -future VALUE --root /r create web", "create root=/r id=web" },
		{ "oci-podns-runc --future --root /r create web", "create root=/r id=web" },
		{ "oci-podns-runc -x VALUE create web", "create id=web" },
		{ "oci-podns-runc -host VALUE create web", "create id=web" },
		{ "oci-podns-runc --future start web", "other" },
		{ "oci-podns-runc --future", "other" },
		{ "oci-podns-runc --=x --root /r create web", "create root=/r id=web" },
		{ "oci-podns-runc -= -- create web", "create id=web" },
		{ "oci-podns-runc create --future --bundle /b web", "create bundle=/b id=web" },
		{ "oci-podns-runc create --bundle /b --future web", "create bundle=/b id=web" },
		{ "oci-podns-runc create --bundle /b --future VALUE web",
		  "create bundle=/b id=web" },
		{ "oci-podns-runc create --bundle /b web --future VALUE",
		  "create bundle=/b id=web" },
		{ "oci-podns-runc create --future=VALUE web more", "create id=web" },
	};

	CHECK_ROWS(rows);
}

static void the_end_of_options_and_of_the_line(void)
{
	static const struct row rows[] = {
		{ "oci-podns-runc", "other" },
		{ "oci-podns-runc --", "other" },
		{ "oci-podns-runc --root", "other" },
		{ "oci-podns-runc --root /r", "other root=/r" },
		{ "oci-podns-runc create", "create" },
		{ "oci-podns-runc create --bundle", "create" },
		{ "oci-podns-runc --log /l create --log", "create" },
		{ "oci-podns-crun run -b", "run" },
		{ "oci-podns-runc -- create --bundle /b web", "create bundle=/b id=web" },
		{ "oci-podns-runc -- --root /r create web", "other" },
		{ "oci-podns-runc create -- --bundle", "create id=--bundle" },
		{ "oci-podns-runc create -- web --bundle /b", "create id=web" },
		{ "oci-podns-runc create --bundle -- web", "create bundle=-- id=web" },
		{ "oci-podns-runc create -- --", "create id=--" },
	};
	char *none[] = { NULL };
	struct command c;

	CHECK_ROWS(rows);
	command_parse(0, none, &c);
	CHECK(c.verb == COMMAND_OTHER && !c.root && !c.log && !c.bundle && !c.id);
}

static void help_starts_no_container(void)
{
	static const struct row rows[] = {
		{ "oci-podns-runc --help create web", "other" },
		{ "oci-podns-runc -v create web", "other" },
		{ "oci-podns-crun -V run web", "other" },
		{ "oci-podns-crun --usage run web", "other" },
		{ "oci-podns-runc create --help", "other" },
		{ "oci-podns-runc run web -h", "other id=web" },
		{ "oci-podns-runc help create", "other" },
		{ "oci-podns-runc --help=false create web", "create id=web" },
		{ "oci-podns-runc create --bundle --help web", "create bundle=--help id=web" },
		{ "oci-podns-runc create -- --help", "create id=--help" },
	};

	CHECK_ROWS(rows);
}

static void names_the_log_file(void)
{
	static const struct {
		const char *log, *file;
	} rows[] = {
		{ NULL, NULL },        { "", NULL },
		{ "/l", "/l" },        { "l", "l" },
		{ "file:/l", "/l" },   { "file:", NULL },
		{ "file", "file" },    { "syslog:web", NULL },
		{ "journald:", NULL }, { "/run/a:b", "/run/a:b" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct command c = { .log = rows[i].log };

		unit_row(rows[i].log);
		CHECK_STR(command_log_file(&c), rows[i].file);
	}
}

int main(void)
{
	RUN(reads_the_lines_of_engines);
	RUN(reads_what_people_type);
	RUN(finds_the_command_among_its_namesakes);
	RUN(an_unknown_option_hides_no_create);
	RUN(the_end_of_options_and_of_the_line);
	RUN(help_starts_no_container);
	RUN(names_the_log_file);
	return unit_done();
}
