// SPDX-License-Identifier: GPL-2.0
/*
 * Bounds tables for Intel MPX, managed by the kernel.
 *
 * The hardware finds the bounds of a pointer in memory through two levels: the
 * bounds directory, which the process has mapped, and the bounds tables, which
 * the kernel maps for it on demand and takes away again.
 * Documentation/arch/x86/mpx.rst has what a process may expect.
 *
 * The directory is memory of the process, and whatever it holds may be wrong on
 * purpose. So the kernel keeps an index of the tables that it made, and all
 * that it ever does with a directory entry is a compare-and-exchange between 0
 * and the address of the table that the index has for it. No address is taken
 * out of the directory.
 *
 * Locks, the outermost first:
 *
 *   bd_lock	Of the managed mm. Held to enable or disable the management, to
 *		make a table and to remove one: whoever changes a directory
 *		entry on behalf of the kernel holds it. The entry is in user
 *		memory and touching it may fault, sleep and take mmap_lock;
 *		that is why it is the outer one of the two.
 *
 *   mmap_lock	The index has a table if and only if the table is mapped.
 *		That can only be true of an index that changes together with the
 *		mappings: by someone who holds mmap_lock for write, or who did
 *		when the mapping went and has since downgraded it. Never held
 *		while user memory is accessed.
 *
 *   page table locks and the xa_lock of the index
 *
 * A mutex is enough for bd_lock. Two threads that miss two tables at the same
 * time could make them under a lock held for read, but they would meet again at
 * mmap_lock, which both need for write.
 */

#include <linux/cpufeature.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>
#include <linux/xarray.h>

#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/insn.h>
#include <asm/insn-eval.h>
#include <asm/mpx.h>
#include <asm/mpx_geometry.h>
#include <asm/ptrace.h>
#include <asm/tlbflush.h>

#define CREATE_TRACE_POINTS
#include <asm/trace/mpx.h>

/**
 * struct mpx_mm - What the kernel knows of a process's bounds tables
 * @bd_lock: See above
 * @managed: Whether the kernel makes and frees tables. Changes with @bd_lock
 *	and mmap_lock held for write, so either is enough to read it.
 * @geo: The geometry of the directory and its tables: that of the mode in which
 *	the management was enabled
 * @bd_base: Address of the directory. Like @geo, it is valid while @managed, and
 *	protected in the same way.
 * @tables: From the index of a directory entry to the page number of the table
 * @owners: From the slot of a table, see mpx_bt_slot(), to the index of its
 *	directory entry
 *
 * Exists from the first time that the management is enabled until the mm goes.
 */
struct mpx_mm {
	struct mutex	bd_lock;	/* Outside of mmap_lock */
	bool		managed;
	const struct mpx_geometry *geo;
	unsigned long	bd_base;
	struct xarray	tables;
	struct xarray	owners;
};

/* Mark in mpx_mm::tables: there was no data left, the table may still be unused */
#define MPX_UNMAPPED	XA_MARK_0

static struct mpx_mm *mpx_mm_alloc(void)
{
	struct mpx_mm *mpx = kzalloc(sizeof(*mpx), GFP_KERNEL_ACCOUNT);

	if (mpx) {
		mutex_init(&mpx->bd_lock);
		mpx->geo = &mpx_geometry_64;
		xa_init_flags(&mpx->tables, XA_FLAGS_ACCOUNT);
		xa_init_flags(&mpx->owners, XA_FLAGS_ACCOUNT);
	}

	return mpx;
}

/* Forget all tables. They stay mapped, as memory of the process's own. */
static void mpx_index_clear(struct mpx_mm *mpx)
{
	xa_destroy(&mpx->tables);
	xa_destroy(&mpx->owners);
}

static void mpx_mm_free(struct mpx_mm *mpx)
{
	if (mpx) {
		mpx_index_clear(mpx);
		kfree(mpx);
	}
}

/* Is the management for 64-bit mode? Otherwise for 32-bit code, of any kind. */
static bool mpx_is_64bit(struct mpx_mm *mpx)
{
	return mpx->geo == &mpx_geometry_64;
}

static unsigned long mpx_entry_to_addr(void *entry)
{
	return xa_to_value(entry) << PAGE_SHIFT;
}

static void mpx_index_remove(struct mpx_mm *mpx, unsigned long index,
			     unsigned long addr)
{
	xa_erase(&mpx->tables, index);
	xa_erase(&mpx->owners, mpx_bt_slot(mpx->geo, addr));
}

