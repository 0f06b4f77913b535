#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes ./configure in a checkout; a release tarball has it already.
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force "$@"
