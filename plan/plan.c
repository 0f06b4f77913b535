/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"

struct text {
	char s[64];
};

static struct text id_text(struct ns_id id)
{
	struct text t = { "" };

	if (id.ino)
		snprintf(t.s, sizeof(t.s), "[%lu]", (unsigned long)id.ino);
	else
		snprintf(t.s, sizeof(t.s), "unknown to us");
	return t;
}

static int refuse_outside(const struct plan_input *in, enum ns_type t, struct error *e)
{
	const struct plan_type *x = &in->type[t];

	error_set(e, 0,
		  "the container's %s namespace %s is not the pod's %s at %s/%sns/%s: it would "
		  "start outside its pod",
		  ns_info[t].oci, id_text(x->init).s, id_text(x->pin).s, in->root, ns_info[t].brief,
		  in->pod);
	return error_hint(
		e, "let the precreate stage (podman) or `podns rewrite` set the paths before "
		   "the runtime reads config.json");
}

static int refuse_host(const struct plan_input *in, enum ns_type t, struct error *e)
{
	error_set(e, 0,
		  "the container's process is in the runtime's own %s namespace %s although "
		  "its config asks for one of its own",
		  ns_info[t].oci, id_text(in->type[t].own).s);
	return error_hint(e, "the state's pid must be the container's init");
}

static int refuse_other(const struct plan_input *in, enum ns_type t, struct error *e)
{
	const struct plan_type *x = &in->type[t];

	error_set(e, 0, "the config's %s namespace %s at %s is not the pod's %s at %s/%sns/%s",
		  ns_info[t].oci, id_text(x->at_path).s, x->path, id_text(x->pin).s, in->root,
		  ns_info[t].brief, in->pod);
	return error_hint(e,
			  "use --network none, or --network ns:%s/netns/%s, or leave %s out by the "
			  "annotation io.podns.namespaces",
			  in->root, in->pod, ns_info[t].brief);
}

static int refuse_moved(const struct plan_input *in, enum ns_type t, struct error *e)
{
	const struct plan_type *x = &in->type[t];

	return error_set(e, 0,
			 "the container's process is in the %s namespace %s, not in %s at %s "
			 "that its config names",
			 ns_info[t].oci, id_text(x->init).s, id_text(x->at_path).s, x->path);
}

static int decide_no_path(const struct plan_input *in, enum ns_type t, enum plan_verb *verb,
			  struct error *e)
{
	const struct plan_type *x = &in->type[t];
	bool made_here = in->stage == PLAN_PRECREATE || !in->has_init;

	if (made_here && x->pin.ino) {
		*verb = PLAN_JOIN;
		return 0;
	}
	if (made_here) {
		/* The engine's own view would be frozen in a cgroup namespace made here. */
		bool adopt_only = ns_info[t].origin == NS_ADOPT_ONLY;

		if (adopt_only && in->stage == PLAN_CREATE_RUNTIME)
			return error_set(e, 0,
					 "%s %s namespace can only be adopted from a running "
					 "container, and the state has no pid",
					 ns_info[t].article, ns_info[t].oci);
		*verb = adopt_only ? PLAN_LEAVE : PLAN_CREATE;
		return 0;
	}
	if (x->pin.ino && ns_same(x->init, x->pin)) {
		*verb = PLAN_JOIN;
		return 0;
	}
	if (ns_same(x->init, x->own))
		return refuse_host(in, t, e);
	if (x->pin.ino)
		return refuse_outside(in, t, e);
	*verb = PLAN_ADOPT_INIT;
	return 0;
}

static int decide_path(const struct plan_input *in, enum ns_type t, enum plan_verb *verb,
		       struct error *e)
{
	const struct plan_type *x = &in->type[t];

	if (x->pin.ino && !ns_same(x->at_path, x->pin))
		return in->named ? refuse_other(in, t, e) : 0;
	if (!x->pin.ino && !in->named)
		return 0;
	if (in->has_init && !ns_same(x->init, x->at_path))
		return x->pin.ino ? refuse_outside(in, t, e) : refuse_moved(in, t, e);
	*verb = x->pin.ino ? PLAN_JOIN : PLAN_ADOPT_PATH;
	return 0;
}

