// SPDX-License-Identifier: GPL-2.0-only
/* Names that are like the one that was not found. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "user/source/probes.h"

#define NAME_MAX_BYTES (sizeof(((struct probes_near *)NULL)->names[0]) - 1)

/* One typing error in three letters, at most these: more is another name. */
#define DISTANCE_MAX 4U

/* Less is nearer. */
#define RANK_CONTAINS 0U
#define RANK_TYPO 1000U
#define RANK_PROVIDER 2000U
#define RANK_NONE UINT_MAX

/* Messages show it: no control characters, and nothing that only looks like a name. */
static bool is_plain(const char *name)
{
	size_t length = 0;

	for (; name[length]; length++)
		if (length == NAME_MAX_BYTES || !isascii(name[length]) || !isgraph(name[length]))
			return false;
	return length > 0;
}

/*
 * Letters to change, add or take away (Levenshtein), without regard to case; more than
 * DISTANCE_MAX is DISTANCE_MAX + 1. Only the diagonals that can be within it are looked at.
 */
static unsigned int distance_between(const char *a, size_t a_size, const char *b, size_t b_size)
{
	enum { WIDTH = 2 * DISTANCE_MAX + 1 };
	unsigned int row[WIDTH + 1], best;

	if ((a_size > b_size ? a_size - b_size : b_size - a_size) > DISTANCE_MAX)
		return DISTANCE_MAX + 1;
	/* row[k] is of the k-th diagonal: j = i + k - DISTANCE_MAX */
	for (unsigned int k = 0; k <= WIDTH; k++)
		row[k] = k >= DISTANCE_MAX && k < WIDTH ? k - DISTANCE_MAX : DISTANCE_MAX + 1;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned int left = DISTANCE_MAX + 1;

		best = DISTANCE_MAX + 1;
		for (unsigned int k = 0; k < WIDTH; k++) {
			size_t j = i + k - DISTANCE_MAX;
			unsigned int cost = DISTANCE_MAX + 1;

			if (i + k >= DISTANCE_MAX && j <= b_size) {
				unsigned int above = row[k + 1] + 1;

				cost = j ? row[k] + (tolower((unsigned char)a[i - 1]) !=
						     tolower((unsigned char)b[j - 1]))
					 : (unsigned int)i;
				cost = above < cost ? above : cost;
				cost = j && left + 1 < cost ? left + 1 : cost;
			}
			row[k] = left = cost > DISTANCE_MAX ? DISTANCE_MAX + 1 : cost;
			best = left < best ? left : best;
		}
		if (best > DISTANCE_MAX)
			return best;
	}
	return row[b_size + DISTANCE_MAX - a_size];
}

/* "provider:" of "provider:name", 0 without one. */
static size_t provider_size(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon ? (size_t)(colon + 1 - name) : 0;
}

static unsigned int rank_of(const char *name, const char *wanted)
{
	size_t name_size = strlen(name), wanted_size = strlen(wanted);
	size_t provider = provider_size(wanted), longer, allowed = wanted_size / 3;
	unsigned int distance;

	longer = name_size > wanted_size ? name_size - wanted_size : wanted_size - name_size;
	if (wanted[provider] && strcasestr(name + provider_size(name), wanted + provider))
		return RANK_CONTAINS + (unsigned int)longer;
	distance = distance_between(wanted, wanted_size, name, name_size);
	if (distance <= DISTANCE_MAX && distance <= (allowed ? allowed : 1))
		return RANK_TYPO + distance;
	/* of a provider's probes there are few: any of them tells what names there are */
	if (provider && !strncasecmp(name, wanted, provider))
		return RANK_PROVIDER + (unsigned int)longer;
	return RANK_NONE;
}

static bool is_nearer(const char *name, unsigned int rank, const char *than, const char *wanted)
{
	unsigned int other = than[0] ? rank_of(than, wanted) : RANK_NONE;

	return rank != other ? rank < other : strcmp(name, than) < 0;
}

void probes_near_add(struct probes_near *near, const char *name, const char *wanted)
{
	unsigned int rank;
	size_t at = PROBES_NEAR_MAX;

	if (!is_plain(name) || strlen(wanted) > 2 * NAME_MAX_BYTES)
		return;
	rank = rank_of(name, wanted);
	if (rank == RANK_NONE)
		return;
	for (size_t i = 0; i < PROBES_NEAR_MAX; i++)
		if (!strcmp(near->names[i], name))
			return;
	while (at && is_nearer(name, rank, near->names[at - 1], wanted))
		at--;
	if (at == PROBES_NEAR_MAX)
		return;
	memmove(near->names[at + 1], near->names[at],
		(PROBES_NEAR_MAX - 1 - at) * sizeof(near->names[0]));
	snprintf(near->names[at], sizeof(near->names[at]), "%s", name);
}

void probes_near_merge(struct probes_near *into, const struct probes_near *from, const char *wanted)
{
	for (size_t i = 0; i < PROBES_NEAR_MAX; i++)
		probes_near_add(into, from->names[i], wanted);
}

char *probes_near_text(const struct probes_near *near, char *text, size_t size)
{
	size_t count = 0, used;

	while (count < PROBES_NEAR_MAX && near->names[count][0])
		count++;
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const char *before = !i ? "did you mean " : i + 1 < count ? ", " : " or ";

		used = strlen(text);
		snprintf(text + used, size - used, "%s%s%s", before, near->names[i],
			 i + 1 == count ? "?" : "");
	}
	return text;
}
