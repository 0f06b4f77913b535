/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replacing spans of a document by other bytes. An edit and its reversal are both a list of such
 * spans; the bytes between them are copied, so no other byte can change.
 */
#ifndef PODNS_JSON_SPLICE_H
#define PODNS_JSON_SPLICE_H

#include "json/json.h"

struct splice {
	uint32_t start, end; /* the replaced bytes; none if start == end */
	bool member;         /* a whole member or element is removed, with one comma */
	const char *text;    /* the new bytes, text_len of them; borrowed */
	size_t text_len;
};

/* Zero-initialised, it is empty. The array is in the document's arena. */
struct splices {
	struct splice *list;
	size_t count, cap;
};

/* Each of these returns 0, or -1 if there is no memory. */

/* Insert text, which is copied, at byte `at` of the document. */
int splice_insert(struct splices *s, struct json *doc, uint32_t at, const struct buf *text);

/* Replace the value of `node` by n bytes at text, which is borrowed. */
int splice_replace(struct splices *s, struct json *doc, uint32_t node, const char *text, size_t n);

/* The same for text in a buffer, which is copied. */
int splice_replace_with(struct splices *s, struct json *doc, uint32_t node, const struct buf *text);

/*
 * Remove the member whose value is `node`, with its key and one comma, or the element of an array, with
 * one comma: reverses its insertion.
 */
int splice_remove(struct splices *s, struct json *doc, uint32_t node);

/*
 * Append the document with all splices applied to *out. The spans must not overlap; those that start
 * at the same byte are written in the order in which they were added.
 */
int splice_write(struct splices *s, const struct json *doc, struct buf *out);

#endif