static int decide(const struct plan_input *in, enum ns_type t, enum plan_verb *verb,
		  struct error *e)
{
	const struct plan_type *x = &in->type[t];

	*verb = PLAN_LEAVE;
	if (!(in->types & NS_BIT(t)) || !x->entry)
		return 0;
	if (!x->path)
		return decide_no_path(in, t, verb, e);
	if (ns_same(x->at_path, x->own))
		return 0;
	return decide_path(in, t, verb, e);
}

/*
 * The user namespace that the container will be in. Fresh: a private one that does not
 * exist yet, or that no other container can be in.
 */
struct user {
	bool fresh;
	bool made; /* the pod's, which this run makes */
	struct ns_id id;
};

static struct user container_user(const struct plan_input *in, enum plan_verb verb)
{
	const struct plan_type *u = &in->type[NS_USER];
	struct user user = { 0 };

	if (verb == PLAN_JOIN)
		user.id = u->pin;
	else if (verb == PLAN_CREATE)
		user.made = true;
	else if (in->has_init)
		user.id = u->init;
	else if (!u->entry)
		user.id = u->own;
	else if (u->path)
		user.id = u->at_path;
	user.fresh = verb == PLAN_LEAVE && u->entry && !u->path &&
		     (!in->has_init || (in->named && !ns_same(u->init, u->own)));
	return user;
}

static int refuse_private_user(const struct plan_input *in, enum ns_type t, struct error *e)
{
	error_set(e, 0,
		  "the container has a private user namespace, which cannot own the pod's %s "
		  "namespace at %s/%sns/%s",
		  ns_info[t].oci, in->root, ns_info[t].brief, in->pod);
	return error_hint(
		e,
		"name user among the pod types: annotation io.podns.namespaces='net ipc uts user'");
}

static int refuse_owner(const struct plan_input *in, enum ns_type t, struct ns_id owner,
			struct error *e)
{
	error_set(e, 0,
		  "the pod's %s namespace at %s/%sns/%s belongs to the user namespace %s and the "
		  "container is in another one",
		  ns_info[t].oci, in->root, ns_info[t].brief, in->pod, id_text(owner).s);
	return error_hint(
		e, "all containers of a pod need the same user namespace: name user among the "
		   "pod types, or give the container none of its own");
}

/*
 * A pin is only joined by a container of the same user namespace as its owner: with
 * another one runc fails on mqueue and crun on sethostname(2).
 */
static int check_owner(const struct plan_input *in, const struct plan *plan, enum ns_type t,
		       struct user user, struct error *e)
{
	const struct plan_type *x = &in->type[t];
	struct ns_id owner = { 0 };

	if (user.fresh)
		return refuse_private_user(in, t, e);
	switch (plan->verb[t]) {
	case PLAN_LEAVE:
		return 0;
	case PLAN_CREATE:
		if (plan->verb[NS_USER] != PLAN_LEAVE)
			return 0;
		owner = in->type[NS_USER].own;
		break;
	case PLAN_JOIN:
		owner = x->pin_owner;
		break;
	case PLAN_ADOPT_PATH:
		owner = x->path_owner;
		break;
	case PLAN_ADOPT_INIT:
		owner = x->init_owner;
		break;
	}
	if (user.made || !ns_same(owner, user.id))
		return refuse_owner(in, t, owner, e);
	return 0;
}

static int check_maps(const struct plan_input *in, enum plan_verb verb, struct error *e)
{
	if (verb == PLAN_CREATE && !in->has_maps)
		return error_set(e, 0,
				 "the pod's user namespace needs linux.uidMappings and "
				 "linux.gidMappings");
	if (verb != PLAN_JOIN || !in->maps_known || in->maps_equal)
		return 0;
	error_set(e, 0,
		  "linux.uidMappings and linux.gidMappings differ from those of the pod's user "
		  "namespace at %s/userns/%s",
		  in->root, in->pod);
	return error_hint(e, "give all containers of the pod the same --uidmap and --gidmap");
}

/*
 * Offsets can be set only until the first process enters a time namespace (time_namespaces(7)), so
 * a runtime sets them where it makes one. In a config that names a path they do nothing (crun 1.8.1
 * ignores them) or the runtime refuses them.
 */
