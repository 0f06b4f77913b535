/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/apply.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ns/make.h"

int apply_begin(struct apply *a, struct pod *pod, struct pins *pins, struct error *e)
{
	a->pod = pod;
	a->pins = pins;
	buf_free(&a->before);
	if (!pod || record_format(&pod->rec, &a->before, e) == 0)
		return 0;
	buf_free(&a->before); /* it is incomplete: apply_undo() must not restore it */
	return -1;
}

void apply_end(struct apply *a)
{
	for (int t = 0; t < NS_TYPES; t++)
		cleanup_closep(&a->made[t]);
	buf_free(&a->before);
}

static int make_namespaces(struct apply *a, struct error *e)
{
	const struct pod_plan *plan = a->plan;
	struct ns_setup setup = {
		.loopback = plan->make & NS_BIT(NS_NET),
		.sysctls = { plan->sysctls, plan->sysctl_count, plan->make, true },
	};

	if (!plan->make)
		return 0;
	if (plan->make & NS_BIT(NS_UTS)) {
		setup.hostname = plan->hostname;
		setup.domainname = plan->domainname;
	}
	return ns_make(plan->make, plan->owner_fd, plan->uid_maps, plan->gid_maps, &setup, a->made,
		       e);
}

static int fd_to_bind(const struct apply *a, int t)
{
	return a->made[t] >= 0 ? a->made[t] : a->plan->adopt[t];
}

/* The pod's containers share the sysctl, so a different value gets a warning. */
static int record_sysctls(struct apply *a, struct error *e)
{
	struct record *rec = &a->pod->rec;

	for (size_t i = 0; i < a->plan->sysctl_count; i++) {
		struct sysctl *x = &a->plan->sysctls[i];
		const char *before = record_sysctl(rec, x->path);

		/* Writing an empty value changes nothing. */
		if (!(a->plan->recorded & NS_BIT(x->type)) || !*x->value)
			continue;
		x->was_set = before && !strcmp(before, x->value);
		if (before && !x->was_set)
			log_warn("sysctl %s: '%s' replaces '%s' for the whole pod", x->key,
				 x->value, before);
		if (record_set_sysctl(rec, x->path, x->value, e) < 0)
			return -1;
	}
	return 0;
}

/* Record what will be mounted. */
static int save_intent(struct apply *a, struct error *e)
{
	struct record *rec = &a->pod->rec;
	bool mounts = a->plan->mount_shm || a->plan->network;
	struct stat st;

	for (size_t i = 0; i < a->plan->host_entry_count; i++)
		if (record_add_host(rec, &a->plan->host_entries[i], e) < 0)
			return -1;
	if (a->plan->hosts && record_add_hosts_key(rec, a->plan->hosts->key, &a->hosts_made, e) < 0)
		return -1;
	mounts |= a->hosts_made;

	for (int t = 0; t < NS_TYPES; t++) {
		int fd = fd_to_bind(a, t);

		if (fd < 0)
			continue;
		if (fstat(fd, &st) < 0)
			return error_set(e, errno, "stat the %s namespace to pin", ns_info[t].oci);
		rec->pin[t] = (struct record_pin){ true, ns_id_of(&st) };
		mounts = true;
	}
	if (!mounts)
		return 0;
	rec->shm |= a->plan->mount_shm;
	if (a->plan->network && pod_note_network(a->pod, a->plan->network, e) < 0)
		return -1;
	return ns_own_id(NS_MNT, &rec->mntns, e) < 0 ? -1 : pod_save(a->pod, e);
}

