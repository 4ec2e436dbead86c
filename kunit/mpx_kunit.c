// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the arithmetic on bounds directories and bounds tables.
 *
 * They run wherever KUnit does, an MPX processor is not needed:
 *
 *	tools/testing/kunit/kunit.py run --kunitconfig=arch/x86/mm
 *
 * What is expected is worked out from the fields of the address in the SDM
 * (vol. 1, chapter "Intel MPX") one pointer at a time, where the code under
 * test works on whole ranges.
 */

#include <kunit/test.h>

#include <linux/sizes.h>

/* UML has an asm/ of its own, so name the file. */
#include "../include/asm/mpx_geometry.h"

#define PAGE		4096UL
#define BD_BASE		0x7f0012345000UL
#define USER_LIMIT	((1UL << 47) - PAGE)

/* Bits 47:20 of the address of a pointer */
static unsigned long sdm_directory_index(unsigned long addr)
{
	return (addr & 0x0000fffffff00000UL) / 0x100000;
}

/* Bits 19:3 of the address of a pointer, times the 32 bytes of an entry */
static unsigned long sdm_table_offset(unsigned long addr)
{
	return (addr & 0x00000000000ffff8UL) / 8 * 32;
}

static void mpx_sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, MPX_BD_SIZE, 2UL * SZ_1G);
	KUNIT_EXPECT_EQ(test, MPX_BD_ENTRIES, 1UL << 28);
	KUNIT_EXPECT_EQ(test, MPX_BT_SIZE, 4UL * SZ_1M);
	KUNIT_EXPECT_EQ(test, MPX_SPAN_SIZE, 1UL * SZ_1M);
}

struct index_case {
	const char *name;
	unsigned long addr;
	unsigned long index;
};

static const struct index_case index_cases[] = {
	{ "address 0", 0, 0 },
	{ "last byte of the first span", 0xfffff, 0 },
	{ "first byte of the second span", 0x100000, 1 },
	{ "above 4 GiB", 0x123456789abcUL, 0x1234567 },
	{ "last user address, 4 levels", 0x7fffffffefffUL, 0x7ffffff },
	{ "bit 47", 0x800000000000UL, 0x8000000 },
	{ "last address of 48 bits", 0xffffffffffffUL, 0xfffffff },
	{ "bits 63:48 do not count", 0x00ab000000200000UL, 2 },
};

KUNIT_ARRAY_PARAM_DESC(index, index_cases, name);

static void mpx_directory_index(struct kunit *test)
{
	const struct index_case *c = test->param_value;
	unsigned long index = ~0UL;
	unsigned long entry;

	KUNIT_EXPECT_EQ(test, mpx_bd_index(c->addr), c->index);
	KUNIT_EXPECT_EQ(test, sdm_directory_index(c->addr), c->index);

	/* From the index to the entry and back */
	entry = mpx_bd_entry_addr(BD_BASE, c->index);
	KUNIT_EXPECT_EQ(test, entry, BD_BASE + c->index * 8);
	KUNIT_EXPECT_TRUE(test, mpx_bd_entry_index(BD_BASE, entry, &index));
	KUNIT_EXPECT_EQ(test, index, c->index);

	/* The span begins with the address that has all the lower bits clear. */
	KUNIT_EXPECT_EQ(test, mpx_span_start(c->index),
			c->addr & 0x0000fffffff00000UL);
}

struct entry_case {
	const char *name;
	unsigned long addr;
	bool inside;
};

static const struct entry_case entry_cases[] = {
	{ "first", BD_BASE, true },
	{ "last", BD_BASE + 2UL * SZ_1G - 8, true },
	{ "after the last", BD_BASE + 2UL * SZ_1G, false },
	{ "before the first", BD_BASE - 8, false },
	{ "between two", BD_BASE + 12, false },
	{ "one byte off", BD_BASE + 1, false },
	{ "null", 0, false },
	{ "not canonical", 1UL << 63, false },
	{ "last of the address space", ~7UL, false },
};

KUNIT_ARRAY_PARAM_DESC(entry, entry_cases, name);

static void mpx_directory_entry(struct kunit *test)
{
	const struct entry_case *c = test->param_value;
	unsigned long index = 42;

	KUNIT_EXPECT_EQ(test, mpx_bd_entry_index(BD_BASE, c->addr, &index),
			c->inside);
	KUNIT_EXPECT_EQ(test, index, c->inside ? (c->addr - BD_BASE) / 8 : 42);
}

struct fit_case {
	const char *name;
	unsigned long base;
	bool fits;
};

static const struct fit_case fit_cases[] = {
	{ "address 0", 0, true },
	{ "up to the limit", USER_LIMIT - 2UL * SZ_1G, true },
	{ "one page too far", USER_LIMIT - 2UL * SZ_1G + PAGE, false },
	{ "at the limit", USER_LIMIT, false },
	{ "kernel half", 0xffff800000000000UL, false },
	{ "end wraps", 0xfffffffffffff000UL, false },
};

KUNIT_ARRAY_PARAM_DESC(fit, fit_cases, name);

static void mpx_directory_fits(struct kunit *test)
{
	const struct fit_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mpx_bd_fits(c->base, USER_LIMIT), c->fits);
}

