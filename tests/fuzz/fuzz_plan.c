/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision for any input of plan_make(): a byte of entries, a byte of paths, and the bytes of
 * choose_plan().
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[2 + PLAN_BYTES] = { 0 };
	struct plan_input in = { 0 };

	memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
	for (int t = 0; t < NS_TYPES; t++) {
		in.type[t].entry = bytes[0] >> t & 1;
		in.type[t].path = in.type[t].entry && bytes[1] >> t & 1 ? "/p" : NULL;
	}
	choose_plan(&in, bytes + 2);
	check_plan(&in);
	return 0;
}
