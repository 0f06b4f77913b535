/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "ns/maps.h"
#include "plan/engine.h"
#include "pod/name.h"

#define SYSTEM_ROOT "/run"

int store_outer_uid(uint64_t *uid, struct error *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_arena struct arena arena = { 0 };
	struct id_maps maps;

	if (read_file_at(AT_FDCWD, "/proc/self/uid_map", 65536, &text) < 0)
		return error_set(e, errno, "read /proc/self/uid_map");
	if (id_maps_parse(text.data, &arena, &maps, e) < 0)
		return error_prefix(e, "/proc/self/uid_map");
	if (!maps.count || maps.map[0].container != 0)
		return error_set(e, 0, "/proc/self/uid_map does not begin with uid 0");
	*uid = maps.map[0].host;
	return 0;
}

char *store_user_root(uint64_t uid)
{
	return concat("/run/user/", decimal(uid).text, NULL);
}

static char *default_root(struct error *e)
{
	struct stat st;
	uint64_t uid = 0;
	char *root;

	if (geteuid() != 0) {
		error_set(e, EPERM, "use the pods under " SYSTEM_ROOT);
		error_hint(e,
			   "run this as root; for your own rootless pods, inside `podman unshare`; "
			   "or name a directory of yours with --root");
		return NULL;
	}
	if (stat(SYSTEM_ROOT, &st) == 0 && st.st_uid == 0)
		root = strdup(SYSTEM_ROOT);
	else if (store_outer_uid(&uid, e) < 0)
		return NULL;
	else
		root = store_user_root(uid);
	if (!root)
		error_nomem(e);
	return root;
}

static char *given_root(const char *given, struct error *e)
{
	cleanup_free char *cwd = NULL;
	char *root;
	size_t n;

	if (!*given) {
		error_set(e, 0, "--root is empty");
		return NULL;
	}
	if (*given != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd) {
			error_set(e, errno, "find the working directory");
			e->num = 0; /* ENOENT would mean that the root does not exist */
			return NULL;
		}
	}
	root = concat(cwd ? cwd : "", cwd ? "/" : "", given, NULL);
	if (!root) {
		error_nomem(e);
		return NULL;
	}
	for (n = strlen(root); n > 1 && root[n - 1] == '/'; n--)
		root[n - 1] = '\0';
	return root;
}

static int open_podns(struct store *s, bool make, struct error *e)
{
	cleanup_free char *path = concat(s->root, "/podns", NULL);

	if (!path)
		return error_nomem(e);
	s->dir_fd = open_own_dir(s->root_fd, "podns", make ? 0700 : 0, path, NULL, e);
	return s->dir_fd < 0 && (make || e->num != ENOENT) ? -1 : 0;
}

static int name_bundles(struct store *s, struct error *e)
{
	if (!strcmp(s->root, SYSTEM_ROOT))
		s->bundles = strdup(PODNS_STATEDIR);
	else
		s->bundles = concat(s->root, "/podns", NULL);
	return s->bundles ? 0 : error_nomem(e);
}

int store_open(struct store *s, const char *root, bool make, struct error *e)
{
	*s = (struct store)STORE_NONE;
	s->root = root ? given_root(root, e) : default_root(e);
	if (!s->root || name_bundles(s, e) < 0)
		goto failed;
	s->root_fd = open_own_dir(AT_FDCWD, s->root, make && root ? 0755 : 0, s->root, NULL, e);
	if (s->root_fd >= 0 && open_podns(s, make, e) == 0)
		return 0;
failed:
	store_close(s);
	return -1;
}

void store_close(struct store *s)
{
	cleanup_closep(&s->root_fd);
	cleanup_closep(&s->dir_fd);
	cleanup_closep(&s->bundles_fd);
	free(s->root);
	free(s->bundles);
	*s = (struct store)STORE_NONE;
}

static const char *or_nomem(const char *path, struct error *e)
{
	if (!path)
		error_nomem(e);
	return path;
}

const char *store_pin_path(const struct store *s, struct arena *a, enum ns_type t, const char *pod,
			   struct error *e)
{
	return or_nomem(arena_concat(a, s->root, "/", ns_info[t].brief, "ns/", pod, NULL), e);
}

