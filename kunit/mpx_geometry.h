/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_MPX_GEOMETRY_H
#define _ASM_X86_MPX_GEOMETRY_H

/*
 * Where the bounds of a pointer are kept, and what becomes of them when the
 * memory with the pointer is unmapped.
 *
 * SDM vol. 1, chapter "Intel MPX", "Bounds Directory and Bounds Tables": the
 * linear address at which the pointer lies in memory (not the pointer's value)
 * selects the entry. In 64-bit mode:
 *
 *	  63      48 47               20 19         3 2    0
 *	 +----------+-------------------+------------+------+
 *	 | not used |  directory index  | table index|  -   |
 *	 +----------+-------------------+------------+------+
 *
 * and in 32-bit and compatibility mode:
 *
 *	            31                12 11         2 1    0
 *	            +-------------------+------------+------+
 *	            |  directory index  | table index|  -   |
 *	            +-------------------+------------+------+
 *
 * The directory has one entry of the size of a pointer for each span of 1 MiB,
 * or 4 KiB, of address space. A valid entry holds the address of a bounds table,
 * and the table has one entry of four times the size of a pointer for each
 * pointer that may lie in the span.
 *
 * The widths are those of the architecture, not of the CPU at hand: a CPU with
 * 5-level paging still looks at 48 bits.
 *
 * This file is arithmetic on numbers. There is no mm, no VMA and no lock in it,
 * so that all of it can be tested anywhere, see arch/x86/mm/mpx_kunit.c.
 */

#include <linux/bits.h>
#include <linux/compiler_attributes.h>
#include <linux/minmax.h>
#include <linux/types.h>

/**
 * struct mpx_geometry - The shape of directory and tables
 * @addr_bits: How many bits of an address count
 * @span_shift: Log2 of the bytes of address space that a table is for, which
 *	are called its span here
 * @ptr_shift: Log2 of the size of a pointer, and of a directory entry
 */
struct mpx_geometry {
	unsigned int addr_bits;
	unsigned int span_shift;
	unsigned int ptr_shift;
};

static const struct mpx_geometry mpx_geometry_64 __maybe_unused = {
	.addr_bits	= 48,
	.span_shift	= 20,
	.ptr_shift	= 3,
};

static const struct mpx_geometry mpx_geometry_32 __maybe_unused = {
	.addr_bits	= 32,
	.span_shift	= 12,
	.ptr_shift	= 2,
};

/* Bit 0 of a directory entry; the bits above the low 2 or 3 are an address. */
#define MPX_BD_ENTRY_VALID	1UL

/* For each byte of a span there are four bytes of table. */
#define MPX_BT_SCALE_SHIFT	2

/*
 * BNDCFGU and BNDSTATUS, SDM vol. 1, chapter "Intel MPX", "Configuration
 * Registers". Bits 1:0 of BNDSTATUS are the cause of the last #BR. For an
 * invalid directory entry, the other bits are its address.
 */
#define BNDCFGU_ENABLE			BIT_ULL(0)
#define BNDCFGU_BASE_MASK		GENMASK_ULL(63, 12)
#define BNDSTATUS_CAUSE			GENMASK_ULL(1, 0)
#define BNDSTATUS_CAUSE_BOUND		0	/* no MPX, a BOUND instruction */
#define BNDSTATUS_CAUSE_VIOLATION	1
#define BNDSTATUS_CAUSE_BD_ENTRY	2
#define BNDSTATUS_CAUSE_RESERVED	3

/**
 * struct mpx_bt_part - A part of a bounds table
 * @from: Offset of its first byte in the table
 * @to: Offset of the byte after its last one, at most mpx_bt_size()
 */
struct mpx_bt_part {
	unsigned long from;
	unsigned long to;
};

/**
 * struct mpx_unmap - A range of addresses that is being unmapped
 * @geo: The geometry of the tables
 * @start: First address of the range
 * @end: The address after the range, as far as the directory reaches
 * @first: Index of the first directory entry that is for a part of the range
 * @last: Index of the last one
 */
struct mpx_unmap {
	const struct mpx_geometry *geo;
	unsigned long start;
	unsigned long end;
	unsigned long first;
	unsigned long last;
};

/**
 * mpx_addr_limit() - The address after the last one that a directory is for
 * @geo: The geometry
 *
 * Return: 2^48 or 2^32
 */
static inline unsigned long mpx_addr_limit(const struct mpx_geometry *geo)
{
	return BIT(geo->addr_bits);
}

/**
 * mpx_span_size() - How many bytes of address space a table is for
 * @geo: The geometry
 *
 * Return: 1 MiB or 4 KiB
 */
static inline unsigned long mpx_span_size(const struct mpx_geometry *geo)
{
	return BIT(geo->span_shift);
}

/**
 * mpx_bt_shift() - Log2 of the size of a bounds table in bytes
 * @geo: The geometry
 *
 * Return: 22 or 14
 */