static int mpx_index_add(struct mpx_mm *mpx, unsigned long index,
			 unsigned long addr)
{
	void *entry = xa_mk_value(addr >> PAGE_SHIFT);
	int ret;

	ret = xa_insert(&mpx->tables, index, entry, GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret;

	ret = xa_insert(&mpx->owners, mpx_bt_slot(mpx->geo, addr),
			xa_mk_value(index), GFP_KERNEL_ACCOUNT);
	if (ret)
		xa_erase(&mpx->tables, index);

	return ret;
}

/**
 * mpx_destroy_context() - Free what the kernel knows of an mm's tables
 * @mm: An mm that nobody uses any more
 */
void mpx_destroy_context(struct mm_struct *mm)
{
	mpx_mm_free(mm->context.mpx);
}

/*
 * Is anything but tables mapped in the span of a directory entry, outside of a
 * range? For MAP_FIXED, the mappings that it is about to replace are still there.
 */
static bool mpx_span_has_data(struct mm_struct *mm,
			      const struct mpx_unmap *unmap, unsigned long index)
{
	VMA_ITERATOR(vmi, mm, mpx_span_start(unmap->geo, index));
	struct vm_area_struct *vma;

	mmap_assert_locked(mm);

	for_each_vma_range(vmi, vma, mpx_span_end(unmap->geo, index)) {
		if (mpx_unmap_keeps(unmap, index, vma->vm_start, vma->vm_end,
				    vma->vm_flags & VM_MPX))
			return true;
	}

	return false;
}

static bool mpx_supported(void)
{
	return cpu_feature_enabled(X86_FEATURE_MPX) &&
	       cpu_has_xfeatures(XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR,
				 NULL);
}

/**
 * mpx_read_bndcsr() - Read BNDCFGU and BNDSTATUS of the current task
 * @csr: Where they go; all zeros if there is no MPX
 *
 * Context: Process context
 */
void mpx_read_bndcsr(struct mpx_bndcsr *csr)
{
	if (mpx_supported())
		fpu_read_xfeature(XFEATURE_BNDCSR, csr, sizeof(*csr));
	else
		*csr = (struct mpx_bndcsr) { };
}

/**
 * mpx_decode_violation() - Find out which check failed, and how
 * @regs: Registers of a task in user mode that took #BR for a violation
 * @violation: Where the answer goes
 *
 * The hardware tells no more than where the instruction is, so decode it. In
 * the meantime another thread may have rewritten it. To report a violation that
 * never was would be worse than to report none, so what has been decoded must
 * be a check that fails with the registers at hand.
 *
 * Context: Process context, no locks held. Reads user memory.
 * Return: 0; -EFAULT if the instruction cannot be read; -EINVAL if it is not a
 * check that fails
 */
int mpx_decode_violation(struct pt_regs *regs, struct mpx_violation *violation)
{
	unsigned char buf[MAX_INSN_SIZE];
	struct mpx_bndreg_state bnd;
	int nr_copied;
	int ret;

	nr_copied = insn_fetch_from_user(regs, buf);
	if (nr_copied <= 0)
		return -EFAULT;

	fpu_read_xfeature(XFEATURE_BNDREGS, &bnd, sizeof(bnd));

	ret = mpx_decode_check(buf, nr_copied, regs, &bnd, violation);
	if (!ret)
		trace_mpx_violation((unsigned long)violation->addr,
				    (unsigned long)violation->lower,
				    (unsigned long)violation->upper);

	return ret;
}

/**
 * mpx_cmpxchg_entry() - Compare and exchange a directory entry
 * @mm: The current mm
 * @mpx: Its state, with bd_lock held
 * @index: Index of the entry
 * @old: The value to expect; gets the value that was found
 * @new: The value to write if @old was found
 *
 * The one place where the kernel touches the directory. This may fault and
 * sleep like any access to user memory: mmap_lock is not held.
 *
 * An entry in memory that is registered with userfaultfd counts as one that
 * cannot be accessed. The thread that would resolve the fault may well be
 * waiting for bd_lock itself, and munmap() must not depend on it. Where the
 * registration races with this it delays other threads of the process. So may a
 * directory in a file whose file system takes its time. All who wait for
 * bd_lock can be killed.
 *
 * Return: 0 if the entry could be accessed, whether it had the value @old or
 * not; -EFAULT otherwise
 */
static int mpx_cmpxchg_entry(struct mm_struct *mm, struct mpx_mm *mpx,
			     unsigned long index, u64 *old, u64 new)
{
	unsigned long addr = mpx_bd_entry_addr(mpx->geo, mpx->bd_base, index);
	struct vm_area_struct *vma;
	bool accessible;
	int ret;

	lockdep_assert_held(&mpx->bd_lock);
	lockdep_assert_not_held(&mm->mmap_lock);

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	accessible = vma && !userfaultfd_armed(vma);
	mmap_read_unlock(mm);

	if (!accessible)
		return -EFAULT;

	if (mpx_is_64bit(mpx)) {
		ret = __try_cmpxchg_user((u64 __user *)addr, old, new, efault_64);
	} else {
		u32 old_32 = *old;

		ret = __try_cmpxchg_user((u32 __user *)addr, &old_32, (u32)new,
					 efault_32);
		*old = old_32;
	}

	/* That it found another value is for the caller to see in @old. */
	return ret < 0 ? ret : 0;
}

/* Is nothing mapped in the span of a directory entry, or only tables? */
static bool mpx_span_is_unused(struct mm_struct *mm, struct mpx_mm *mpx,
			       unsigned long index)
{
	const struct mpx_unmap nothing = { .geo = mpx->geo };

	return !mpx_span_has_data(mm, &nothing, index);
}

/* The end of the address space in which directory and tables have to be */
static unsigned long mpx_space_end(const struct mpx_geometry *geo)
{
	return geo == &mpx_geometry_64 ? DEFAULT_MAP_WINDOW : task_size_32bit();
}

/*
 * Find a place for a table. get_unmapped_area() is for system calls: it asks
 * in_32bit_syscall(), and in an exception there is no answer to that.
 */
static unsigned long mpx_find_area(struct mm_struct *mm, struct mpx_mm *mpx)
{
	struct vm_unmapped_area_info info = { .length = mpx_bt_size(mpx->geo) };
	unsigned long base = mm->mmap_base, legacy_base = mm->mmap_legacy_base;
	unsigned long addr = -ENOMEM;
	int err;

#ifdef CONFIG_HAVE_ARCH_COMPAT_MMAP_BASES
	if (!mpx_is_64bit(mpx)) {
		base = mm->mmap_compat_base;
		legacy_base = mm->mmap_compat_legacy_base;
	}
#endif

	if (test_bit(MMF_TOPDOWN, &mm->flags)) {
		info.flags = VM_UNMAPPED_AREA_TOPDOWN;
		info.low_limit = PAGE_SIZE;
		info.high_limit = base;
		addr = vm_unmapped_area(&info);
	}

	if (IS_ERR_VALUE(addr)) {
		info.flags = 0;
		info.low_limit = legacy_base;
		info.high_limit = mpx_space_end(mpx->geo);
		addr = vm_unmapped_area(&info);
	}

	if (IS_ERR_VALUE(addr))
		return addr;

	err = security_mmap_addr(addr);
	return err ? err : addr;
}

/*
 * Map a new table and put it into the index. Called with mmap_lock held for
 * write, which makes the two one step for everybody else.
 *
 * do_mmap() would do too much. A table is not data: mlockall(MCL_FUTURE) must
 * not fill it, nor count it. VM_DONTEXPAND keeps it that way for MCL_CURRENT
 * and makes it a mapping of its own, so that to remove it never has to split
 * one. A huge page for one pointer's bounds would be a waste.
 */
static unsigned long mpx_map_table(struct mm_struct *mm, struct mpx_mm *mpx,
				   unsigned long index)
{
	vm_flags_t vm_flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE |
			      VM_DONTEXPAND | VM_NOHUGEPAGE | VM_MPX;
	unsigned long addr, ret;
	int err;

	/* Most of a table is never touched. Strict overcommit counts it all. */
	if (sysctl_overcommit_memory != OVERCOMMIT_NEVER)
		vm_flags |= VM_NORESERVE;

	if (mm->map_count >= sysctl_max_map_count)
		return -ENOMEM;

	addr = mpx_find_area(mm, mpx);
	if (IS_ERR_VALUE(addr))
		return addr;

	/* First what may fail and is easy to take back. */
	err = mpx_index_add(mpx, index, addr);
	if (err)
		return err;

	ret = mmap_region(NULL, addr, mpx_bt_size(mpx->geo), vm_flags,
			  addr >> PAGE_SHIFT, NULL);
	if (IS_ERR_VALUE(ret)) {
		mpx_index_remove(mpx, index, addr);
		return ret;
	}

	/* Bounds for memory that is not there: no munmap() of it will come. */
	if (mpx_span_is_unused(mm, mpx, index))
		xa_set_mark(&mpx->tables, index, MPX_UNMAPPED);

	return addr;
}

/*
 * Unmap the table of a directory entry if it still is @addr. Called with
 * mmap_lock held for write. The index follows, as for any munmap(). If that
 * fails, the table remains mapped and in the index, ready to be used again.
 */
static int mpx_unmap_table(struct mm_struct *mm, struct mpx_mm *mpx,
			   unsigned long index, unsigned long addr)
{
	void *entry = xa_load(&mpx->tables, index);

	if (!entry || mpx_entry_to_addr(entry) != addr)
		return -ENOENT;

	return do_munmap(mm, addr, mpx_bt_size(mpx->geo), NULL);
}

/* See mpx_make_table(). Called with bd_lock held. */
static int mpx_fill_entry(struct mm_struct *mm, struct mpx_mm *mpx,
			  unsigned long index)
{
	unsigned long addr;
	bool made = false;
	void *entry;
	u64 old = 0;
	int ret;

	/*
	 * Exchange 0 for 0: this reads the entry, and finds out whether it can
	 * be written before there is anything to undo.
	 */
	ret = mpx_cmpxchg_entry(mm, mpx, index, &old, 0);
	if (ret)
		return ret;

	/* Another thread was faster, or the process has set it. Go and see. */
	if (old & MPX_BD_ENTRY_VALID)
		return 0;

	if (old)
		return -EINVAL;

	if (mmap_write_lock_killable(mm))
		return -EINTR;

	entry = xa_load(&mpx->tables, index);
	if (entry) {
		addr = mpx_entry_to_addr(entry);
	} else {
		addr = mpx_map_table(mm, mpx, index);
		made = true;
	}
	mmap_write_unlock(mm);

	if (IS_ERR_VALUE(addr))
		return addr;

	ret = mpx_cmpxchg_entry(mm, mpx, index, &old, addr | MPX_BD_ENTRY_VALID);
	if (!ret && !old) {
		trace_mpx_table_made(index, addr);
		return 0;
	}

	/*
	 * The process has changed its directory under our hands. A table that
	 * no entry leads to must not stay.
	 */
	if (made) {
		mmap_write_lock(mm);
		mpx_unmap_table(mm, mpx, index, addr);
		mmap_write_unlock(mm);
	}

	return ret;
}

/**
 * mpx_make_table() - Make the bounds table that the current task has missed
 * @regs: Registers of the task in user mode, at the instruction that took the
 *	#BR
 * @csr: Its BNDCFGU and BNDSTATUS; the latter has the cause "invalid bounds
 *	directory entry" and the address of the entry
 *
 * If the index has a table for the entry then the table is used. That is so
 * if mpx_free_table() cleared the entry and could neither free the table nor put
 * the entry back: here it comes back, with all bounds in the table as they were.
 * And it is so in a child that was forked when an entry had been cleared or had
 * not been written yet.
 *
 * Context: Process context, no locks held. Takes bd_lock and mmap_lock and
 * accesses user memory.
 * Return: 0 if the instruction is to be restarted. -EINVAL if the entry is not
 * one of the managed directory, or is neither valid nor 0; -EFAULT if it cannot
 * be written; -ENOMEM and other errors of mmap(); -EINTR if the task is being
 * killed. Nothing has been made in these cases.
 */
int mpx_make_table(struct pt_regs *regs, const struct mpx_bndcsr *csr)
{
	struct mm_struct *mm = current->mm;
	struct mpx_mm *mpx = READ_ONCE(mm->context.mpx);
	unsigned long index;
	int ret = -EINVAL;

	if (!mpx)
		return -EINVAL;

	if (mutex_lock_killable(&mpx->bd_lock))
		return -EINTR;

	/* In the other mode, the task uses other entries. */
	if (mpx->managed && mpx_is_64bit(mpx) == user_64bit_mode(regs) &&
	    mpx_missing_entry(mpx->geo, mpx->bd_base, csr->bndcfgu,
			      csr->bndstatus, &index))
		ret = mpx_fill_entry(mm, mpx, index);
	mutex_unlock(&mpx->bd_lock);

	return ret;
}

/* Forget the tables that a range of their own memory has been unmapped of. */
static void mpx_forget_tables(struct mpx_mm *mpx, unsigned long start,
			      unsigned long end)
{
	unsigned long slot;
	void *entry;

	xa_for_each_range(&mpx->owners, slot, entry,
			  mpx_bt_first_slot(mpx->geo, start),
			  mpx_bt_slot(mpx->geo, end - 1)) {
		unsigned long index = xa_to_value(entry);
		unsigned long addr = mpx_entry_to_addr(xa_load(&mpx->tables, index));

		if (mpx_bt_overlaps(mpx->geo, addr, start, end))
			mpx_index_remove(mpx, index, addr);
	}
}

/* Free the pages of a part of a table. The process may have split its VMA. */
static void mpx_zap(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		unsigned long from = max(start, vma->vm_start);
		unsigned long to = min(end, vma->vm_end);

		/* The index has only what is mapped, and mapped as a table. */
		VM_WARN_ON_ONCE(!(vma->vm_flags & VM_MPX));
		trace_mpx_zap(from, to);
		zap_page_range_single(vma, from, to - from, NULL);
	}
}