const char *store_shm_path(const struct store *s, struct arena *a, const char *pod, struct error *e)
{
	return or_nomem(arena_concat(a, s->root, "/podns/", pod, "/" STORE_SHM_DIR, NULL), e);
}

static struct store_name index_name(const char *id, const char *bundle)
{
	uint64_t h = hash_bytes(HASH_START, id, strlen(id) + 1);
	struct store_name name = { "" };

	h = hash_bytes(h, bundle, strlen(bundle));
	concat_in(name.s, sizeof(name.s), "@", hex64(h).text, NULL);
	return name;
}

#define BUNDLE_PREFIX "bundle@"

struct store_name store_bundle_name(const char *bundle)
{
	uint64_t h = hash_bytes(HASH_START, bundle, strlen(bundle));
	struct store_name name = { "" };

	concat_in(name.s, sizeof(name.s), BUNDLE_PREFIX, hex64(h).text, NULL);
	return name;
}

/*
 * The target of an index entry (caller frees), or NULL with errno. A target that is cut here is longer
 * than a pod's name may be, and pod_check_name() refuses it.
 */
static char *read_entry_link(const struct store *s, const char *name)
{
	char target[256];
	ssize_t n = readlinkat(s->dir_fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return strdup(target);
}

int store_find(const struct store *s, const char *id, const char *bundle, char **pod,
	       struct error *e)
{
	struct store_name name = index_name(id, bundle);

	*pod = NULL;
	if (s->dir_fd < 0)
		return 0;
	*pod = read_entry_link(s, name.s);
	if (!*pod && errno != ENOENT)
		return error_set(e, errno, "read %s/podns/%s", s->root, name.s);
	if (*pod && pod_check_name(*pod, e) < 0) {
		free(take_ptr(pod));
		return error_prefix(e, "%s/podns/%s", s->root, name.s);
	}
	return 0;
}

int store_index(const struct store *s, const char *id, const char *bundle, const char *pod,
		bool *made, struct error *e)
{
	struct store_name name = index_name(id, bundle);
	cleanup_free char *now = NULL;

	*made = true;
	if (symlinkat(pod, s->dir_fd, name.s) == 0)
		return 0;
	if (errno != EEXIST)
		return error_set(e, errno, "make %s/podns/%s", s->root, name.s);
	now = read_entry_link(s, name.s);
	*made = !now || strcmp(now, pod);
	if (!*made)
		return 0;
	/* The container was in another pod before, and its end was never reported. */
	if (unlinkat(s->dir_fd, name.s, 0) < 0 || symlinkat(pod, s->dir_fd, name.s) < 0)
		return error_set(e, errno, "make %s/podns/%s", s->root, name.s);
	return 0;
}

int store_drop_entry(const struct store *s, const char *entry, struct error *e)
{
	if (unlinkat(s->dir_fd, entry, 0) < 0 && errno != ENOENT)
		return error_set(e, errno, "remove %s/podns/%s", s->root, entry);
	return 0;
}

int store_unindex(const struct store *s, const char *id, const char *bundle, const char *pod,
		  struct error *e)
{
	struct store_name name = index_name(id, bundle);
	cleanup_free char *now = NULL;

	if (store_find(s, id, bundle, &now, e) < 0)
		return -1;
	return now && !strcmp(now, pod) ? store_drop_entry(s, name.s, e) : 0;
}

int store_open_bundles(struct store *s, bool make, struct error *e)
{
	if (s->bundles_fd >= 0)
		return 0;
	s->bundles_fd = open_own_dir(AT_FDCWD, s->bundles, make ? 0700 : 0, s->bundles, NULL, e);
	return s->bundles_fd < 0 && (make || e->num != ENOENT) ? -1 : 0;
}

static DIR *open_stream(int dir_fd, const char *path, struct error *e)
{
	DIR *dir = open_dir_stream(dir_fd, ".");

	if (!dir)
		error_set(e, errno, "read directory %s", path);
	return dir;
}

/* The result after read_entry() returned NULL: it may have failed. */
static int end_walk(const char *path, struct error *e)
{
	return errno ? error_set(e, errno, "read directory %s", path) : 0;
}

int store_each_in_bundles(struct store *s, const char *(*pick)(const char *entry),
			  int (*fn)(void *arg, const char *picked, struct error *e), void *arg,
			  struct error *e)
{
	cleanup_dir DIR *dir = NULL;
	struct dirent *entry;
	const char *picked;
	int r = 0;

	if (store_open_bundles(s, false, e) < 0)
		return -1;
	if (s->bundles_fd < 0)
		return 0;
	dir = open_stream(s->bundles_fd, s->bundles, e);
	if (!dir)
		return -1;
	while (!r && (entry = read_entry(dir))) {
		picked = pick(entry->d_name);
		if (picked)
			r = fn(arg, picked, e);
	}
	return r ? r : end_walk(s->bundles, e);
}

/* Does store_bundle_name() make such names? */
static const char *pick_bundle(const char *name)
{
	size_t n = strlen(BUNDLE_PREFIX);

	return !strncmp(name, BUNDLE_PREFIX, n) && strlen(name) == n + HEX64_DIGITS &&
			       strspn(name + n, "0123456789abcdef") == HEX64_DIGITS
		       ? name
		       : NULL;
}

int store_each_bundle(struct store *s, int (*fn)(void *arg, const char *name, struct error *e),
		      void *arg, struct error *e)
{
	return store_each_in_bundles(s, pick_bundle, fn, arg, e);
}

int store_each_pod(const struct store *s, int (*fn)(void *arg, const char *pod, struct error *e),
		   void *arg, struct error *e)
{
	cleanup_dir DIR *dir = NULL;
	struct dirent *entry;
	struct error ignored;
	int r = 0;

	if (s->dir_fd < 0)
		return 0;
	dir = open_stream(s->dir_fd, s->root, e);
	if (!dir)
		return -1;
	while (!r && (entry = read_entry(dir)))
		if ((entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) &&
		    pod_check_name(entry->d_name, &ignored) == 0)
			r = fn(arg, entry->d_name, e);
	return r ? r : end_walk(s->root, e);
}

/* Of a pod, or what another program has pinned under the name. */
static bool is_taken(const struct store *s, const char *name)
{
	struct stat st;

	if (s->dir_fd >= 0 && fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	for (int t = 0; t < NS_TYPES; t++) {
		char path[POD_NAME_MAX + 32];

		concat_in(path, sizeof(path), ns_info[t].brief, "ns/", name, NULL);
		if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

struct search {
	const char *given;
	struct pod_name *name;
	size_t found;
};

static int compare_beginning(void *arg, const char *pod, struct error *e)
{
	struct search *search = arg;

	(void)e;
	if (pod_id_begins_with(pod, search->given) && !search->found++)
		concat_in(search->name->s, sizeof(search->name->s), pod, NULL);
	return 0;
}

int store_full_name(const struct store *s, const char *given, struct pod_name *name,
		    struct error *e)
{
	struct search search = { given, name, 0 };

	if (pod_check_name(given, e) < 0)
		return -1;
	concat_in(name->s, sizeof(name->s), given, NULL);
	/* A name that cannot be the beginning of an id costs no walk. */
	if (strlen(given) < PLAN_SHORT_ID || strlen(given) >= PLAN_ID_DIGITS || is_taken(s, given))
		return 0;
	if (store_each_pod(s, compare_beginning, &search, e) < 0)
		return -1;
	if (search.found > 1) {
		error_set(e, 0, "the ids of %zu pods begin with %s", search.found, given);
		return error_hint(e, "give more digits; `podns ls --json` shows all of them");
	}
	return 0;
}

int store_each_index(const struct store *s,
		     int (*fn)(void *arg, const char *entry, const char *pod, struct error *e),
		     void *arg, struct error *e)
{
	cleanup_dir DIR *dir = NULL;
	struct dirent *entry;
	int r = 0;

	if (s->dir_fd < 0)
		return 0;
	dir = open_stream(s->dir_fd, s->root, e);
	if (!dir)
		return -1;
	while (!r && (entry = read_entry(dir))) {
		cleanup_free char *pod = NULL;

		if (entry->d_name[0] != '@')
			continue;
		pod = read_entry_link(s, entry->d_name);
		if (pod)
			r = fn(arg, entry->d_name, pod, e);
	}
	return r ? r : end_walk(s->root, e);
}

bool store_entry_is(const char *entry, const char *id, const char *bundle)
{
	return !strcmp(index_name(id, bundle).s, entry);
}
