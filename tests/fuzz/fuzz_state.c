/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI state, and the pod that it names.
 */
#include "oci/state.h"

#include "pod/name.h"
#include "tests/fuzz/fuzz.h"

static int get(void *doc, const char *key, const char **value, struct error *e)
{
	return state_annotation(doc, key, value, e);
}

static void check_pod(struct state *s)
{
	struct pod_clues clues = { .id = s->id };
	struct pod_choice choice;
	struct error e;

	if (pod_find_sandbox(get, s, &clues.sandbox, &e) < 0 ||
	    state_annotation(s, ANNOTATION_POD, &clues.annotation, &e) < 0 ||
	    pod_choose(&clues, &choice, &e) < 0)
		return;
	MUST(choice.name);
	MUST(*choice.name && *choice.name != '.' && strlen(choice.name) <= POD_NAME_MAX);
	for (const char *p = choice.name; *p; p++)
		MUST((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		     (*p >= '0' && *p <= '9') || strchr("_.+-", *p));
	/* Under a CRI engine the pod author's annotation is ignored. */
	MUST(choice.cri == (clues.sandbox != NULL));
	MUST(!choice.cri || choice.name == clues.sandbox);
}

static void check_state(struct state *s)
{
	MUST(*s->id && strlen(s->id) <= 1024);
	MUST(!strchr(s->id, '/') && strcmp(s->id, ".") && strcmp(s->id, ".."));
	MUST(*s->bundle == '/');
	MUST(s->pid >= 0 && s->pid <= 4194304);
	check_pod(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	bool is_state = false, told;
	struct state s;
	struct error e;
	unsigned depth;

	told = document_is_state(text, size, &is_state, &e) == 0;
	if (state_parse(&s, text, size, &e) < 0)
		return 0;
	MUST(strict_json(text, size, &depth) && depth <= JSON_DEPTH_MAX);
	MUST(!told || is_state);
	check_state(&s);
	state_free(&s);
	return 0;
}
