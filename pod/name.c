/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/name.h"

#include <string.h>

#include "plan/engine.h"

const char *const pod_sandbox_annotations[POD_SANDBOX_ANNOTATIONS] = {
	"io.kubernetes.cri.sandbox-id",
	ANNOTATION_SANDBOX,
};

bool pod_id_begins_with(const char *id, const char *s)
{
	size_t n = strlen(s);

	return n >= PLAN_SHORT_ID && plan_is_engine_id(id) && !strncmp(id, s, n);
}

int pod_find_sandbox(int (*get)(void *doc, const char *key, const char **value, struct error *e),
		     void *doc, const char **sandbox, struct error *e)
{
	const char *value;

	*sandbox = NULL;
	for (size_t i = 0; i < POD_SANDBOX_ANNOTATIONS; i++) {
		if (get(doc, pod_sandbox_annotations[i], &value, e) < 0)
			return -1;
		if (value && !plan_is_engine_id(value))
			return error_set(e, 0,
					 "annotation %s: '%.80s' is not the id of a sandbox, which "
					 "is 64 hexadecimal digits",
					 pod_sandbox_annotations[i], value);
		if (value && *sandbox && strcmp(value, *sandbox))
			return error_set(e, 0,
					 "annotations %s and %s name different sandboxes, '%s' and "
					 "'%s'",
					 pod_sandbox_annotations[0], pod_sandbox_annotations[i],
					 *sandbox, value);
		if (value)
			*sandbox = value;
	}
	return 0;
}

int pod_check_name(const char *name, struct error *e)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_.+-";
	size_t n = strlen(name);

	if (!n)
		return error_set(e, 0, "the pod name is empty");
	if (n > POD_NAME_MAX)
		return error_set(e, 0, "pod name '%.40s...' is longer than %d bytes", name,
				 POD_NAME_MAX);
	if (name[0] == '.' || strspn(name, allowed) != n)
		return error_set(e, 0,
				 "pod name '%s' may contain only A-Z a-z 0-9 _ . + - and must not "
				 "start with '.'",
				 name);
	if (!strcmp(name, "log"))
		return error_set(e, 0, "pod name 'log' is reserved for the log file");
	return 0;
}

bool pod_sandbox_counts(const char *pod_annotation, bool trust_annotations)
{
	return trust_annotations || !strcmp(pod_annotation, ANNOTATION_POD);
}

static int choose_named(const struct pod_clues *clues, struct pod_choice *choice, struct error *e)
{
	choice->name = clues->annotation;
	choice->named = true;
	if (!plan_is_engine_id(choice->name))
		return 0;
	error_set(e, 0,
		  "pod name '%s' is refused: 64 hexadecimal digits are the id of an engine's "
		  "sandbox or pod",
		  choice->name);
	return error_hint(e, "give the pod another name");
}

int pod_choose(const struct pod_clues *clues, struct pod_choice *choice, struct error *e)
{
	*choice = (struct pod_choice){ .annotations = clues->trust_annotations || !clues->own_key };
	if (clues->sandbox && !clues->trust_annotations) {
		choice->name = clues->sandbox;
		choice->cri = true;
		choice->annotations = false;
	} else if (clues->annotation) {
		if (choose_named(clues, choice, e) < 0)
			return -1;
	} else {
		choice->name = clues->sandbox ? clues->sandbox : clues->id;
	}
	return choice->name ? pod_check_name(choice->name, e) : 0;
}