/* One range, and the tables that hold entries for it */
struct range_case {
	const char *name;
	unsigned long start;
	unsigned long end;
	unsigned long tables;
};

#define M(x)	(0x7f1200000000UL + (x) * 0x100000UL)

static const struct range_case range_cases[] = {
	{ "one page in the middle", M(0) + 7 * PAGE, M(0) + 8 * PAGE, 1 },
	{ "first page", M(0), M(0) + PAGE, 1 },
	{ "last page", M(1) - PAGE, M(1), 1 },
	{ "all but the first page", M(0) + PAGE, M(1), 1 },
	{ "all but the last page", M(0), M(1) - PAGE, 1 },
	{ "one table exactly", M(0), M(1), 1 },
	{ "two pages, two tables", M(1) - PAGE, M(1) + PAGE, 2 },
	{ "two tables exactly", M(0), M(2), 2 },
	{ "two tables, both shared", M(0) + PAGE, M(2) - PAGE, 2 },
	{ "two tables, first shared", M(0) + 255 * PAGE, M(2), 2 },
	{ "two tables, last shared", M(0), M(1) + PAGE, 2 },
	{ "three tables, edges shared", M(1) - PAGE, M(2) + PAGE, 3 },
	{ "300 tables exactly", M(0), M(300), 300 },
	{ "300 tables, edges shared", M(0) + 100 * PAGE, M(299) + 3 * PAGE, 300 },
	{ "start of the address space", 0, PAGE, 1 },
	{ "end of the address space", USER_LIMIT - PAGE, USER_LIMIT, 1 },
};

KUNIT_ARRAY_PARAM_DESC(range, range_cases, name);

static void mpx_range_tables(struct kunit *test)
{
	const struct range_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mpx_bd_index(c->end - 1) -
			      mpx_bd_index(c->start) + 1, c->tables);
}

/*
 * Edge sharing: a table's part for a range has the entry of every pointer in
 * the range and of no pointer outside of it.
 */
static void mpx_range_parts(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	unsigned long index;

	for (index = mpx_bd_index(c->start); index <= mpx_bd_index(c->end - 1);
	     index++) {
		struct mpx_bt_part part = mpx_bt_part(index, c->start, c->end);
		unsigned long span = index * SZ_1M;
		unsigned long addr;

		KUNIT_EXPECT_LT(test, part.from, part.to);
		KUNIT_EXPECT_LE(test, part.to, 4UL * SZ_1M);
		KUNIT_EXPECT_EQ(test, part.from % PAGE, 0);
		KUNIT_EXPECT_EQ(test, part.to % PAGE, 0);

		/* First and last pointer of each page of the span */
		for (addr = span; addr < span + SZ_1M; addr += PAGE) {
			bool gone = addr >= c->start && addr < c->end;
			unsigned long first = sdm_table_offset(addr);
			unsigned long last = sdm_table_offset(addr + PAGE - 8);

			KUNIT_EXPECT_EQ_MSG(test, gone,
					    first >= part.from && first < part.to,
					    "first pointer of page %lx", addr);
			KUNIT_EXPECT_EQ_MSG(test, gone,
					    last >= part.from && last < part.to,
					    "last pointer of page %lx", addr);
		}
	}
}

/*
 * What the neighbours keep: the part before the range, the range's own and the
 * part after it are the table, without a gap and without an overlap.
 */
static void mpx_range_neighbours(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	unsigned long first = mpx_bd_index(c->start);
	unsigned long last = mpx_bd_index(c->end - 1);
	struct mpx_bt_part part, rest;

	part = mpx_bt_part(first, c->start, c->end);
	if (c->start % SZ_1M) {
		rest = mpx_bt_part(first, first * SZ_1M, c->start);
		KUNIT_EXPECT_EQ(test, rest.from, 0);
		KUNIT_EXPECT_EQ(test, rest.to, part.from);
	} else {
		KUNIT_EXPECT_EQ(test, part.from, 0);
	}

	part = mpx_bt_part(last, c->start, c->end);
	if (c->end % SZ_1M) {
		rest = mpx_bt_part(last, c->end, (last + 1) * SZ_1M);
		KUNIT_EXPECT_EQ(test, rest.from, part.to);
		KUNIT_EXPECT_EQ(test, rest.to, 4UL * SZ_1M);
	} else {
		KUNIT_EXPECT_EQ(test, part.to, 4UL * SZ_1M);
	}
}

static struct kunit_case mpx_geometry_cases[] = {
	KUNIT_CASE(mpx_sizes),
	KUNIT_CASE_PARAM(mpx_directory_index, index_gen_params),
	KUNIT_CASE_PARAM(mpx_directory_entry, entry_gen_params),
	KUNIT_CASE_PARAM(mpx_directory_fits, fit_gen_params),
	KUNIT_CASE_PARAM(mpx_range_tables, range_gen_params),
	KUNIT_CASE_PARAM(mpx_range_parts, range_gen_params),
	KUNIT_CASE_PARAM(mpx_range_neighbours, range_gen_params),
	{}
};

static struct kunit_suite mpx_geometry_suite = {
	.name = "mpx_geometry",
	.test_cases = mpx_geometry_cases,
};

kunit_test_suite(mpx_geometry_suite);

MODULE_DESCRIPTION("Tests of the geometry of MPX bounds directories and tables");
MODULE_LICENSE("GPL");
