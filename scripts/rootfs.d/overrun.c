// SPDX-License-Identifier: GPL-2.0
/*
 * overrun [COMMAND]: something for debuggers and tracers to look at. It keeps
 * pointers to buffers, and their bounds, in an array, which it gives back, and
 * in another one. Then it runs COMMAND, if there is one, and writes one byte too
 * many to a buffer.
 */
#include <stdio.h>
#include <stdlib.h>
#include "mpx.h"

#define COUNT		8192
#define LENGTH		16
#define PAGE		0x1000UL
#define ARRAY		(COUNT * sizeof(char *) + 2 * MPX_SPAN)

static char text[COUNT][LENGTH];
static char **buffers;
static void *dir;

/* Far enough from all else for tables of its own. */
static void *map(void)
{
	unsigned long array = (unsigned long)mmap(NULL, ARRAY, PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	buffers = (char **)((array + MPX_SPAN - 1) & -MPX_SPAN);
	for (int i = 0; i < COUNT; i++)
		mpx_ptr_store(&buffers[i], text[i], text[i], LENGTH);
	return (void *)array;
}

static void fill(int which, char with, size_t size)
{
	struct mpx_bounds b;
	char *buffer = mpx_ptr_load(&buffers[which], &b);

	for (size_t i = 0; i < size; i++) {
		mpx_check(buffer + i, 1, &b);
		buffer[i] = with;
	}
}

int main(int argc, char **argv)
{
	if (!mpx_available()) {
		fprintf(stderr, "no MPX\n");
		return 1;
	}
	dir = mpx_directory_alloc();
	mpx_on(dir, true);
	if (mpx_manage()) {
		perror("PR_MPX_ENABLE_MANAGEMENT");
		return 1;
	}
	munmap(map(), ARRAY);
	map();
	/* For those who look for the bounds in a core dump */
	madvise((void *)((unsigned long)mpx_dir_entry(dir, buffers) & -PAGE), PAGE, MADV_DODUMP);

	if (argc > 1 && system(argv[1]))
		return 1;

	fill(2, 'x', LENGTH);
	fill(3, 'y', LENGTH + 1);
	printf("no check has failed\n");
	return 0;
}
