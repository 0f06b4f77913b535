/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanging spans of a document for other bytes. An edit and its reversal are both a list of such
 * spans; the bytes between them are copied, so no other byte can change.
 */
#ifndef PODNS_JSON_SPLICE_H
#define PODNS_JSON_SPLICE_H

#include "json/json.h"

struct splice {
	uint32_t start, end; /* of the bytes that go; start == end: none do */
	bool member;         /* it takes out a whole member: the comma beside it goes with it */
	const char *text;    /* text_len bytes that come in their place, borrowed */
	size_t text_len;
};

/* All zero is an empty list. The array is in the document's arena. */
struct splices {
	struct splice *list;
	size_t count, cap;
};

/* Each returns 0, or -1 without memory. */

/* Put text, which is copied, at byte `at` of the document. */
int splice_insert(struct splices *s, struct json *doc, uint32_t at, const struct buf *text);

/* Put n bytes at text (borrowed) in place of the value of `node`. */
int splice_replace(struct splices *s, struct json *doc, uint32_t node, const char *text, size_t n);

/* The same for text in a buf, which is copied. */
int splice_replace_with(struct splices *s, struct json *doc, uint32_t node, const struct buf *text);

/*
 * Take the member whose value is `node` out, with its key and one comma: the exact reverse of
 * inserting it after a brace or a value.
 */
int splice_remove(struct splices *s, struct json *doc, uint32_t node);

/*
 * Append the document with all splices made to *out. The spans must not overlap; those that begin
 * at the same byte come out in the order in which they were added.
 */
int splice_write(struct splices *s, const struct json *doc, struct buf *out);

#endif
