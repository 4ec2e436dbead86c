// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the arithmetic on bounds directories and bounds tables, and of what
 * becomes of a table when memory is unmapped.
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

#include <linux/prandom.h>
#include <linux/sizes.h>

#include <asm/mpx_geometry.h>

#define G64		(&mpx_geometry_64)
#define G32		(&mpx_geometry_32)
#define PAGE		4096UL
#define SEED		0x6d7078

/* Any directory, and the ends of user space: 4 levels, and a 32-bit task */
#define BD_BASE		0x7f0012345000UL
#define BD_BASE_32	0x56789000UL
#define TOP		((1UL << 47) - PAGE)
#define TOP_32		0xffffe000UL

struct geometry_case {
	const char *name;
	const struct mpx_geometry *geo;
	unsigned long bd_base;
	unsigned long bd_size;
	unsigned long bd_entries;
	unsigned long bd_entry;
	unsigned long bt_size;
	unsigned long bt_entry;
	unsigned long span;
	unsigned long limit;
	/* Bits of an address that are the indices */
	unsigned long bd_bits;
	unsigned long bt_bits;
};

static const struct geometry_case geometry_cases[] = {
	{
		.name = "64-bit",
		.geo = G64,
		.bd_base = BD_BASE,
		.bd_size = 2UL * SZ_1G,
		.bd_entries = 1UL << 28,
		.bd_entry = 8,
		.bt_size = SZ_4M,
		.bt_entry = 32,
		.span = SZ_1M,
		.limit = 1UL << 48,
		.bd_bits = 0x0000fffffff00000UL,
		.bt_bits = 0x00000000000ffff8UL,
	}, {
		.name = "32-bit",
		.geo = G32,
		.bd_base = BD_BASE_32,
		.bd_size = SZ_4M,
		.bd_entries = 1UL << 20,
		.bd_entry = 4,
		.bt_size = SZ_16K,
		.bt_entry = 16,
		.span = SZ_4K,
		.limit = 1UL << 32,
		.bd_bits = 0x00000000fffff000UL,
		.bt_bits = 0x0000000000000ffcUL,
	},
};

KUNIT_ARRAY_PARAM_DESC(geometry, geometry_cases, name);

static const struct geometry_case *sdm(const struct mpx_geometry *geo)
{
	return &geometry_cases[geo == G32];
}

static unsigned long sdm_index(const struct mpx_geometry *geo, unsigned long addr)
{
	return (addr & sdm(geo)->bd_bits) / sdm(geo)->span;
}

static unsigned long sdm_offset(const struct mpx_geometry *geo, unsigned long addr)
{
	return (addr & sdm(geo)->bt_bits) / sdm(geo)->bd_entry * sdm(geo)->bt_entry;
}

static unsigned long random_below(struct rnd_state *rnd, unsigned long limit)
{
	u64 high = prandom_u32_state(rnd);

	return (high << 32 | prandom_u32_state(rnd)) % limit;
}

static void mpx_sizes(struct kunit *test)
{
	const struct geometry_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mpx_bd_size(c->geo), c->bd_size);
	KUNIT_EXPECT_EQ(test, mpx_bd_entries(c->geo), c->bd_entries);
	KUNIT_EXPECT_EQ(test, mpx_bt_size(c->geo), c->bt_size);
	KUNIT_EXPECT_EQ(test, 1UL << mpx_bt_shift(c->geo), c->bt_size);
	KUNIT_EXPECT_EQ(test, mpx_span_size(c->geo), c->span);
	KUNIT_EXPECT_EQ(test, mpx_addr_limit(c->geo), c->limit);
	KUNIT_EXPECT_EQ(test, mpx_bd_entry_addr(c->geo, c->bd_base, 1),
			c->bd_base + c->bd_entry);
	KUNIT_EXPECT_EQ(test, mpx_bt_offset(c->geo, c->bd_entry), c->bt_entry);
}

struct addr_case {
	const char *name;
	const struct mpx_geometry *geo;
	unsigned long addr;
	unsigned long index;
	unsigned long offset;
};