/*
 * Find a marked table that is unused. It keeps its mark, because a child that is
 * forked before the table is gone has to find it, too.
 *
 * A table that is in use again loses the mark. munmap() may be setting marks at
 * this moment, with mmap_lock downgraded, but not this one: it sees the same
 * mappings.
 */
static bool mpx_find_unused(struct mm_struct *mm, struct mpx_mm *mpx,
			    unsigned long *index, unsigned long *addr)
{
	bool found = false;
	void *entry;

	mmap_read_lock(mm);
	xa_for_each_marked(&mpx->tables, *index, entry, MPX_UNMAPPED) {
		found = mpx_span_is_unused(mm, mpx, *index);
		trace_mpx_search(*index, found);
		if (found) {
			*addr = mpx_entry_to_addr(entry);
			break;
		}
		xa_clear_mark(&mpx->tables, *index, MPX_UNMAPPED);
	}
	mmap_read_unlock(mm);

	return found;
}

/*
 * Remove a table whose span had no data mapped a moment ago. bd_lock is held.
 *
 * What another thread sees, step by step:
 *
 * 1. The entry is cleared. From now on BNDSTX and BNDLDX for the span take a
 *    #BR and wait in mpx_make_table() for bd_lock.
 *
 * 2. CPUs that run user code of this mm are interrupted. An instruction that had
 *    read the entry before it was cleared has ended by then, or has taken a page
 *    fault and will start again from the directory. So no store that is on its
 *    way to this table is left when the address can become another table. That
 *    the zap of the table's pages has flushed the TLB, too, is not enough: there
 *    is no zap for a table that has not been touched yet. CPUs that are spared,
 *    with a lazy TLB or as virtual ones that do not run, are not within an
 *    instruction.
 *
 * 3. With mmap_lock held for write, the span is looked at again. If it is still
 *    unused, the table goes.
 *
 * 4. If somebody has mapped data there, the table stays with all that is in it,
 *    and its entry is put back. Who waits in (1) finds it valid. If it cannot be
 *    written any more, mpx_make_table() tries again when the table is needed.
 *    The same goes for a table that cannot be unmapped.
 *
 * An entry that cannot be written in the first place keeps its table. It is
 * empty, and if there is data again it serves again. An entry that is not ours
 * was changed by the process. The hardware does not find our table through it,
 * so the table goes.
 *
 * Returns 0 when the table is done with: it is gone or has lost its mark. -EINTR
 * if the task is being killed: then the mark is left for others.
 */