static int check_time_offsets(const struct plan_input *in, enum plan_verb verb, struct error *e)
{
	if (verb == PLAN_LEAVE || !in->time_offsets)
		return 0;
	error_set(e, 0,
		  "linux.timeOffsets cannot be set in the pod's time namespace at %s/timens/%s",
		  in->root, in->pod);
	return error_hint(e, "leave time out of the pod types (io.podns.namespaces), or leave "
			     "linux.timeOffsets out of config.json");
}

int plan_make(const struct plan_input *in, struct plan *plan, struct error *e)
{
	struct user user;

	*plan = (struct plan){ 0 };
	for (int t = 0; t < NS_TYPES; t++) {
		if (decide(in, (enum ns_type)t, &plan->verb[t], e) < 0)
			return -1;
		if (plan->verb[t] != PLAN_LEAVE)
			plan->shared |= NS_BIT(t);
		if (plan->verb[t] == PLAN_CREATE)
			plan->created |= NS_BIT(t);
	}
	if (check_maps(in, plan->verb[NS_USER], e) < 0 ||
	    check_time_offsets(in, plan->verb[NS_TIME], e) < 0)
		return -1;
	user = container_user(in, plan->verb[NS_USER]);
	for (int t = 0; t < NS_TYPES; t++)
		if (t != NS_USER && plan->shared & NS_BIT(t) &&
		    check_owner(in, plan, (enum ns_type)t, user, e) < 0)
			return -1;
	return 0;
}

static bool is_hex(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return true;
}

static bool is_default_hostname(const char *hostname, const char *id)
{
	if (strlen(hostname) != 12)
		return false;
	return id ? !strncmp(hostname, id, 12) : is_hex(hostname, 12);
}

const char *plan_hostname(const char *annotation, const char *pod, const char *hostname,
			  const char *id, char room[PLAN_HOSTNAME_MAX + 1])
{
	if (annotation)
		return annotation;
	if (hostname && !is_default_hostname(hostname, id))
		return hostname;
	concat_in(room, PLAN_HOSTNAME_MAX + 1, pod, NULL);
	return room;
}

/* How many bytes of a name an error may quote: no more than 80, and whole characters. */
static int quotable(const char *name, size_t len)
{
	return (int)utf8_valid_prefix(name, len < 80 ? len : 80);
}

int plan_check_hostname(const char *name, const char *what, struct error *e)
{
	size_t len = strlen(name), valid = utf8_valid_prefix(name, len);
	int quoted = quotable(name, len);

	if (!len || len > PLAN_HOSTNAME_MAX)
		return error_set(e, 0, "%s '%.*s' is %zu bytes long: it has to have 1 to %d", what,
				 quoted, name, len, PLAN_HOSTNAME_MAX);
	if (valid != len)
		return error_set(e, 0, "%s '%.*s...' is not UTF-8 from byte %zu on", what, quoted,
				 name, valid + 1);
	for (size_t i = 0; i < len; i++)
		if (name[i] == ' ' || name[i] == '/' || control_length(name + i))
			return error_set(e, 0,
					 "%s '%s' has a space, a '/' or a control character "
					 "in it",
					 what, name);
	return 0;
}

bool plan_is_engine_shm(const char *source)
{
	static const char *const tails[] = { "/userdata/shm", "/shm" };
	size_t n = strlen(source), tail;

	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		tail = strlen(tails[i]);
		if (n < tail + 65 || strcmp(source + n - tail, tails[i]))
			continue;
		if (source[n - tail - 65] == '/' && is_hex(source + n - tail - 64, 64))
			return true;
	}
	return false;
}

/*
 * What podman, runc spec and crun spec write for a tmpfs, and what makes no difference to
 * shm_open(3). The pod's /dev/shm has the first three. To copy up means to fill the tmpfs with
 * what the image has in the directory, which podman asks for in each --tmpfs. A new tmpfs has no
 * master, so slave is private.
 */
static bool is_harmless_option(const char *option)
{
	static const char *const harmless[] = {
		"nosuid",        "nodev",   "noexec", "tmpcopyup",  "defaults",   "private",
		"rprivate",      "slave",   "rslave", "relatime",   "norelatime", "strictatime",
		"nostrictatime", "noatime", "atime",  "nodiratime", "diratime",
	};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (!strcmp(option, harmless[i]))
			return true;
	return false;
}