static const struct addr_case addr_cases[] = {
	{ "64-bit, address 0", G64, 0, 0, 0 },
	{ "64-bit, last byte of the first pointer", G64, 7, 0, 0 },
	{ "64-bit, second pointer", G64, 8, 0, 0x20 },
	{ "64-bit, last byte of the first page", G64, 0xfff, 0, 0x3fe0 },
	{ "64-bit, second page", G64, 0x1000, 0, 0x4000 },
	{ "64-bit, last byte of the first span", G64, 0xfffff, 0, 0x3fffe0 },
	{ "64-bit, second span", G64, 0x100000, 1, 0 },
	{ "64-bit, last byte below 4 GiB", G64, 0xffffffff, 0xfff, 0x3fffe0 },
	{ "64-bit, first byte above 4 GiB", G64, 0x100000000, 0x1000, 0 },
	{ "64-bit, in the middle", G64, 0x123456789abc, 0x1234567, 0x226ae0 },
	{ "64-bit, last byte of user space", G64, 0x7fffffffefff, 0x7ffffff, 0x3fbfe0 },
	{ "64-bit, last byte of 47 bits", G64, 0x7fffffffffff, 0x7ffffff, 0x3fffe0 },
	{ "64-bit, bit 47", G64, 0x800000000000, 0x8000000, 0 },
	{ "64-bit, last byte of 48 bits", G64, 0xffffffffffff, 0xfffffff, 0x3fffe0 },
	{ "64-bit, bit 48 does not count", G64, 0x1000000000000, 0, 0 },
	{ "64-bit, bits 63:48 do not count", G64, 0xffab000000200010, 2, 0x40 },
	{ "32-bit, address 0", G32, 0, 0, 0 },
	{ "32-bit, last byte of the first pointer", G32, 3, 0, 0 },
	{ "32-bit, second pointer", G32, 4, 0, 0x10 },
	{ "32-bit, last byte of the first span", G32, 0xfff, 0, 0x3ff0 },
	{ "32-bit, second span", G32, 0x1000, 1, 0 },
	{ "32-bit, in the middle", G32, 0x08048123, 0x8048, 0x480 },
	{ "32-bit, last byte below 2 GiB", G32, 0x7fffffff, 0x7ffff, 0x3ff0 },
	{ "32-bit, bit 31", G32, 0x80000000, 0x80000, 0 },
	{ "32-bit, last byte of user space", G32, 0xffffdfff, 0xffffd, 0x3ff0 },
	{ "32-bit, last byte of 32 bits", G32, 0xffffffff, 0xfffff, 0x3ff0 },
	{ "32-bit, bit 32 does not count", G32, 0x100000000, 0, 0 },
	{ "32-bit, bits 63:32 do not count", G32, 0x7fab00001014, 1, 0x50 },
};

KUNIT_ARRAY_PARAM_DESC(addr, addr_cases, name);

static void mpx_address(struct kunit *test)
{
	const struct addr_case *c = test->param_value;
	unsigned long addr = c->addr & (mpx_addr_limit(c->geo) - 1);

	KUNIT_EXPECT_EQ(test, mpx_bd_index(c->geo, c->addr), c->index);
	KUNIT_EXPECT_EQ(test, sdm_index(c->geo, c->addr), c->index);
	KUNIT_EXPECT_EQ(test, mpx_bt_offset(c->geo, c->addr), c->offset);
	KUNIT_EXPECT_EQ(test, sdm_offset(c->geo, c->addr), c->offset);
	KUNIT_EXPECT_LE(test, mpx_span_start(c->geo, c->index), addr);
	KUNIT_EXPECT_GT(test, mpx_span_end(c->geo, c->index), addr);
}

/* From an index to its span and its entry, and back */
static void expect_inverse(struct kunit *test, const struct geometry_case *c,
			   unsigned long index)
{
	unsigned long start = mpx_span_start(c->geo, index);
	unsigned long end = mpx_span_end(c->geo, index);
	unsigned long found = ~0UL;
	unsigned long entry = mpx_bd_entry_addr(c->geo, c->bd_base, index);

	KUNIT_ASSERT_EQ_MSG(test, end - start, c->span, "index %lx", index);
	KUNIT_ASSERT_EQ_MSG(test, mpx_bd_index(c->geo, start), index, "first byte");
	KUNIT_ASSERT_EQ_MSG(test, mpx_bd_index(c->geo, end - 1), index, "last byte");
	KUNIT_ASSERT_TRUE(test, mpx_missing_entry(c->geo, c->bd_base, c->bd_base | 1,
						  entry | 2, &found));
	KUNIT_ASSERT_EQ(test, found, index);
}

/* All of the 32-bit ones, a million of the 64-bit ones */
static void mpx_inverse(struct kunit *test)
{
	const struct geometry_case *c = test->param_value;
	bool all = c->bd_entries <= SZ_1M;
	struct rnd_state rnd;
	unsigned long i;

	prandom_seed_state(&rnd, SEED);
	for (i = 0; i < SZ_1M; i++)
		expect_inverse(test, c, all ? i : random_below(&rnd, c->bd_entries));

	expect_inverse(test, c, 0);
	expect_inverse(test, c, c->bd_entries - 1);
	kunit_info(test, "%lu of %lu entries\n", i + (all ? 0 : 2), c->bd_entries);
}

