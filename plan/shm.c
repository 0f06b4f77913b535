/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/shm.h"

#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "plan/engine.h"

/*
 * The options that podman, runc spec and crun spec write for a tmpfs, and those that make no
 * difference to shm_open(3). The pod's /dev/shm has the first three. podman adds tmpcopyup, which
 * copies the image's directory into the tmpfs, to each --tmpfs. A new tmpfs has no master, so slave
 * means private.
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

/* The mode of the pod's /dev/shm is 1777; the kernel reads the option as octal. */
static bool is_shm_mode(const char *text)
{
	return !strcmp(text + strspn(text, "0"), "1777");
}

/*
 * Accepts a decimal number with k, m, g or no unit. The kernel (shmem_parse_one() in mm/shmem.c) takes
 * more: octal and hexadecimal numbers after a leading 0, 0 for no limit, the units t, p and e, and '%'
 * of the memory. A container with such a size keeps its own /dev/shm.
 */
static bool parse_tmpfs_size(const char *text, uint64_t *bytes)
{
	struct error ignored;
	size_t n = strlen(text);

	return n && *text != '0' && tolower((unsigned char)text[n - 1]) != 'b' &&
	       plan_parse_size(text, bytes, &ignored) == 0;
}

/* The last size counts, and the last of ro and rw, as for the kernel and the runtimes. */
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
		if (!mount->source || plan_engine_file(mount->source, "shm") == ENGINE_FILE_NONE)
			return keep_shm("it is a directory of the user's own", NULL);
		shm.sized_by_source = true;
		return shm;
	}
	if (!mount->type || strcmp(mount->type, "tmpfs"))
		return keep_shm("it is no tmpfs", NULL);
	for (size_t i = 0; i < mount->option_count; i++)
		if (!read_tmpfs_option(mount->options[i], &shm))
			return keep_shm("the pod's /dev/shm does not support its mount option",
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
	int unit, shift;

	if (!parse_with_unit(text, "bkmg", bytes, &unit))
		return refuse_size(text, "is not a size", e);
	shift = unit < 0 ? 0 : unit * 10;
	if (*bytes > (UINT64_MAX >> 1) >> shift)
		return refuse_size(text, "is too large a size", e);
	if (!*bytes)
		return refuse_size(text, "is not allowed: 0 means no limit", e);
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
					 "linux.mountLabel '%s' contains a quote or a byte that is "
					 "not printable ASCII",
					 label);
	return 0;
}
