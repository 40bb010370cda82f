// SPDX-License-Identifier: GPL-2.0-only
#include "tests/targets/heap_throw.h"

#include <new>

/* Where the compiler does not see that nobody uses it. */
static char *volatile memory;

bool throw_is_refused(size_t size)
{
	try {
		memory = new char[size];
		delete[] memory;
		return false;
	} catch (const std::bad_alloc &) {
		return true;
	}
}

unsigned int throw_until_refused(size_t size, unsigned int max)
{
	unsigned int count = 0;

	try {
		for (; count < max; count++)
			memory = new char[size];
	} catch (const std::bad_alloc &) {
		return count;
	}
	return count;
}