/* Wherever a page is, the entries for it are 16 KiB, and they are aligned. */
static void mpx_page_has_16k(struct kunit *test)
{
	const struct geometry_case *c = test->param_value;
	struct mpx_unmap unmap;
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, SEED);
	for (i = 0; i < 100000; i++) {
		unsigned long page = rounddown(random_below(&rnd, c->limit), PAGE);
		unsigned long first = mpx_bt_offset(c->geo, page);
		unsigned long last = mpx_bt_offset(c->geo, page + PAGE - 1);
		struct mpx_bt_part part;

		KUNIT_ASSERT_EQ(test, first % SZ_16K, 0);
		KUNIT_ASSERT_EQ(test, last + c->bt_entry - first, SZ_16K);

		KUNIT_ASSERT_TRUE(test, mpx_unmap_init(&unmap, c->geo, page,
						       page + PAGE));
		KUNIT_ASSERT_EQ(test, unmap.first, unmap.last);
		part = mpx_unmap_part(&unmap, unmap.first, true);
		KUNIT_ASSERT_EQ(test, part.from, first);
		KUNIT_ASSERT_EQ(test, part.to - part.from, SZ_16K);
	}
}

struct fit_case {
	const char *name;
	const struct mpx_geometry *geo;
	unsigned long base;
	unsigned long limit;
	bool fits;
};

static const struct fit_case fit_cases[] = {
	{ "64-bit, address 0", G64, 0, TOP, true },
	{ "64-bit, up to the limit", G64, TOP - 2UL * SZ_1G, TOP, true },
	{ "64-bit, a page too far", G64, TOP - 2UL * SZ_1G + PAGE, TOP, false },
	{ "64-bit, at the limit", G64, TOP, TOP, false },
	{ "64-bit, kernel half", G64, 0xffff800000000000, TOP, false },
	{ "64-bit, end wraps", G64, 0xfffffffffffff000, TOP, false },
	{ "32-bit, address 0", G32, 0, TOP_32, true },
	{ "32-bit, up to the limit", G32, TOP_32 - SZ_4M, TOP_32, true },
	{ "32-bit, a page too far", G32, TOP_32 - SZ_4M + PAGE, TOP_32, false },
	{ "32-bit, at the limit", G32, TOP_32, TOP_32, false },
	{ "32-bit, above 4 GiB", G32, 0x100000000, TOP_32, false },
};

KUNIT_ARRAY_PARAM_DESC(fit, fit_cases, name);

static void mpx_directory_fits(struct kunit *test)
{
	const struct fit_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mpx_bd_fits(c->geo, c->base, c->limit), c->fits);
}

static struct kunit_case mpx_geometry_cases[] = {
	KUNIT_CASE_PARAM(mpx_sizes, geometry_gen_params),
	KUNIT_CASE_PARAM(mpx_address, addr_gen_params),
	KUNIT_CASE_PARAM(mpx_inverse, geometry_gen_params),
	KUNIT_CASE_PARAM(mpx_page_has_16k, geometry_gen_params),
	KUNIT_CASE_PARAM(mpx_directory_fits, fit_gen_params),
	{}
};

static struct kunit_suite mpx_geometry_suite = {
	.name = "mpx_geometry",
	.test_cases = mpx_geometry_cases,
};

/* BNDSTATUS of a #BR, and the directory entry that it names */
struct fault_case {
	const char *name;
	const struct mpx_geometry *geo;
	unsigned long bd_base;
	u64 bndcfgu;
	u64 bndstatus;
	bool missing;
	unsigned long index;
};

#define END		(BD_BASE + 2UL * SZ_1G)
#define END_32		(BD_BASE_32 + SZ_4M)
#define F64(name, cfg, status, ...) \
	{ "64-bit, " name, G64, BD_BASE, cfg, status, __VA_ARGS__ }
#define F32(name, cfg, status, ...) \
	{ "32-bit, " name, G32, BD_BASE_32, cfg, status, __VA_ARGS__ }

static const struct fault_case fault_cases[] = {
	F64("code 0, BOUND", BD_BASE | 1, BD_BASE | 0, false),
	F64("code 1, violation", BD_BASE | 1, BD_BASE | 1, false),
	F64("code 2, first entry", BD_BASE | 1, BD_BASE | 2, true, 0),
	F64("code 3, reserved", BD_BASE | 1, BD_BASE | 3, false),
	F64("no code", BD_BASE | 1, 0, false),
	F64("second entry", BD_BASE | 1, (BD_BASE + 8) | 2, true, 1),
	F64("entry in the middle", BD_BASE | 1, (BD_BASE + 0x1234568) | 2, true, 0x2468ad),
	F64("last entry", BD_BASE | 1, (END - 8) | 2, true, 0xfffffff),
	F64("just after the last", BD_BASE | 1, END | 2, false),
	F64("far above", BD_BASE | 1, (END + 0x100000000) | 2, false),
	F64("just below the first", BD_BASE | 1, (BD_BASE - 8) | 2, false),
	F64("address 0", BD_BASE | 1, 0 | 2, false),
	F64("last address", BD_BASE | 1, ~7ULL | 2, false),
	F64("not canonical", BD_BASE | 1, (1ULL << 63) | 2, false),
	F64("half an entry off", BD_BASE | 1, (BD_BASE + 12) | 2, false),
	F64("BNDPRESERVE and reserved bits", BD_BASE | 0xfff, (BD_BASE + 8) | 2, true, 1),
	F64("another directory", (BD_BASE + PAGE) | 1, (BD_BASE + 8) | 2, false),
	F64("no directory", 0, (BD_BASE + 8) | 2, false),
	F32("code 0, BOUND", BD_BASE_32 | 1, BD_BASE_32 | 0, false),
	F32("code 1, violation", BD_BASE_32 | 1, BD_BASE_32 | 1, false),
	F32("code 2, first entry", BD_BASE_32 | 1, BD_BASE_32 | 2, true, 0),
	F32("code 3, reserved", BD_BASE_32 | 1, BD_BASE_32 | 3, false),
	F32("second entry", BD_BASE_32 | 1, (BD_BASE_32 + 4) | 2, true, 1),
	F32("last entry", BD_BASE_32 | 1, (END_32 - 4) | 2, true, 0xfffff),
	F32("just after the last", BD_BASE_32 | 1, END_32 | 2, false),
	F32("far above", BD_BASE_32 | 1, (BD_BASE_32 + 0x100000000) | 2, false),
	F32("just below the first", BD_BASE_32 | 1, (BD_BASE_32 - 4) | 2, false),
	F32("address 0", BD_BASE_32 | 1, 0 | 2, false),
	F32("another directory", (BD_BASE_32 + PAGE) | 1, BD_BASE_32 | 2, false),
};

