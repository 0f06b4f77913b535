/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/name.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

/* By which CRI engines name a pod's sandbox: containerd's and CRI-O's. */
static const char *const cri_annotations[] = {
	"io.kubernetes.cri.sandbox-id",
	"io.kubernetes.cri-o.SandboxID",
};

int pod_find_sandbox(int (*get)(void *doc, const char *key, const char **value, struct error *e),
		     void *doc, const char **sandbox, struct error *e)
{
	const char *value;

	*sandbox = NULL;
	for (size_t i = 0; i < sizeof(cri_annotations) / sizeof(*cri_annotations); i++) {
		if (get(doc, cri_annotations[i], &value, e) < 0)
			return -1;
		if (value && *sandbox && strcmp(value, *sandbox))
			return error_set(e, 0, "annotations %s and %s name different sandboxes, '%s' and "
					 "'%s'", cri_annotations[0], cri_annotations[i], *sandbox, value);
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
		return error_set(e, 0, "pod name '%s' is not made of A-Z a-z 0-9 _ . + - alone, with "
				 "no '.' in front", name);
	if (!strcmp(name, "log"))
		return error_set(e, 0, "pod name 'log' is taken: the log file has it");
	return 0;
}

int pod_choose(const struct pod_clues *clues, struct pod_choice *choice, struct error *e)
{
	*choice = (struct pod_choice){ 0 };
	if (clues->sandbox && !clues->trust_annotations) {
		choice->name = clues->sandbox;
		choice->cri = true;
	} else if (clues->annotation) {
		choice->name = clues->annotation;
		choice->named = true;
	} else if (clues->sandbox) {
		choice->name = clues->sandbox;
	} else {
		choice->name = clues->id;
	}
	return choice->name ? pod_check_name(choice->name, e) : 0;
}

char *pod_path(const char *root, const char *pod)
{
	return concat(root, "/podns/", pod, NULL);
}