static inline unsigned int mpx_bt_shift(const struct mpx_geometry *geo)
{
	return geo->span_shift + MPX_BT_SCALE_SHIFT;
}

/**
 * mpx_bt_size() - Size of a bounds table in bytes
 * @geo: The geometry
 *
 * Return: 4 MiB or 16 KiB
 */
static inline unsigned long mpx_bt_size(const struct mpx_geometry *geo)
{
	return BIT(mpx_bt_shift(geo));
}

/**
 * mpx_bd_entries() - Number of entries in a directory
 * @geo: The geometry
 *
 * Return: 2^28 or 2^20
 */
static inline unsigned long mpx_bd_entries(const struct mpx_geometry *geo)
{
	return BIT(geo->addr_bits - geo->span_shift);
}

/**
 * mpx_bd_size() - Size of a directory in bytes
 * @geo: The geometry
 *
 * Return: 2 GiB or 4 MiB
 */
static inline unsigned long mpx_bd_size(const struct mpx_geometry *geo)
{
	return mpx_bd_entries(geo) << geo->ptr_shift;
}

/**
 * mpx_bd_index() - Index of the directory entry for an address
 * @geo: The geometry
 * @addr: Linear address of a pointer in memory
 *
 * Return: 0 to mpx_bd_entries() - 1
 */
static inline unsigned long mpx_bd_index(const struct mpx_geometry *geo,
					 unsigned long addr)
{
	return (addr >> geo->span_shift) & (mpx_bd_entries(geo) - 1);
}

/**
 * mpx_span_start() - First address that a directory entry is for
 * @geo: The geometry
 * @index: Index of the entry
 *
 * Return: A multiple of mpx_span_size()
 */
static inline unsigned long mpx_span_start(const struct mpx_geometry *geo,
					   unsigned long index)
{
	return index << geo->span_shift;
}

/**
 * mpx_span_end() - The address after the last one that a directory entry is for
 * @geo: The geometry
 * @index: Index of the entry
 *
 * Return: A multiple of mpx_span_size(), at most mpx_addr_limit()
 */
static inline unsigned long mpx_span_end(const struct mpx_geometry *geo,
					 unsigned long index)
{
	return mpx_span_start(geo, index + 1);
}

/**
 * mpx_bd_entry_addr() - Where a directory entry is
 * @geo: The geometry
 * @bd_base: Address of the directory
 * @index: Index of the entry
 *
 * Return: The address of the entry
 */
static inline unsigned long mpx_bd_entry_addr(const struct mpx_geometry *geo,
					      unsigned long bd_base,
					      unsigned long index)
{
	return bd_base + (index << geo->ptr_shift);
}

/**
 * mpx_bd_fits() - Does a directory lie below a limit?
 * @geo: The geometry
 * @bd_base: Address of the directory
 * @limit: First address that is not allowed, at least mpx_bd_size()
 *
 * Return: Whether all of the directory is below @limit
 */
static inline bool mpx_bd_fits(const struct mpx_geometry *geo,
			       unsigned long bd_base, unsigned long limit)
{
	return bd_base <= limit - mpx_bd_size(geo);
}

/**
 * mpx_missing_entry() - Which entry of a directory was found invalid?
 * @geo: The geometry
 * @bd_base: Address of the directory that is managed
 * @bndcfgu: BNDCFGU of the task that took a #BR
 * @bndstatus: Its BNDSTATUS
 * @index: Where the index of the entry goes
 *
 * Both registers may hold anything that the task has put there.
 *
 * Return: Whether the #BR was for an entry of this directory. If not, @index is
 * left alone.
 */
static inline bool mpx_missing_entry(const struct mpx_geometry *geo,
				     unsigned long bd_base, u64 bndcfgu,
				     u64 bndstatus, unsigned long *index)
{
	unsigned long offset = (bndstatus & ~BNDSTATUS_CAUSE) - bd_base;

	if ((bndstatus & BNDSTATUS_CAUSE) != BNDSTATUS_CAUSE_BD_ENTRY)
		return false;

	if ((bndcfgu & BNDCFGU_BASE_MASK) != bd_base)
		return false;

	/* Below the directory, the offset has wrapped and is far too large. */
	if (offset >= mpx_bd_size(geo) || offset & (BIT(geo->ptr_shift) - 1))
		return false;

	*index = offset >> geo->ptr_shift;
	return true;
}

/**
 * mpx_bt_offset() - Where in its table the entry for an address is
 * @geo: The geometry
 * @addr: Linear address of any byte of a pointer in memory
 *
 * Return: The offset of the first byte of the entry
 */
static inline unsigned long mpx_bt_offset(const struct mpx_geometry *geo,
					  unsigned long addr)
{
	unsigned long ptr = (addr & (mpx_span_size(geo) - 1)) >> geo->ptr_shift;

	return ptr << (geo->ptr_shift + MPX_BT_SCALE_SHIFT);
}