static int mpx_free_table(struct mm_struct *mm, struct mpx_mm *mpx,
			  unsigned long index, unsigned long addr)
{
	u64 valid = addr | MPX_BD_ENTRY_VALID;
	u64 old = valid;
	bool stays;

	if (mpx_cmpxchg_entry(mm, mpx, index, &old, 0)) {
		/* Then this may be no more than a fault that was given up. */
		if (fatal_signal_pending(current))
			return -EINTR;
		xa_clear_mark(&mpx->tables, index, MPX_UNMAPPED);
		return 0;
	}

	flush_tlb_mm_range(mm, addr, addr + PAGE_SIZE, PAGE_SHIFT, false);

	if (mmap_write_lock_killable(mm))
		return -EINTR;

	if (mpx_span_is_unused(mm, mpx, index) &&
	    !mpx_unmap_table(mm, mpx, index, addr))
		trace_mpx_table_freed(index, addr);
	stays = xa_load(&mpx->tables, index);
	xa_clear_mark(&mpx->tables, index, MPX_UNMAPPED);
	mmap_write_unlock(mm);

	if (stays && old == valid) {
		old = 0;
		mpx_cmpxchg_entry(mm, mpx, index, &old, valid);
	}

	return 0;
}

/*
 * The second half of munmap(): free the tables that are unused now. Runs when
 * mmap_lock has been dropped and before the task returns to user mode.
 *
 * The work belongs to the task and finds the mm that the task has now. If it
 * is not the mm of the first half then the task has exited or called exec().
 * The marks in the old mm stay, and whoever still uses that sees to them after
 * its next munmap(). The same goes for the marks that a child has inherited,
 * and for those that a task leaves which is being killed.
 */
