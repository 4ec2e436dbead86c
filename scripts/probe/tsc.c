// SPDX-License-Identifier: GPL-2.0
/*
 * Print how fast the TSC is, in kHz. It is what the emulator gives to its guests,
 * which find that out with a timer, and get it wrong by an order of magnitude if
 * the machine is busy at that moment.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Both clocks at the same time: the pair that took the least of many */
static void both(int64_t *ns, uint64_t *tsc)
{
	int64_t least = INT64_MAX;
	int i;

	for (i = 0; i < 100; i++) {
		int64_t before = now();
		uint64_t t = __rdtsc();
		int64_t after = now();

		if (after - before < least) {
			least = after - before;
			*ns = before + least / 2;
			*tsc = t;
		}
	}
}

int main(void)
{
	struct timespec pause = { .tv_nsec = 100000000 };
	uint64_t tsc[2];
	int64_t ns[2];

	both(&ns[0], &tsc[0]);
	nanosleep(&pause, NULL);
	both(&ns[1], &tsc[1]);
	printf("%.0f\n", (tsc[1] - tsc[0]) * 1e6 / (ns[1] - ns[0]));
	return 0;
}
#else
int main(void)
{
	return 1;
}
#endif