/**
 * mpx_arena_part() - Which slots of an arena have memory in a range?
 * @geo: The geometry
 * @addr: Address of the arena, where tables lie side by side
 * @nr_slots: How many tables it has room for, at least 1
 * @start: First address of the range
 * @end: The address after the range
 * @first: Where the number of the first such slot goes, from 0 up
 * @last: Where the number of the last one goes
 *
 * Return: Whether there are any. If not, @first and @last are left alone.
 */
static inline bool mpx_arena_part(const struct mpx_geometry *geo,
				  unsigned long addr, unsigned int nr_slots,
				  unsigned long start, unsigned long end,
				  unsigned int *first, unsigned int *last)
{
	start = max(start, addr);
	end = min(end, addr + nr_slots * mpx_bt_size(geo));
	if (start >= end)
		return false;

	*first = (start - addr) >> mpx_bt_shift(geo);
	*last = (end - 1 - addr) >> mpx_bt_shift(geo);
	return true;
}

/**
 * mpx_bt_used_by() - Does a mapping keep a table in use?
 * @geo: The geometry
 * @index: Index of the table's directory entry
 * @start: First address of the mapping
 * @end: The address after the mapping; if it is not above @start, there is none
 * @is_table: Whether the mapping is one of a bounds table. Pointers are not
 *	kept there, so it does not count.
 *
 * Return: Whether the table has entries for pointers in the mapping
 */
static inline bool mpx_bt_used_by(const struct mpx_geometry *geo,
				  unsigned long index, unsigned long start,
				  unsigned long end, bool is_table)
{
	start = max(start, mpx_span_start(geo, index));
	end = min(end, mpx_span_end(geo, index));

	return start < end && !is_table;
}

/**
 * mpx_unmap_init() - Find out which tables have entries for a range
 * @unmap: Where the answer goes
 * @geo: The geometry
 * @start: First address of the range
 * @end: The address after the range
 *
 * What lies beyond the reach of the directory has no entries.
 *
 * Return: Whether there are any. If not, @unmap is not valid. An empty range has
 * none, and neither has one that wraps.
 */
static inline bool mpx_unmap_init(struct mpx_unmap *unmap,
				  const struct mpx_geometry *geo,
				  unsigned long start, unsigned long end)
{
	end = min(end, mpx_addr_limit(geo));
	if (start >= end)
		return false;

	unmap->geo = geo;
	unmap->start = start;
	unmap->end = end;
	unmap->first = mpx_bd_index(geo, start);
	unmap->last = mpx_bd_index(geo, end - 1);
	return true;
}

/**
 * mpx_unmap_keeps() - Does a mapping keep a table that a range has entries in?
 * @unmap: The range
 * @index: Index of the table, from @unmap->first to @unmap->last
 * @start: First address of the mapping
 * @end: The address after the mapping
 * @is_table: Whether the mapping is one of a bounds table
 *
 * This is edge sharing: only the tables at the edges of a range can be shared
 * with its neighbours. What is or was mapped in the range itself does not
 * count.
 *
 * Return: Whether the table is still used, for a part of the mapping that lies
 * outside of the range
 */
static inline bool mpx_unmap_keeps(const struct mpx_unmap *unmap,
				   unsigned long index, unsigned long start,
				   unsigned long end, bool is_table)
{
	return mpx_bt_used_by(unmap->geo, index, start, min(end, unmap->start),
			      is_table) ||
	       mpx_bt_used_by(unmap->geo, index, max(start, unmap->end), end,
			      is_table);
}

/**
 * mpx_unmap_part() - Which part of a table goes with a range?
 * @unmap: The range
 * @index: Index of the table, from @unmap->first to @unmap->last
 * @kept: Whether any mapping keeps the table, see mpx_unmap_keeps()
 *
 * Of a table that is kept, that is the entries of the pointers which have a byte
 * in the range. What is left on either side is for the neighbours. One page of
 * addresses has four pages of table, so for a range of whole pages it is whole
 * pages. If nothing keeps the table then all of it goes.
 *
 * Return: The part, which is not empty
 */
static inline struct mpx_bt_part mpx_unmap_part(const struct mpx_unmap *unmap,
						unsigned long index, bool kept)
{
	const struct mpx_geometry *geo = unmap->geo;
	struct mpx_bt_part part = { .from = 0, .to = mpx_bt_size(geo) };

	if (kept && index == unmap->first)
		part.from = mpx_bt_offset(geo, unmap->start);

	if (kept && index == unmap->last)
		part.to = mpx_bt_offset(geo, unmap->end - 1) +
			  (BIT(geo->ptr_shift) << MPX_BT_SCALE_SHIFT);

	return part;
}

#endif /* _ASM_X86_MPX_GEOMETRY_H */