static void mpx_free_tables(struct callback_head *work)
{
	struct mm_struct *mm = current->mm;
	struct mpx_mm *mpx = mm ? mm->context.mpx : NULL;
	unsigned long index, addr;

	if (mpx && !mutex_lock_killable(&mpx->bd_lock)) {
		/*
		 * Each round takes a mark away, or ends it. When the management
		 * is disabled, the index is empty.
		 */
		while (mpx_find_unused(mm, mpx, &index, &addr)) {
			if (mpx_free_table(mm, mpx, index, addr))
				break;
		}
		mutex_unlock(&mpx->bd_lock);
	}

	/*
	 * Not earlier: to unmap a table may have set marks, too, but there is
	 * nothing to be freed because of it. Tables have no tables.
	 */
	work->func = NULL;
}

static void mpx_queue_free_tables(void)
{
	struct callback_head *work = &current->thread.mpx_work;

	/* A kernel thread that uses this mm does not return to user mode. */
	if (work->func || (current->flags & PF_KTHREAD))
		return;

	init_task_work(work, mpx_free_tables);
	/* Fails for a task that exits. Then the marks stay, see above. */
	if (task_work_add(current, work, TWA_RESUME))
		work->func = NULL;
}

/*
 * Edge sharing: does a neighbour of the range keep a table? Only the tables at
 * the edges of the range can have one.
 */
