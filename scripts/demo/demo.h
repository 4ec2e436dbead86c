/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the demo share: pointers whose bounds MPX keeps, the heap,
 * the list. See records.c for how they are used.
 */
#ifndef _DEMO_H
#define _DEMO_H

#include "mpx.h"

/* A function of its own in the machine code too: the report names it. */
#define noipa		__attribute__((noipa))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE		4096UL

enum { ALL_RIGHT, WRONG, NO_MPX, STOPPED, BAD_PICTURE };

/* The pointer at slot; its bounds go to BNDn. */
#define get(n, slot) ({							\
	__typeof__(slot) __slot = (slot);				\
	__typeof__(*__slot) __value = *__slot;				\
									\
	mpx_bndldx(n, __slot, __value);					\
	__value;							\
})

/* *slot = value; its bounds come from BNDn. */
#define put(n, slot, value) do {					\
	__typeof__(slot) __slot = (slot);				\
	__typeof__(*__slot) __value = (value);				\
									\
	*__slot = __value;						\
	mpx_bndstx(n, __slot, __value);					\
} while (0)

/* #BR, which becomes SIGSEGV, unless BND0 allows all of these bytes. */
static __always_inline void check0(const void *addr, size_t size)
{
	mpx_bndcl(0, addr);
	mpx_bndcu(0, (const char *)addr + size - 1);
}

struct record {
	char type[8];
	unsigned int length;		/* of data, in bytes */
	unsigned int line;
	char *data;
	struct record *next;
};

struct list {
	struct record *first;
	struct record *last;
	unsigned long count;
};

struct input {
	char *text;
	size_t size;
	size_t pos;
	unsigned int line;
};

/*
 * The heap: a pool for each type, made of regions of 1 MiB. That is what one
 * bounds table covers, so the tables can be seen to come and go with the pools.
 * No check guards the heap's own data, as with malloc() in most places.
 */
struct region {
	char type[8];
	char *base;
	size_t used;
	size_t size;			/* what is still mapped */
};

/* records.c */
extern struct region regions[64];
extern unsigned int nr_regions;
extern void *directory;			/* NULL: MPX is off */
extern const char *file_name;
extern const struct input *reading;	/* NULL: not now */

void die(const char *what);
struct list *read_records(const char *name, unsigned int times);
void release(struct list *list, struct region *region, char *from);

/* memory.c */
bool show_memory(const char *name, unsigned int times);

/* report.c */
void report_violations(void);

#endif /* _DEMO_H */
