/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs of plan_make() out of bytes, and what it promises for each.
 */
#ifndef PODNS_TESTS_FUZZ_PLAN_H
#define PODNS_TESTS_FUZZ_PLAN_H

#include <stdint.h>

#include "plan/plan.h"

#define PLAN_TYPE_BYTES 2
#define PLAN_BYTES (2 + NS_TYPES * PLAN_TYPE_BYTES)

/* All but entry and path of each type, which are set before: stage, pod types, identities. */
void choose_plan(struct plan_input *in, const uint8_t bytes[PLAN_BYTES]);

/* Returns the types that the container is to share; none where it is refused. */
ns_set check_plan(const struct plan_input *in);

#endif
