/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_MPX_GEOMETRY_H
#define _ASM_X86_MPX_GEOMETRY_H

/*
 * Where the bounds of a pointer are kept, in 64-bit mode.
 *
 * SDM vol. 1, chapter "Intel MPX", "Bounds Directory and Bounds Tables": the
 * linear address at which the pointer lies in memory (not the pointer's value)
 * selects the entry.
 *
 *	  63      48 47               20 19         3 2    0
 *	 +----------+-------------------+------------+------+
 *	 | not used |  directory index  | table index|  -   |
 *	 +----------+-------------------+------------+------+
 *
 * The directory has one 8-byte entry for each MiB of address space. A valid
 * entry holds the address of a bounds table, and the table has one 32-byte
 * entry for each 8 bytes of that MiB, called its span here.
 *
 * The widths are those of the architecture, not of the CPU at hand: a CPU with
 * 5-level paging still looks at 48 bits.
 *
 * This file is arithmetic on numbers. It depends on nothing of the kernel so
 * that it can be tested anywhere, see arch/x86/mm/mpx_kunit.c.
 */

#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define MPX_SPAN_SHIFT		20
#define MPX_SPAN_SIZE		BIT(MPX_SPAN_SHIFT)

#define MPX_BD_ENTRIES		BIT(48 - MPX_SPAN_SHIFT)
#define MPX_BD_ENTRY_SHIFT	3
#define MPX_BD_SIZE		(MPX_BD_ENTRIES << MPX_BD_ENTRY_SHIFT)

/* Bit 0 of a directory entry; bits 63:3 are the address of the table */
#define MPX_BD_ENTRY_VALID	1UL

/* 32 bytes of table for 8 bytes of span */
#define MPX_BT_SCALE_SHIFT	2
#define MPX_BT_SHIFT		(MPX_SPAN_SHIFT + MPX_BT_SCALE_SHIFT)
#define MPX_BT_SIZE		BIT(MPX_BT_SHIFT)

/**
 * struct mpx_bt_part - A part of a bounds table
 * @from:	Offset of its first byte in the table
 * @to:		Offset of the byte after its last one, at most MPX_BT_SIZE
 */
struct mpx_bt_part {
	unsigned long from;
	unsigned long to;
};

/**
 * mpx_bd_index() - Index of the directory entry for an address
 * @addr: Linear address of a pointer in memory
 *
 * Return: 0 to MPX_BD_ENTRIES - 1
 */
static inline unsigned long mpx_bd_index(unsigned long addr)
{
	return (addr >> MPX_SPAN_SHIFT) & (MPX_BD_ENTRIES - 1);
}

/**
 * mpx_span_start() - First address that a directory entry is for
 * @index: Index of the entry
 *
 * Return: A multiple of MPX_SPAN_SIZE
 */
static inline unsigned long mpx_span_start(unsigned long index)
{
	return index << MPX_SPAN_SHIFT;
}

/**
 * mpx_bd_entry_addr() - Where a directory entry is
 * @bd_base: Address of the directory
 * @index: Index of the entry
 *
 * Return: The address of the entry
 */
static inline unsigned long mpx_bd_entry_addr(unsigned long bd_base,
					      unsigned long index)
{
	return bd_base + (index << MPX_BD_ENTRY_SHIFT);
}

/**
 * mpx_bd_entry_index() - Index of the directory entry at an address
 * @bd_base: Address of the directory
 * @entry_addr: What may be the address of one of its entries
 * @index: Where the index goes
 *
 * Return: Whether there is an entry of the directory at @entry_addr. If not,
 * @index is left alone.
 */
static inline bool mpx_bd_entry_index(unsigned long bd_base,
				      unsigned long entry_addr,
				      unsigned long *index)
{
	unsigned long offset = entry_addr - bd_base;

	/* Below the directory, the offset has wrapped and is far too large. */
	if (offset >= MPX_BD_SIZE || offset % (1UL << MPX_BD_ENTRY_SHIFT))
		return false;

	*index = offset >> MPX_BD_ENTRY_SHIFT;
	return true;
}

/**
 * mpx_bd_fits() - Does a directory lie below a limit?
 * @bd_base: Address of the directory
 * @limit: First address that is not allowed, at least MPX_BD_SIZE
 *
 * Return: Whether all of the directory is below @limit
 */
static inline bool mpx_bd_fits(unsigned long bd_base, unsigned long limit)
{
	return bd_base <= limit - MPX_BD_SIZE;
}

/**
 * mpx_bt_part() - The part of a table that is for a range of addresses
 * @index: Index of the table's directory entry
 * @start: First address of the range, a multiple of 8
 * @end: The address after the range, a multiple of 8
 *
 * The range may begin before the table's span and end after it, but has to
 * overlap with it. What is left of the table on either side of the part is for
 * the neighbours of the range: all of their entries, and nothing else.
 *
 * One page of addresses has four pages of table, so for a range of whole pages
 * the part is one of whole pages.
 *
 * Return: The part, which is not empty
 */
static inline struct mpx_bt_part mpx_bt_part(unsigned long index,
					     unsigned long start,
					     unsigned long end)
{
	unsigned long span = mpx_span_start(index);

	return (struct mpx_bt_part) {
		.from = (max(start, span) - span) << MPX_BT_SCALE_SHIFT,
		.to = (min(end, span + MPX_SPAN_SIZE) - span) << MPX_BT_SCALE_SHIFT,
	};
}

#endif /* _ASM_X86_MPX_GEOMETRY_H */