KUNIT_ARRAY_PARAM_DESC(fault, fault_cases, name);

static void mpx_fault_entry(struct kunit *test)
{
	const struct fault_case *c = test->param_value;
	unsigned long index = 42;

	KUNIT_EXPECT_EQ(test, mpx_missing_entry(c->geo, c->bd_base, c->bndcfgu,
						c->bndstatus, &index), c->missing);
	KUNIT_EXPECT_EQ(test, index, c->missing ? c->index : 42);
}

static struct kunit_case mpx_fault_cases[] = {
	KUNIT_CASE_PARAM(mpx_fault_entry, fault_gen_params),
	{}
};

static struct kunit_suite mpx_fault_suite = {
	.name = "mpx_fault",
	.test_cases = mpx_fault_cases,
};

/* One range, and the tables that hold entries for it; none if it is refused */
struct range_case {
	const char *name;
	const struct mpx_geometry *geo;
	unsigned long start;
	unsigned long end;
	unsigned long tables;
};

#define M(x)	(0x7f1200000000UL + (x) * 0x100000UL)
#define K(x)	(0x56780000UL + (x) * 0x1000UL)
#define R64(name, ...)	{ "64-bit, " name, G64, __VA_ARGS__ }
#define R32(name, ...)	{ "32-bit, " name, G32, __VA_ARGS__ }

static const struct range_case range_cases[] = {
	R64("one byte", M(0), M(0) + 1, 1),
	R64("last byte of a pointer", M(0) + 15, M(0) + 16, 1),
	R64("last byte of a table", M(1) - 1, M(1), 1),
	R64("two bytes, two tables", M(1) - 1, M(1) + 1, 2),
	R64("one page in the middle", M(0) + 7 * PAGE, M(0) + 8 * PAGE, 1),
	R64("first page", M(0), M(0) + PAGE, 1),
	R64("last page", M(1) - PAGE, M(1), 1),
	R64("all but the first page", M(0) + PAGE, M(1), 1),
	R64("all but the last page", M(0), M(1) - PAGE, 1),
	R64("one table exactly", M(0), M(1), 1),
	R64("as much as a table, not aligned", M(0) + PAGE, M(1) + PAGE, 2),
	R64("a table less a page, over a boundary", M(0) + 2 * PAGE, M(1) + PAGE, 2),
	R64("two pages, two tables", M(1) - PAGE, M(1) + PAGE, 2),
	R64("two tables exactly", M(0), M(2), 2),
	R64("two tables, both shared", M(0) + PAGE, M(2) - PAGE, 2),
	R64("two tables, first shared", M(0) + 255 * PAGE, M(2), 2),
	R64("two tables, last shared", M(0), M(1) + PAGE, 2),
	R64("three tables exactly", M(0), M(3), 3),
	R64("three tables, edges shared", M(1) - PAGE, M(2) + PAGE, 3),
	R64("2^20 tables exactly", M(0), M(0x100000), 0x100000),
	R64("2^20 tables, edges shared", M(0) + 100 * PAGE,
	    M(0xfffff) + 3 * PAGE, 0x100000),
	R64("start of the address space", 0, PAGE, 1),
	R64("end of user space", TOP - PAGE, TOP, 1),
	R64("all of user space", 0, TOP, 0x8000000),
	R64("end of the directory's reach", (1UL << 48) - PAGE, 1UL << 48, 1),
	R64("past the directory's reach", (1UL << 48) - PAGE, (1UL << 48) + PAGE, 1),
	R64("up to the last address", 0, ~0UL, 0x10000000),
	R64("empty", M(0), M(0), 0),
	R64("empty, at 0", 0, 0, 0),
	R64("end before start", M(1), M(0), 0),
	R64("wrapped to 0", M(0), 0, 0),
	R64("wrapped past 0", ~0UL - PAGE + 1, PAGE, 0),
	R64("beyond the directory's reach", 1UL << 48, (1UL << 48) + PAGE, 0),
	R32("one byte", K(0), K(0) + 1, 1),
	R32("last byte of a pointer", K(0) + 7, K(0) + 8, 1),
	R32("two bytes, two tables", K(1) - 1, K(1) + 1, 2),
	R32("one page, one table exactly", K(0), K(1), 1),
	R32("a table less 256 bytes", K(0) + 256, K(1), 1),
	R32("as much as a table, not aligned", K(0) + 256, K(1) + 256, 2),
	R32("two tables exactly", K(0), K(2), 2),
	R32("two tables, both shared", K(0) + 256, K(2) - 256, 2),
	R32("three tables exactly", K(0), K(3), 3),
	R32("three tables, edges shared", K(1) - 4, K(2) + 4, 3),
	R32("2^20 tables, all there are", 0, 1UL << 32, 0x100000),
	R32("start of the address space", 0, PAGE, 1),
	R32("end of user space", TOP_32 - PAGE, TOP_32, 1),
	R32("past 4 GiB", (1UL << 32) - PAGE, (1UL << 32) + PAGE, 1),
	R32("empty", K(0), K(0), 0),
	R32("end before start", K(1), K(0), 0),
	R32("beyond 4 GiB", 1UL << 32, (1UL << 32) + PAGE, 0),
};

