/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cleanup.h"
#include "net/attach.h"
#include "net/chain.h"
#include "net/result.h"
#include "ns/net.h"