static int bind_all(struct apply *a, struct error *e)
{
	for (int t = 0; t < NS_TYPES; t++) {
		int fd = fd_to_bind(a, t), r;
		bool new_file;

		if (fd < 0)
			continue;
		r = pins_bind(a->pins, (enum ns_type)t, fd, &new_file, e);
		if (new_file)
			a->new_files |= NS_BIT(t);
		if (r == 0 || new_file)
			a->bound |= NS_BIT(t);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int mount_shm(struct apply *a, struct error *e)
{
	const struct pod_plan *plan = a->plan;

	if (!plan->mount_shm)
		return 0;
	/* Before, since a failed mount may leave its directory. */
	a->shm_mounted = true;
	return pod_shm_mount(a->pod, plan->shm_size, plan->shm_label, e);
}

/* The intent is saved already: after a kill the next run detaches what may be attached. */
static int attach_network(struct apply *a, struct error *e)
{
	if (!a->plan->network)
		return 0;
	a->network_asked = true;
	return pod_attach(a->pod, a->plan->network, e);
}

/* After the network, which brings addresses and resolv.conf. */
static int write_etc(struct apply *a, struct error *e)
{
	const struct pod_plan *plan = a->plan;

	if (plan->resolv_conf)
		pod_label_resolv_conf(a->pod, plan->etc_label);
	return plan->hosts ? pod_write_hosts(a->pod, plan->hosts, plan->etc_label, e) : 0;
}

static int save_entrants(struct apply *a, struct error *e)
{
	const struct pod_plan *plan = a->plan;
	struct pod *pod = a->pod;

	/* Without entrants pod_hold() saves the record, or container_close() ends the pod. */
	if (record_is_empty(&pod->rec))
		return 0;
	if (pod_save(pod, e) < 0)
		return -1;
	return plan->id ? store_index(pod->store, plan->id, plan->bundle, pod->name, &a->indexed, e)
			: 0;
}

int apply(struct apply *a, const struct pod_plan *plan, struct error *e)
{
	a->plan = plan;
	if (make_namespaces(a, e) < 0)
		return -1;
	if (!a->pod)
		return bind_all(a, e);
	return record_sysctls(a, e) < 0 || save_intent(a, e) < 0 || bind_all(a, e) < 0 ||
			       mount_shm(a, e) < 0 || attach_network(a, e) < 0 ||
			       write_etc(a, e) < 0 || save_entrants(a, e) < 0
		       ? -1
		       : 0;
}

int apply_settings(struct apply *a, struct error *e)
{
	const struct pod_plan *plan = a->plan;
	struct ns_setup setup = { .sysctls = { .list = plan->sysctls,
					       .count = plan->sysctl_count } };
	bool names = plan->existing[NS_UTS] >= 0 && (plan->hostname || plan->domainname);
	int owner = plan->make & NS_BIT(NS_USER) ? a->made[NS_USER] : plan->owner_fd;
	int join[NS_TYPES] = NS_FDS_NONE;

	for (size_t i = 0; i < plan->sysctl_count; i++) {
		enum ns_type t = plan->sysctls[i].type;

		join[t] = plan->existing[t];
		if (join[t] >= 0)
			setup.sysctls.types |= NS_BIT(t);
	}
	if (names) {
		join[NS_UTS] = plan->existing[NS_UTS];
		setup.hostname = plan->hostname;
		setup.domainname = plan->domainname;
	}
	/* ns_setup_in() joins the owner itself. */
	join[NS_USER] = -1;
	return names || setup.sysctls.types ? ns_setup_in(join, owner, &setup, e) : 0;
}

/* --- undoing ------------------------------------------------------------- */

static bool unbind(struct apply *a, enum ns_type t)
{
	/* pins_bind() uses existing mount points for pinns alone; they are kept. */
	const struct ns_id id = a->pod ? a->pod->rec.pin[t].id : (struct ns_id){ 0 };
	struct error e;
	int r = a->new_files & NS_BIT(t) ? pins_remove(a->pins, t, id, &e)
					 : pins_unmount(a->pins, t, &e);

	if (r < 0)
		log_error(LOG_LEVEL_WARN, &e);
	return r == 0;
}

/* What apply() made and apply_undo() could not remove. */
struct left {
	ns_set pins;
	bool shm, network;
	const char *hosts_key; /* or NULL */
};

static bool is_anything_left(const struct left *left)
{
	return left->pins || left->shm || left->network || left->hosts_key;
}

static int restore_record(struct apply *a, const struct left *left, struct error *e)
{
	struct pod *pod = a->pod;
	struct record rec;
	bool added;

	/* Not into pod->rec, which a failure would leave empty: container_close() would end the pod. */
	if (record_parse(&rec, a->before.data, e) < 0)
		return -1;
	for (int t = 0; t < NS_TYPES; t++)
		if (left->pins & NS_BIT(t))
			rec.pin[t] = pod->rec.pin[t];
	if (is_anything_left(left))
		rec.mntns = pod->rec.mntns;
	rec.shm |= left->shm;
	if ((left->network && record_copy_network(&rec, &pod->rec, e) < 0) ||
	    (left->hosts_key && record_add_hosts_key(&rec, left->hosts_key, &added, e) < 0)) {
		record_free(&rec);
		return -1;
	}
	record_free(&pod->rec);
	pod->rec = rec;
	/* With something left the record is kept, for gc to try again. */
	return record_is_empty(&rec) && !is_anything_left(left) ? pod_end(pod, e)
								: pod_save(pod, e);
}

void apply_undo(struct apply *a)
{
	struct pod *pod = a->pod;
	struct left left = { 0 };
	struct error e;

	if (a->indexed &&
	    store_unindex(pod->store, a->plan->id, a->plan->bundle, pod->name, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
	if (a->hosts_made && pod_remove_hosts(pod, a->plan->hosts->key, &e) < 0) {
		log_error(LOG_LEVEL_WARN, &e);
		left.hosts_key = a->plan->hosts->key;
	}
	/* While the namespace is pinned. */
	if (a->network_asked && pod_detach(pod, &e) < 0) {
		log_error(LOG_LEVEL_WARN, &e);
		left.network = true;
		left.pins = a->bound & NS_BIT(NS_NET);
	}
	left.shm = a->shm_mounted && !pod_shm_unmount(pod);
	for (int t = NS_TYPES - 1; t >= 0; t--)
		if (a->bound & ~left.pins & NS_BIT(t) && !unbind(a, (enum ns_type)t))
			left.pins |= NS_BIT(t);
	a->stays = is_anything_left(&left);
	if (a->before.len && restore_record(a, &left, &e) < 0)
		log_error(LOG_LEVEL_WARN, &e);
}
