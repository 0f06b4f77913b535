/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/names.h"

#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "plan/engine.h"

static bool is_default_hostname(const char *hostname, const char *id)
{
	if (strlen(hostname) != PLAN_SHORT_ID)
		return false;
	return id ? !strncmp(hostname, id, PLAN_SHORT_ID)
		  : strspn(hostname, "0123456789abcdef") == PLAN_SHORT_ID;
}

const char *plan_hostname(const char *annotation, const char *pod, const char *hostname,
			  const char *id, char room[PLAN_HOSTNAME_MAX + 1])
{
	if (annotation)
		return annotation;
	if (hostname && !is_default_hostname(hostname, id))
		return hostname;
	concat_in(room, plan_is_engine_id(pod) ? PLAN_SHORT_ID + 1 : PLAN_HOSTNAME_MAX + 1, pod,
		  NULL);
	return room;
}

/* How many bytes of a name an error quotes: at most 80, and whole characters. */
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

int plan_names(const struct names_input *in, struct names *names, struct error *e)
{
	*names = (struct names){ 0 };
	switch (in->verb) {
	case PLAN_LEAVE:
		return 0;
	case PLAN_JOIN:
	case PLAN_ADOPT_PATH:
		names->hostname = in->in_hostname;
		names->domainname = in->in_domainname;
		return 0;
	case PLAN_CREATE:
	case PLAN_ADOPT_INIT:
		break;
	}
	if (in->annotation &&
	    plan_check_hostname(in->annotation, "annotation io.podns.hostname", e) < 0)
		return -1;
	/* The runtime has read the config already and sets this hostname, whatever is decided here. */
	if (in->verb == PLAN_ADOPT_INIT && in->hostname)
		names->hostname = in->hostname;
	else
		names->hostname =
			plan_hostname(in->annotation, in->pod, in->hostname, in->id, names->room);
	names->domainname = in->domainname;
	names->set = true;
	if (plan_check_hostname(names->hostname, "hostname", e) < 0)
		return -1;
	return names->domainname ? plan_check_hostname(names->domainname, "domainname", e) : 0;
}
