/* SPDX-License-Identifier: MIT
 *
 * What embed.c and its program share. */
#ifndef EMBED_H
#define EMBED_H

struct request {
	unsigned status, msec;
	unsigned long long id;
};

#endif