static bool mpx_table_is_kept(struct mm_struct *mm,
			      const struct mpx_unmap *unmap, unsigned long index)
{
	return (index == unmap->first || index == unmap->last) &&
	       mpx_span_has_data(mm, unmap, index);
}

/*
 * Free the pages with a range's entries, of all tables that have any. A table may
 * be left without data if the range is @unmapped, not if it only is emptied.
 */
static void mpx_drop_bounds(struct mm_struct *mm, struct mpx_mm *mpx,
			    unsigned long start, unsigned long end,
			    bool unmapped)
{
	struct mpx_unmap unmap;
	unsigned long index;
	void *entry;

	mmap_assert_locked(mm);

	if (!mpx_unmap_init(&unmap, mpx->geo, start, end))
		return;

	xa_for_each_range(&mpx->tables, index, entry, unmap.first, unmap.last) {
		bool kept = !unmapped || mpx_table_is_kept(mm, &unmap, index);
		struct mpx_bt_part part = mpx_unmap_part(&unmap, index, kept);
		unsigned long addr = mpx_entry_to_addr(entry);

		mpx_zap(mm, addr + part.from, addr + part.to);
		if (!kept)
			xa_set_mark(&mpx->tables, index, MPX_UNMAPPED);
	}
}

/*
 * mpx_munmap() for an mm that has state.
 *
 * mmap_lock was held for write when the range was unmapped and has not been
 * dropped since. So this runs for one thread at a time, no table can be made or
 * unmapped in the meantime, and nobody can map anything in the range.
 *
 * A thread that executes BNDSTX for the range at the same time may come before
 * the zap, which then frees its entry, or after it. In the latter case it stores
 * the bounds of a pointer in memory that was already gone.
 */
void __mpx_munmap(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mpx_mm *mpx = mm->context.mpx;

	/* Before anything is zapped: this will be other memory, or is none. */
	mpx_forget_tables(mpx, start, end);
	mpx_drop_bounds(mm, mpx, start, end, true);

	/* Of this range, or left by a task that could not see to them. */
	if (xa_marked(&mpx->tables, MPX_UNMAPPED))
		mpx_queue_free_tables();
}

/*
 * mpx_madvise_dontneed() for an mm that has state.
 *
 * The tables stay: the data is still mapped, and will have pointers again. As
 * mmap_lock is held, if only for read, nobody makes or removes a table meanwhile.
 * One that a munmap() with a downgraded mmap_lock is about to forget has no VMAs
 * any more.
 *
 * The bounds go before the data. A thread that uses the range at the same time,
 * and stores first a pointer and then its bounds, may lose the bounds here only
 * if its pointer was stored before, and that is discarded as well in a moment.
 * MADV_FREE leaves it readable for a while, with INIT bounds.
 */