KUNIT_ARRAY_PARAM_DESC(range, range_cases, name);

static void mpx_range_tables(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	bool covers;
	struct mpx_unmap unmap;

	covers = mpx_unmap_init(&unmap, c->geo, c->start, c->end);
	KUNIT_ASSERT_EQ(test, covers, c->tables > 0);
	if (!covers)
		return;

	KUNIT_EXPECT_PTR_EQ(test, unmap.geo, c->geo);
	KUNIT_EXPECT_EQ(test, unmap.start, c->start);
	KUNIT_EXPECT_EQ(test, unmap.end, min(c->end, sdm(c->geo)->limit));
	KUNIT_EXPECT_EQ(test, unmap.first, sdm_index(c->geo, c->start));
	KUNIT_EXPECT_EQ(test, unmap.last - unmap.first + 1, c->tables);
}

/*
 * The part of a shared table has the entry of each pointer that has a byte in
 * the range, and of no other pointer.
 */
static void expect_part(struct kunit *test, const struct range_case *c,
			const struct mpx_unmap *unmap, unsigned long index)
{
	struct mpx_bt_part part = mpx_unmap_part(unmap, index, true);
	unsigned long size = sdm(c->geo)->bd_entry;
	unsigned long span = index * sdm(c->geo)->span;
	unsigned long addr;

	KUNIT_ASSERT_LT(test, part.from, part.to);
	KUNIT_ASSERT_LE(test, part.to, sdm(c->geo)->bt_size);

	for (addr = span; addr < span + sdm(c->geo)->span; addr += size) {
		bool gone = addr + size > c->start && addr < c->end;
		unsigned long entry = sdm_offset(c->geo, addr);

		KUNIT_ASSERT_EQ_MSG(test, gone,
				    entry >= part.from && entry < part.to,
				    "first byte of the entry for %lx", addr);
		entry += sdm(c->geo)->bt_entry - 1;
		KUNIT_ASSERT_EQ_MSG(test, gone,
				    entry >= part.from && entry < part.to,
				    "last byte of the entry for %lx", addr);
	}
}

static void mpx_range_parts(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	struct mpx_unmap unmap;

	if (!mpx_unmap_init(&unmap, c->geo, c->start, c->end))
		return;

	expect_part(test, c, &unmap, unmap.first);
	expect_part(test, c, &unmap, (unmap.first + unmap.last) / 2);
	expect_part(test, c, &unmap, unmap.last);
}

/*
 * Edge sharing: ranges with neighbours. A span is 16 units here.
 */
#define UNITS	16

struct edge_case {
	const char *name;
	int start;
	int end;
};

static const struct edge_case edge_cases[] = {
	{ "a unit in the middle", 7, 8 },
	{ "first unit", 0, 1 },
	{ "last unit", 15, 16 },
	{ "all but the first unit", 1, 16 },
	{ "all but the last unit", 0, 15 },
	{ "one table exactly", 0, 16 },
	{ "a unit on either side of a boundary", 15, 17 },
	{ "as much as a table, not aligned", 6, 22 },
	{ "two tables exactly", 0, 32 },
	{ "two tables, both shared", 1, 31 },
	{ "two tables, first shared", 8, 32 },
	{ "two tables, last shared", 0, 17 },
	{ "three tables exactly", 0, 48 },
	{ "three tables, edges shared", 15, 33 },
};