/* The mode of the pod's /dev/shm, in octal as the kernel reads it. */
static bool is_shm_mode(const char *text)
{
	return !strcmp(text + strspn(text, "0"), "1777");
}

/*
 * The kernel (shmem_parse_one() in mm/shmem.c) takes what memparse() takes, and '%' for a share of
 * the memory. What is understood here is a decimal number and k, m, g or nothing. All else is left
 * to the runtime and the kernel: a leading 0, which makes the number octal or hexadecimal there; 0,
 * which means no limit; t, p, e and '%', which nobody needs for a /dev/shm; and what the kernel
 * refuses.
 */
static bool parse_tmpfs_size(const char *text, uint64_t *bytes)
{
	struct error ignored;
	size_t n = strlen(text);

	return n && *text != '0' && tolower((unsigned char)text[n - 1]) != 'b' &&
	       plan_parse_size(text, bytes, &ignored) == 0;
}

/* Of several sizes, and of ro and rw, the last counts, as for the kernel and the runtimes. */
static bool read_tmpfs_option(const char *option, struct plan_shm *shm)
{
	if (!strcmp(option, "ro") || !strcmp(option, "rw")) {
		shm->read_only = option[1] == 'o';
		return true;
	}
	if (!strncmp(option, "size=", 5))
		return parse_tmpfs_size(option + 5, &shm->size);
	if (!strncmp(option, "mode=", 5))
		return is_shm_mode(option + 5);
	return is_harmless_option(option);
}

static struct plan_shm keep_shm(const char *why, const char *option)
{
	return (struct plan_shm){ .keeps = why, .option = option };
}

struct plan_shm plan_shm(const struct plan_shm_mount *mount)
{
	struct plan_shm shm = { 0 };

	if (mount->crowded)
		return keep_shm("another mount lies on it or below it", NULL);
	if (mount->bind) {
		if (!mount->source || !plan_is_engine_shm(mount->source))
			return keep_shm("it is a directory of the user's own", NULL);
		shm.sized_by_source = true;
		return shm;
	}
	if (!mount->type || strcmp(mount->type, "tmpfs"))
		return keep_shm("it is no tmpfs", NULL);
	for (size_t i = 0; i < mount->option_count; i++)
		if (!read_tmpfs_option(mount->options[i], &shm))
			return keep_shm("the pod's cannot have its mount option",
					mount->options[i]);
	return shm;
}

static int refuse_size(const char *text, const char *why, struct error *e)
{
	error_set(e, 0, "'%.40s' %s", text, why);
	return error_hint(e, "a size is a whole number and b, k, m or g, such as 64m");
}

int plan_parse_size(const char *text, uint64_t *bytes, struct error *e)
{
	static const char units[] = "bkmg";
	size_t n = strlen(text), digits;
	char number[24], *unit;
	unsigned shift = 0;

	digits = strspn(text, "0123456789");
	unit = digits + 1 == n ? strchr(units, tolower((unsigned char)text[digits])) : NULL;
	if (!digits || (digits < n && !unit))
		return refuse_size(text, "is not a size", e);
	if (unit)
		shift = (unsigned)(unit - units) * 10;
	if (digits >= sizeof(number))
		return refuse_size(text, "is too large a size", e);
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (!parse_u64(number, (UINT64_MAX >> 1) >> shift, bytes))
		return refuse_size(text, "is too large a size", e);
	if (!*bytes)
		return refuse_size(text, "is no size: it would be no limit", e);
	*bytes <<= shift;
	return 0;
}

int plan_check_label(const char *label, struct error *e)
{
	size_t n = strlen(label);

	if (n > PLAN_LABEL_MAX)
		return error_set(e, 0, "linux.mountLabel '%.80s...' is longer than %d bytes", label,
				 PLAN_LABEL_MAX);
	for (size_t i = 0; i < n; i++)
		if (label[i] < ' ' || label[i] > '~' || label[i] == '"')
			return error_set(e, 0,
					 "linux.mountLabel '%s' holds a quote, or other than "
					 "printable ASCII",
					 label);
	return 0;
}