void __mpx_madvise_dontneed(struct mm_struct *mm, unsigned long start,
			    unsigned long end)
{
	mpx_drop_bounds(mm, mm->context.mpx, start, end, false);
}

/* Is all of the table mapped in @mm? A process may exclude parts from fork(). */
static bool mpx_table_is_mapped(struct mm_struct *mm, struct mpx_mm *mpx,
				unsigned long addr)
{
	VMA_ITERATOR(vmi, mm, addr);
	unsigned long end = addr + mpx_bt_size(mpx->geo);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start > addr)
			return false;
		addr = vma->vm_end;
	}

	return addr >= end;
}

/**
 * mpx_dup_mmap() - Give a child its own copy of the management
 * @oldmm: The parent's mm, with mmap_lock held for write
 * @mm: The child's mm, with mmap_lock held for write and the mappings copied
 *
 * The child has the same directory and the same tables, as copy-on-write
 * memory, so it gets the same index. mmap_lock keeps the parent's index in
 * step with the mappings that were copied. Its bd_lock cannot be taken here and
 * is not needed: a thread of the parent may be between the index and a directory
 * entry, so the child may get an indexed table whose entry is clear. Whoever
 * makes tables or frees them has to cope with that anyway.
 *
 * What the child does not have of the data, or has without its contents, has no
 * bounds in it, either.
 *
 * Return: 0, or -ENOMEM
 */
int mpx_dup_mmap(struct mm_struct *oldmm, struct mm_struct *mm)
{
	struct mpx_mm *old = oldmm->context.mpx;
	VMA_ITERATOR(vmi, oldmm, 0);
	struct vm_area_struct *vma;
	unsigned long index;
	struct mpx_mm *new;
	void *entry;
	int ret;

	mmap_assert_write_locked(oldmm);
	mmap_assert_write_locked(mm);

	if (!old || !old->managed)
		return 0;

	new = mpx_mm_alloc();
	if (!new)
		return -ENOMEM;

	new->geo = old->geo;
	new->bd_base = old->bd_base;
	new->managed = true;

	xa_for_each(&old->tables, index, entry) {
		unsigned long addr = mpx_entry_to_addr(entry);

		if (!mpx_table_is_mapped(mm, new, addr))
			continue;

		ret = mpx_index_add(new, index, addr);
		if (ret) {
			mpx_mm_free(new);
			return ret;
		}

		if (xa_get_mark(&old->tables, index, MPX_UNMAPPED))
			xa_set_mark(&new->tables, index, MPX_UNMAPPED);
	}

	for_each_vma(vmi, vma) {
		if (vma->vm_flags & VM_DONTCOPY)
			mpx_drop_bounds(mm, new, vma->vm_start, vma->vm_end, true);
		else if (vma->vm_flags & VM_WIPEONFORK)
			mpx_drop_bounds(mm, new, vma->vm_start, vma->vm_end, false);
	}

	mm->context.mpx = new;
	return 0;
}

/* mpx_out_of_reach() for an mm that has state. mmap_lock is held for write. */
bool __mpx_out_of_reach(unsigned long addr, unsigned long len)
{
	struct mpx_mm *mpx = current->mm->context.mpx;

	mmap_assert_write_locked(current->mm);

	return mpx->managed && mpx_is_64bit(mpx) &&
	       (len > DEFAULT_MAP_WINDOW || addr > DEFAULT_MAP_WINDOW - len);
}

/* The state of the mm, made when there is none yet. It stays until mm goes. */
static struct mpx_mm *mpx_mm_get(struct mm_struct *mm)
{
	struct mpx_mm *mpx = READ_ONCE(mm->context.mpx);
	struct mpx_mm *new;

	if (mpx)
		return mpx;

	new = mpx_mm_alloc();
	if (!new)
		return NULL;

	mpx = cmpxchg(&mm->context.mpx, NULL, new);
	if (mpx) {
		mpx_mm_free(new);
		return mpx;
	}

	return new;
}

/*
 * Manage the bounds tables of the calling process.
 *
 * The directory is the one in the calling thread's BNDCFGU. The management is
 * for the whole process, that is for all users of the mm.
 *
 * To enable it again for the same directory changes nothing and succeeds. To
 * enable it for another directory is refused until it has been disabled.
 */