KUNIT_ARRAY_PARAM_DESC(edge, edge_cases, name);

static const char * const neighbour_names[] = {
	"none", "far", "in the same span", "touching", "touching and long",
	"a table", "a table, and data behind it",
};

struct mapping {
	int start;
	int end;
	bool is_table;
};

/*
 * What is mapped on one side of a range: @map gets up to two mappings, as if
 * on the right of it. @room is how many units of the span are left there.
 * Returns how many mappings, or -1 if there is not enough room.
 */
static int neighbours(int kind, int room, struct mapping *map)
{
	switch (kind) {
	case 0:
		return 0;
	case 1:
		map[0] = (struct mapping) { room + UNITS, room + 2 * UNITS };
		return 1;
	case 2:
		map[0] = (struct mapping) { room - 1, room };
		return room > 1 ? 1 : -1;
	case 3:
		map[0] = (struct mapping) { 0, 1 };
		return 1;
	case 4:
		map[0] = (struct mapping) { 0, 3 * UNITS };
		return 1;
	case 5:
		map[0] = (struct mapping) { 0, 4 * UNITS, true };
		return 1;
	default:
		map[0] = (struct mapping) { 0, room - 1, true };
		map[1] = (struct mapping) { room - 1, room };
		return room > 1 ? 2 : -1;
	}
}

static bool is_data(const struct mapping *map, int nr, int unit)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (unit >= map[i].start && unit < map[i].end)
			return !map[i].is_table;
	}

	return false;
}

static void expect_edges(struct kunit *test, const struct mpx_geometry *geo,
			 const struct edge_case *c, const struct mapping *map,
			 int nr, const char *what)
{
	unsigned long unit = sdm(geo)->span / UNITS;
	/* Far from 0, so that there is room on the left */
	unsigned long base = sdm(geo)->span * 0x50000;
	struct mpx_unmap unmap;
	unsigned long index;

	KUNIT_ASSERT_TRUE(test, mpx_unmap_init(&unmap, geo, base + c->start * unit,
					       base + c->end * unit));

	for (index = unmap.first; index <= unmap.last; index++) {
		int first = (int)(index - 0x50000) * UNITS, i, u;
		bool kept = false, shared = false;
		struct mpx_bt_part part;

		for (i = 0; i < nr; i++)
			kept |= mpx_unmap_keeps(&unmap, index,
						base + map[i].start * unit,
						base + map[i].end * unit,
						map[i].is_table);

		for (u = first; u < first + UNITS; u++)
			shared |= is_data(map, nr, u);

		KUNIT_ASSERT_EQ_MSG(test, kept, shared, "%s, table %lx", what, index);

		part = mpx_unmap_part(&unmap, index, kept);
		KUNIT_ASSERT_LT_MSG(test, part.from, part.to, "%s", what);
		KUNIT_ASSERT_LE_MSG(test, part.to, sdm(geo)->bt_size, "%s", what);
		KUNIT_ASSERT_EQ_MSG(test, part.from % (4 * unit), 0, "%s", what);
		KUNIT_ASSERT_EQ_MSG(test, part.to % (4 * unit), 0, "%s", what);

		/* Of a table that goes, all goes. The others keep the rest. */
		for (u = 0; u < UNITS; u++) {
			bool gone = first + u >= c->start && first + u < c->end;
			bool zapped = part.from <= 4 * unit * u &&
				      part.to >= 4 * unit * (u + 1);
			bool left = part.from >= 4 * unit * (u + 1) ||
				    part.to <= 4 * unit * u;

			KUNIT_ASSERT_EQ_MSG(test, zapped, gone || !shared,
					    "%s, table %lx, unit %d", what, index, u);
			KUNIT_ASSERT_EQ_MSG(test, left, !zapped,
					    "%s, table %lx, unit %d", what, index, u);
		}
	}
}

static void mpx_edge_sharing(struct kunit *test)
{
	const struct edge_case *c = test->param_value;
	int left, right, g, i, nr, more, combinations = 0;
	struct mapping map[4];
	char what[96];

	/* 64 KiB of a 1 MiB span are whole pages, also of the table. */
	KUNIT_ASSERT_EQ(test, sdm(G64)->span / UNITS % PAGE, 0);

	for (left = 0; left < ARRAY_SIZE(neighbour_names); left++) {
		for (right = 0; right < ARRAY_SIZE(neighbour_names); right++) {
			nr = neighbours(left, c->start % UNITS, map);
			more = neighbours(right, (UNITS - c->end % UNITS) % UNITS,
					  map + max(nr, 0));
			if (nr < 0 || more < 0)
				continue;

			for (i = 0; i < nr; i++)
				map[i] = (struct mapping) {
					c->start - map[i].end,
					c->start - map[i].start,
					map[i].is_table,
				};
			for (i = nr; i < nr + more; i++) {
				map[i].start += c->end;
				map[i].end += c->end;
			}

			for (g = 0; g < ARRAY_SIZE(geometry_cases); g++) {
				snprintf(what, sizeof(what),
					 "%s, left: %s, right: %s",
					 geometry_cases[g].name,
					 neighbour_names[left],
					 neighbour_names[right]);
				expect_edges(test, geometry_cases[g].geo, c, map,
					     nr + more, what);
			}
			combinations++;
		}
	}

	kunit_info(test, "%d combinations of neighbours\n", combinations);
}

