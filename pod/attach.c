/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's network, as far as its record and the agent are concerned: pod/pod.h. */
#include <string.h>

#include "base/log.h"
#include "pod/pod.h"

int pod_note_network(struct pod *p, const struct network_request *request, struct error *e)
{
	return record_set_network(&p->rec, request->network, e);
}

static int refuse_without_client(const char *network, const char *what, struct error *e)
{
	error_set(e, 0, "network %s cannot be %s by this program", network, what);
	return error_hint(e, "no network is configured in " PODNS_CONFDIR
			     "/net.d; podns gc detaches networks nevertheless");
}

static int ask(struct pod *p, const struct network_request *request, struct network_answer *answer,
	       struct error *e)
{
	struct network_client *client = p->store->network;
	int r = client->call(client, request, p->fd, answer, e);

	p->plugins_ran = true;
	p->lock_stays |= client->killed;
	return r;
}

int pod_attach(struct pod *p, const struct network_request *request, struct error *e)
{
	struct network_answer answer;

	if (!p->store->network)
		return refuse_without_client(request->network, "attached", e);
	if (ask(p, request, &answer, e) < 0)
		return error_prefix(e, "network %s", request->network);
	for (uint32_t i = 0; i < answer.address_count; i++)
		if (record_add_address(&p->rec, answer.address[i], e) < 0)
			return -1;
	p->rec.attached = true;
	return 0;
}

int pod_detach(struct pod *p, struct error *e)
{
	struct network_client *client = p->store->network;
	struct network_request request = { .verb = NETWORK_DEL };
	struct network_answer answer;
	struct error ignored;

	if (!p->rec.network)
		return 0;
	memcpy(request.pod, p->name, strlen(p->name) + 1);
	if (client && ask(p, &request, &answer, e) == 0) {
		record_forget_network(&p->rec);
		return 0;
	}
	if (!client)
		refuse_without_client(p->rec.network, "detached", e);
	else
		error_prefix(e, "network %s", p->rec.network);
	/* It is shown by podns ls. Without memory the network stays recorded, with no reason. */
	record_set_leaving(&p->rec, e->text, &ignored);
	return -1;
}

int pod_forget_network(struct pod *p, struct error *e)
{
	struct network_request request = { .verb = NETWORK_FORGET };
	struct network_answer answer;

	if (!p->store->network)
		return refuse_without_client(p->rec.network, "forgotten", e);
	memcpy(request.pod, p->name, strlen(p->name) + 1);
	if (ask(p, &request, &answer, e) < 0)
		return error_prefix(e, "network %s", p->rec.network);
	record_forget_network(&p->rec);
	return 0;
}
