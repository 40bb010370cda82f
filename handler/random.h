/* splitmix64: small, fast, and the same numbers on every machine for the same seed. */
#ifndef HANDLER_RANDOM_H
#define HANDLER_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/*
 * An independent stream per index, so that what invocation 7 receives does not depend on which
 * thread runs it, nor on what the invocations before it drew.
 */
static inline struct random random_stream(uint64_t seed, uint64_t index)
{
	struct random random = {.state = seed};

	random.state = random_next(&random) ^ (index * 0xd1342543de82ef95ULL);
	random.state = random_next(&random);
	return random;
}

/* Uniform in [min, max], both included; min <= max. */
static inline uint64_t random_between(struct random *random, uint64_t min, uint64_t max)
{
	uint64_t span = max - min + 1;

	return span ? min + random_next(random) % span : random_next(random);
}

/* Uniform in [0, 1). */
static inline double random_fraction(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

#endif