/*
 * A world that is small enough to try everything: a few tables of a few
 * entries, and each pointer's cell of memory is unmapped, mapped as data, mapped
 * as a table, or in the range that is being unmapped.
 */
enum cell {
	NOTHING,
	DATA,
	TABLE,
	GOING,
};

#define MAX_CELLS	16

struct world {
	const char *name;
	struct mpx_geometry geo;	/* addr_bits, span_shift, ptr_shift */
	int first;			/* Cells below it are never mapped, */
	int end;			/* and from here on */
};

static const struct world worlds[] = {
	{ "8 tables of 1 entry", { 6, 3, 3 }, 0, 8 },
	{ "4 tables of 2 entries", { 6, 4, 3 }, 0, 8 },
	{ "2 tables of 4 entries", { 6, 5, 3 }, 0, 8 },
	{ "1 table of 8 entries", { 5, 5, 2 }, 0, 8 },
	{ "11 cells in 4 tables of 4 entries", { 7, 5, 3 }, 5, 16 },
	{ "10 cells in 8 tables of 2 entries", { 7, 4, 3 }, 0, 10 },
};

KUNIT_ARRAY_PARAM_DESC(world, worlds, name);

/*
 * What the code under test says: which entries it drops, and which tables go.
 * It sees mappings as it would in the kernel, one for each run of equal cells.
 * With @mapped, the range is among them, as with MAP_FIXED, and it need not even
 * be split from its neighbours.
 */
static void do_unmap(const struct world *w, const enum cell *cell, int start,
		     int end, bool mapped, bool *dropped, bool *gone)
{
	int cells = BIT(w->geo.addr_bits - w->geo.ptr_shift);
	int per_table = BIT(w->geo.span_shift - w->geo.ptr_shift);
	int shift = w->geo.ptr_shift;
	enum cell seen[MAX_CELLS + 1];
	struct mpx_unmap unmap;
	unsigned long index;
	int i, from, to;

	memset(dropped, 0, MAX_CELLS * sizeof(*dropped));
	memset(gone, 0, MAX_CELLS * sizeof(*gone));

	for (i = 0; i < cells; i++)
		seen[i] = cell[i] != GOING ? cell[i] : mapped ? DATA : NOTHING;
	seen[cells] = GOING;

	if (!mpx_unmap_init(&unmap, &w->geo, (unsigned long)start << shift,
			    (unsigned long)end << shift))
		return;

	for (index = unmap.first; index <= unmap.last; index++) {
		struct mpx_bt_part part;
		bool kept = false;

		for (from = 0; from < cells; from = to) {
			for (to = from + 1; seen[to] == seen[from]; to++)
				;
			if (seen[from] != NOTHING)
				kept |= mpx_unmap_keeps(&unmap, index,
							(unsigned long)from << shift,
							(unsigned long)to << shift,
							seen[from] == TABLE);
		}

		gone[index] = !kept;
		part = mpx_unmap_part(&unmap, index, kept);
		for (i = 0; i < per_table; i++) {
			unsigned long entry = (unsigned long)i << (shift + 2);

			dropped[index * per_table + i] =
				entry >= part.from &&
				entry + (4UL << shift) <= part.to;
		}
	}
}

/* What must be so, entry by entry. Returns what is wrong, or NULL. */
static const char *judge(const struct world *w, const enum cell *cell,
			 const bool *dropped, const bool *gone)
{
	int cells = BIT(w->geo.addr_bits - w->geo.ptr_shift);
	int per_table = BIT(w->geo.span_shift - w->geo.ptr_shift);
	int table, i;

	for (table = 0; table < cells / per_table; table++) {
		const enum cell *span = cell + table * per_table;
		bool going = false, data = false;

		for (i = 0; i < per_table; i++) {
			going |= span[i] == GOING;
			data |= span[i] == DATA;
		}

		if (gone[table] && data)
			return "a table goes that a neighbour uses";
		if (gone[table] && !going)
			return "a table goes that the range has no part of";
		if (going && !data && !gone[table])
			return "a table stays that nothing uses";

		for (i = 0; i < per_table; i++) {
			bool drop = dropped[table * per_table + i];

			if (span[i] == DATA && drop)
				return "a neighbour lost an entry";
			if (span[i] == GOING && !drop)
				return "an entry of the range stayed";
			if (span[i] != GOING && drop != gone[table])
				return "a table that stays lost more than the range";
		}
	}

	return NULL;
}

