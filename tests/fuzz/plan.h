/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes inputs of plan_make() from bytes, and checks what it promises for each.
 */
#ifndef PODNS_TESTS_FUZZ_PLAN_H
#define PODNS_TESTS_FUZZ_PLAN_H

#include <stdint.h>

#include "plan/plan.h"

#define PLAN_TYPE_BYTES 2
#define PLAN_BYTES (2 + NS_TYPES * PLAN_TYPE_BYTES)

/* Fills in the stage, pod types and identities. entry and path of each type are set before. */
void choose_plan(struct plan_input *in, const uint8_t bytes[PLAN_BYTES]);

/* Returns the types that the container shares with the pod; none if it is refused. */
ns_set check_plan(const struct plan_input *in);

#endif
