/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_MPX_H
#define _ASM_X86_MPX_H

#include <linux/errno.h>
#include <linux/mm_types.h>
#include <linux/pgtable.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/types.h>

#include <asm/fpu/types.h>

struct pt_regs;

/**
 * struct mpx_violation - A bounds check that failed
 * @addr: The address that was checked
 * @lower: Lower bound
 * @upper: Upper bound, inclusive
 */
struct mpx_violation {
	void __user *addr;
	void __user *lower;
	void __user *upper;
};

int mpx_decode_check(unsigned char *bytes, int len, struct pt_regs *regs,
		     const struct mpx_bndreg_state *bnd,
		     struct mpx_violation *violation);

#ifdef CONFIG_X86_INTEL_MPX

int __mpx_dup_mmap(struct mm_struct *oldmm, struct mm_struct *mm);
void mpx_exit_mmap(struct mm_struct *mm);
void mpx_read_bndcsr(struct mpx_bndcsr *csr);
int mpx_decode_violation(struct pt_regs *regs, struct mpx_violation *violation);
int mpx_make_table(struct pt_regs *regs, const struct mpx_bndcsr *csr);
void __mpx_munmap(struct mm_struct *mm, unsigned long start, unsigned long end);
void __mpx_discard(struct mm_struct *mm, unsigned long start, unsigned long end);
bool __mpx_out_of_reach(unsigned long addr, unsigned long len);

/**
 * mpx_has_state() - Has anybody tried to have an mm's bounds tables managed?
 * @mm: The mm
 *
 * Context: Any. Without mmap_lock, the first time may be just now.
 */
static inline bool mpx_has_state(const struct mm_struct *mm)
{
	return unlikely(READ_ONCE(mm->context.mpx));
}

/**
 * mpx_dup_mmap() - Give a child its own copy of the management
 * @oldmm: The parent's mm, with mmap_lock held for write
 * @mm: The child's mm, with mmap_lock held for write and the mappings copied
 *
 * Costs a load and a branch if @oldmm has no state.
 *
 * Return: 0, or -ENOMEM
 */
static inline int mpx_dup_mmap(struct mm_struct *oldmm, struct mm_struct *mm)
{
	if (mpx_has_state(oldmm))
		return __mpx_dup_mmap(oldmm, mm);

	return 0;
}

/**
 * mpx_init_context() - Nothing is managed in a new mm
 * @mm: The mm, of which nobody knows yet
 */
static inline void mpx_init_context(struct mm_struct *mm)
{
	mm->context.mpx = NULL;
}

/**
 * mpx_init_thread() - The work that a new task's parent has queued is not its own
 * @thread: Of the task, which does not run yet
 */
static inline void mpx_init_thread(struct thread_struct *thread)
{
	thread->mpx_work.func = NULL;
}

/**
 * mpx_munmap() - Part with the bounds of a range that is being unmapped
 * @mm: The current mm, with mmap_lock held: for write, or downgraded from that
 * @start: First address of the range, page aligned
 * @end: The address after the range, page aligned
 *
 * Costs a load and a branch if @mm has no state.
 */
static inline void mpx_munmap(struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	if (mpx_has_state(mm))
		__mpx_munmap(mm, start, end);
}

/**
 * mpx_discard() - Part with the bounds of memory that stays mapped, but empty
 * @mm: The mm, with mmap_lock held, for read at least
 * @start: First address of a range of anonymous memory, page aligned. Its pages
 *	are about to go, or may go from now on, or mmap_lock is held for write and
 *	they have gone.
 * @end: The address after the range, page aligned
 *
 * Costs a load and a branch if @mm has no state.
 */
static inline void mpx_discard(struct mm_struct *mm, unsigned long start,
			       unsigned long end)
{
	if (mpx_has_state(mm))
		__mpx_discard(mm, start, end);
}

/**
 * mpx_out_of_reach() - Would the current mm's directory not cover a mapping?
 * @addr: Address of a new mapping, or a hint
 * @len: Its length in bytes
 *
 * Costs nothing without 5-level paging. mmap_lock is held for write.
 *
 * Return: Whether tables are managed for 64-bit mode, and the mapping would have
 * addresses above DEFAULT_MAP_WINDOW
 */
static inline bool mpx_out_of_reach(unsigned long addr, unsigned long len)
{
	return pgtable_l5_enabled() && mpx_has_state(current->mm) &&
	       __mpx_out_of_reach(addr, len);
}

#else /* CONFIG_X86_INTEL_MPX */

static inline bool mpx_has_state(const struct mm_struct *mm)
{
	return false;
}

static inline void mpx_init_context(struct mm_struct *mm) { }
static inline void mpx_exit_mmap(struct mm_struct *mm) { }
static inline void mpx_init_thread(struct thread_struct *thread) { }

static inline int mpx_dup_mmap(struct mm_struct *oldmm, struct mm_struct *mm)
{
	return 0;
}

static inline int mpx_decode_violation(struct pt_regs *regs,
				       struct mpx_violation *violation)
{
	return -EINVAL;
}

static inline void mpx_read_bndcsr(struct mpx_bndcsr *csr)
{
	*csr = (struct mpx_bndcsr) { };
}

static inline int mpx_make_table(struct pt_regs *regs,
				 const struct mpx_bndcsr *csr)
{
	return -EINVAL;
}

static inline void mpx_munmap(struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
}

static inline void mpx_discard(struct mm_struct *mm, unsigned long start,
			       unsigned long end)
{
}

static inline bool mpx_out_of_reach(unsigned long addr, unsigned long len)
{
	return false;
}

#endif /* CONFIG_X86_INTEL_MPX */

#endif /* _ASM_X86_MPX_H */