/* All that the cells outside of [@start, @end) may be */
static unsigned long try_neighbours(struct kunit *test, const struct world *w,
				    int start, int end)
{
	enum cell cell[MAX_CELLS] = { };
	bool dropped[MAX_CELLS], gone[MAX_CELLS];
	unsigned long cases = 0;
	const char *wrong;
	int i, mapped;

	for (i = start; i < end; i++)
		cell[i] = GOING;

	do {
		for (mapped = 0; mapped < 2; mapped++) {
			do_unmap(w, cell, start, end, mapped, dropped, gone);
			wrong = judge(w, cell, dropped, gone);
			if (wrong)
				KUNIT_FAIL_AND_ABORT(test,
						     "%s: unmapping [%d, %d) of %*ph",
						     wrong, start, end, MAX_CELLS,
						     (u8 []) { cell[0], cell[1], cell[2],
							cell[3], cell[4], cell[5],
							cell[6], cell[7], cell[8],
							cell[9], cell[10], cell[11],
							cell[12], cell[13], cell[14],
							cell[15] });
			cases++;
		}

		/* The next one: count, with a digit for each cell outside. */
		for (i = w->first; i < w->end; i++) {
			if (cell[i] == GOING)
				continue;
			if (cell[i]++ < TABLE)
				break;
			cell[i] = NOTHING;
		}
	} while (i < w->end);

	return cases;
}

static void mpx_oracle(struct kunit *test)
{
	const struct world *w = test->param_value;
	unsigned long cases = 0;
	int start, end;

	KUNIT_ASSERT_LE(test, 1 << (w->geo.addr_bits - w->geo.ptr_shift), MAX_CELLS);

	for (start = w->first; start < w->end; start++) {
		for (end = start + 1; end <= w->end; end++)
			cases += try_neighbours(test, w, start, end);
	}

	kunit_info(test, "%lu cases, all there are with %d cells\n", cases,
		   w->end - w->first);
}

/*
 * Tables are memory, too, and some of it may be unmapped. Those slots of an arena
 * are found that lose a byte, as seen byte by byte.
 */
static void try_arena(struct kunit *test, const struct mpx_geometry *geo,
		      unsigned long addr, unsigned int nr_slots,
		      unsigned long start, unsigned long end)
{
	unsigned int wanted_first = UINT_MAX, wanted_last = UINT_MAX;
	unsigned int first = UINT_MAX, last = UINT_MAX;
	unsigned long size = mpx_bt_size(geo);
	unsigned long byte;

	for (byte = start; byte < end; byte++) {
		if (byte < addr || byte >= addr + nr_slots * size)
			continue;
		wanted_last = (byte - addr) / size;
		if (wanted_first == UINT_MAX)
			wanted_first = wanted_last;
	}

	KUNIT_ASSERT_EQ_MSG(test, wanted_first != UINT_MAX,
			    mpx_arena_part(geo, addr, nr_slots, start, end,
					   &first, &last),
			    "%u slots at %lu, [%lu, %lu)", nr_slots, addr, start, end);
	KUNIT_ASSERT_EQ(test, first, wanted_first);
	KUNIT_ASSERT_EQ(test, last, wanted_last);
}

/* All ranges, at all arenas of up to three slots, in a small space */
static void mpx_own_memory(struct kunit *test)
{
	static const struct mpx_geometry geo = { 6, 2, 1 };
	unsigned long size = mpx_bt_size(&geo), space = 4 * size;
	unsigned long addr, start, end, cases = 0;
	unsigned int nr_slots, first, last;

	for (nr_slots = 1; nr_slots <= 3; nr_slots++) {
		for (addr = 0; addr + nr_slots * size <= space; addr++) {
			for (start = 0; start < space; start++) {
				for (end = start; end <= space; end++, cases++)
					try_arena(test, &geo, addr, nr_slots, start, end);
			}
		}
	}

	/* Where numbers are large */
	KUNIT_EXPECT_TRUE(test, mpx_arena_part(&mpx_geometry_64, BIT(46), 64, 0,
					       ULONG_MAX, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 0);
	KUNIT_EXPECT_EQ(test, last, 63);
	kunit_info(test, "%lu cases of an arena that loses memory\n", cases);
}

static struct kunit_case mpx_unmap_cases[] = {
	KUNIT_CASE_PARAM(mpx_range_tables, range_gen_params),
	KUNIT_CASE_PARAM(mpx_range_parts, range_gen_params),
	KUNIT_CASE_PARAM(mpx_edge_sharing, edge_gen_params),
	KUNIT_CASE_PARAM(mpx_oracle, world_gen_params),
	KUNIT_CASE(mpx_own_memory),
	{}
};

static struct kunit_suite mpx_unmap_suite = {
	.name = "mpx_unmap",
	.test_cases = mpx_unmap_cases,
};

kunit_test_suites(&mpx_geometry_suite, &mpx_fault_suite, &mpx_unmap_suite);

MODULE_DESCRIPTION("Tests of the arithmetic on MPX bounds directories and tables");
MODULE_LICENSE("GPL");