static int mpx_enable_management(void)
{
	struct mm_struct *mm = current->mm;
	const struct mpx_geometry *geo;
	struct mpx_bndcsr csr;
	unsigned long bd_base;
	struct mpx_mm *mpx;
	int ret = 0;

	/*
	 * An address space of 4 GiB is too small for 64-bit tables. It is that
	 * of x32 code, with pointers that are 4 bytes apart where such a table
	 * has one entry, or of a 32-bit program that has 64-bit code as well.
	 * Without compat system calls there is no place for 32-bit tables.
	 */
	if (!user_64bit_mode(task_pt_regs(current))) {
		if (!IS_ENABLED(CONFIG_HAVE_ARCH_COMPAT_MMAP_BASES))
			return -ENXIO;
		geo = &mpx_geometry_32;
	} else {
		if (test_thread_flag(TIF_ADDR32))
			return -ENXIO;
		geo = &mpx_geometry_64;
	}

	mpx_read_bndcsr(&csr);
	if (!(csr.bndcfgu & BNDCFGU_ENABLE))
		return -ENXIO;

	bd_base = csr.bndcfgu & BNDCFGU_BASE_MASK;
	if (!mpx_bd_fits(geo, bd_base, mpx_space_end(geo)))
		return -EINVAL;

	mpx = mpx_mm_get(mm);
	if (!mpx)
		return -ENOMEM;

	if (mutex_lock_killable(&mpx->bd_lock))
		return -EINTR;

	if (mmap_write_lock_killable(mm)) {
		ret = -EINTR;
		goto unlock;
	}

	if (mpx->managed) {
		if (mpx->geo != geo || mpx->bd_base != bd_base)
			ret = -EBUSY;
	} else if (geo == &mpx_geometry_64 && find_vma(mm, DEFAULT_MAP_WINDOW)) {
		/* Bits 63:48 of an address do not count: it would alias. */
		ret = -ENXIO;
	} else {
		mpx->geo = geo;
		mpx->bd_base = bd_base;
		mpx->managed = true;
	}

	mmap_write_unlock(mm);
unlock:
	mutex_unlock(&mpx->bd_lock);
	return ret;
}

/*
 * Stop making and freeing tables for this process.
 *
 * The directory and the tables stay as they are. They are memory of the
 * process's own from now on: the kernel forgets the tables, and does not
 * manage them again if the management is enabled once more.
 */
static int mpx_disable_management(void)
{
	struct mm_struct *mm = current->mm;
	struct mpx_mm *mpx = READ_ONCE(mm->context.mpx);
	unsigned long index;
	void *entry;
	int ret = 0;

	if (!mpx)
		return -ENXIO;

	if (mutex_lock_killable(&mpx->bd_lock))
		return -EINTR;

	if (!mpx->managed) {
		ret = -ENXIO;
		goto unlock;
	}

	/*
	 * An indexed table without its entry would be lost to the process. There
	 * are such in a child, see mpx_dup_mmap(), and where an entry could not
	 * be put back. What cannot be written now either has to stay that way.
	 */
	xa_for_each(&mpx->tables, index, entry) {
		u64 old = 0;

		mpx_cmpxchg_entry(mm, mpx, index, &old,
				  mpx_entry_to_addr(entry) | MPX_BD_ENTRY_VALID);
	}

	if (mmap_write_lock_killable(mm)) {
		ret = -EINTR;
		goto unlock;
	}

	mpx->managed = false;
	mpx_index_clear(mpx);
	mmap_write_unlock(mm);
unlock:
	mutex_unlock(&mpx->bd_lock);
	return ret;
}

/**
 * mpx_set_management() - PR_MPX_{ENABLE,DISABLE}_MANAGEMENT
 * @on: Whether the kernel is to manage the bounds tables of this process
 *
 * Context: Process context, no locks held. Takes bd_lock and mmap_lock.
 * Return: 0; -EINTR if the task is being killed. For @on: -ENXIO if there is no
 * MPX for this task, if it is not enabled in BNDCFGU or, in 64-bit mode, if
 * something is mapped above 47 bits; -EINVAL if not all of the directory is where
 * the mode has its tables, see mpx_space_end(); -EBUSY if another directory is
 * managed, or another mode; -ENOMEM. Otherwise: -ENXIO if nothing is managed.
 */
int mpx_set_management(bool on)
{
	return on ? mpx_enable_management() : mpx_disable_management();
}
