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
 *   page table locks
 *
 *   index_lock	Spinlock of the index: for those who hold mmap_lock for read,
 *		or only bd_lock, while munmap(), with mmap_lock downgraded,
 *		changes it.
 *
 * A mutex is enough for bd_lock. Two threads that miss two tables at the same
 * time could make them under a lock held for read, but they would meet again at
 * mmap_lock, which both need for write.
 */

#include <linux/bitmap.h>
#include <linux/container_of.h>
#include <linux/cpufeature.h>
#include <linux/err.h>
#include <linux/fault-inject-usercopy.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>

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

/*
 * How many tables there is room for in one mapping. To make a table is then not to
 * make a mapping, and tables do not use up max_map_count.
 */
#define MPX_ARENA_SLOTS	64

/**
 * struct mpx_table - A bounds table
 * @node: In mpx_mm::tables, or clear if the slot has no table
 * @unmapped: In mpx_mm::unmapped, or empty
 * @stale: Whether it still has bounds of data that was unmapped. See
 *	mpx_can_drop_later()
 * @index: Index of its directory entry
 * @slot: Number of its slot
 */
struct mpx_table {
	struct rb_node		node;
	struct list_head	unmapped;
	bool			stale;
	u32			index;
	u8			slot;
};

/**
 * struct mpx_arena - A mapping with slots of the size of a table
 * @node: In mpx_mm::arenas
 * @avail: In mpx_mm::avail if it has a free slot, or empty
 * @addr: Its address
 * @end: The address after it
 * @nr_slots: How many slots it had when it was mapped, up to MPX_ARENA_SLOTS
 * @nr_tables: How many of them have a table now
 * @free: Those that are free. What is in none of the two was unmapped by the
 *	process.
 * @tables: The tables, by their slots
 */
struct mpx_arena {
	struct rb_node		node;
	struct list_head	avail;
	unsigned long		addr;
	unsigned long		end;
	unsigned int		nr_slots;
	unsigned int		nr_tables;
	DECLARE_BITMAP(free, MPX_ARENA_SLOTS);
	struct mpx_table	tables[] __counted_by(nr_slots);
};

/**
 * struct mpx_mm - What the kernel knows of a process's bounds tables
 * @bd_lock: See above
 * @managed: Whether the kernel makes and frees tables. Changes with @bd_lock
 *	and mmap_lock held for write, so either is enough to read it.
 * @geo: The geometry of the directory and its tables: that of the mode in which
 *	the management was enabled
 * @bd_base: Address of the directory. Like @geo, it is valid while @managed, and
 *	protected in the same way.
 * @index_lock: See above
 * @tables: All tables, by the index of the directory entry
 * @arenas: All arenas, by their addresses
 * @avail: The arenas with free slots. Those without a table come last.
 * @unmapped: Tables that were left without data. They may still be unused.
 *
 * Exists from the first try to enable the management until the mm goes.
 */
struct mpx_mm {
	struct mutex	bd_lock;	/* Outside of mmap_lock */
	bool		managed;
	const struct mpx_geometry *geo;
	unsigned long	bd_base;
	spinlock_t	index_lock;	/* Innermost */
	struct rb_root	tables;
	struct rb_root	arenas;
	struct list_head avail;
	struct list_head unmapped;
};

static struct mpx_mm *mpx_mm_alloc(void)
{
	struct mpx_mm *mpx = kzalloc(sizeof(*mpx), GFP_KERNEL_ACCOUNT);

	if (mpx) {
		mutex_init(&mpx->bd_lock);
		mpx->geo = &mpx_geometry_64;
		spin_lock_init(&mpx->index_lock);
		mpx->tables = RB_ROOT;
		mpx->arenas = RB_ROOT;
		INIT_LIST_HEAD(&mpx->avail);
		INIT_LIST_HEAD(&mpx->unmapped);
	}

	return mpx;
}

/* Forget all tables. They stay mapped, as memory of the process's own. */
static void mpx_index_clear(struct mpx_mm *mpx)
{
	struct mpx_arena *arena, *next;

	rbtree_postorder_for_each_entry_safe(arena, next, &mpx->arenas, node) {
		kfree(arena);
		cond_resched();
	}
	mpx->tables = RB_ROOT;
	mpx->arenas = RB_ROOT;
	INIT_LIST_HEAD(&mpx->avail);
	INIT_LIST_HEAD(&mpx->unmapped);
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

static bool mpx_slot_has_table(const struct mpx_table *table)
{
	return !RB_EMPTY_NODE(&table->node);
}

static struct mpx_arena *mpx_arena_of(struct mpx_table *table)
{
	return container_of(table - table->slot, struct mpx_arena, tables[0]);
}

static unsigned long mpx_slot_addr(struct mpx_mm *mpx,
				   const struct mpx_arena *arena, unsigned int slot)
{
	return arena->addr + slot * mpx_bt_size(mpx->geo);
}

static bool mpx_arena_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mpx_arena, node)->addr <
	       rb_entry(b, struct mpx_arena, node)->addr;
}

static bool mpx_table_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mpx_table, node)->index <
	       rb_entry(b, struct mpx_table, node)->index;
}

/* All slots of a new arena are there and have no table. */
static struct mpx_arena *mpx_arena_alloc(struct mpx_mm *mpx, unsigned long addr,
					 unsigned int nr_slots)
{
	struct mpx_arena *arena;
	unsigned int i;

	arena = kzalloc(struct_size(arena, tables, nr_slots), GFP_KERNEL_ACCOUNT);
	if (!arena)
		return NULL;

	arena->addr = addr;
	arena->end = addr + nr_slots * mpx_bt_size(mpx->geo);
	arena->nr_slots = nr_slots;
	INIT_LIST_HEAD(&arena->avail);
	bitmap_fill(arena->free, nr_slots);
	for (i = 0; i < nr_slots; i++) {
		arena->tables[i].slot = i;
		RB_CLEAR_NODE(&arena->tables[i].node);
		INIT_LIST_HEAD(&arena->tables[i].unmapped);
	}

	return arena;
}

/* Put an arena where mpx_mm::avail has it by rights, or forget an empty one. */
static void mpx_arena_update(struct mpx_mm *mpx, struct mpx_arena *arena)
{
	lockdep_assert_held(&mpx->index_lock);

	list_del_init(&arena->avail);
	if (!bitmap_empty(arena->free, arena->nr_slots)) {
		if (arena->nr_tables)
			list_add(&arena->avail, &mpx->avail);
		else
			list_add_tail(&arena->avail, &mpx->avail);
	} else if (!arena->nr_tables) {
		rb_erase(&arena->node, &mpx->arenas);
		kfree(arena);
	}
}

/* Have a table in a free slot of an arena. */
static struct mpx_table *mpx_table_add(struct mpx_mm *mpx, struct mpx_arena *arena,
				       unsigned int slot, unsigned long index)
{
	struct mpx_table *table = &arena->tables[slot];

	lockdep_assert_held(&mpx->index_lock);

	__clear_bit(slot, arena->free);
	arena->nr_tables++;
	table->stale = false;
	table->index = index;
	rb_add(&table->node, &mpx->tables, mpx_table_less);

	return table;
}

/* The slot has no table any more. Whether it is free is up to the caller. */
static void mpx_table_remove(struct mpx_mm *mpx, struct mpx_table *table)
{
	lockdep_assert_held(&mpx->index_lock);

	rb_erase(&table->node, &mpx->tables);
	RB_CLEAR_NODE(&table->node);
	list_del_init(&table->unmapped);
	mpx_arena_of(table)->nr_tables--;
}

/* The first table with at least this index, or NULL */
static struct mpx_table *mpx_table_from(struct mpx_mm *mpx, unsigned long index)
{
	struct rb_node *node = mpx->tables.rb_node;
	struct mpx_table *found = NULL;

	lockdep_assert_held(&mpx->index_lock);

	while (node) {
		struct mpx_table *table = rb_entry(node, struct mpx_table, node);

		if (table->index < index) {
			node = node->rb_right;
		} else {
			found = table;
			node = node->rb_left;
		}
	}

	return found;
}

/* The first arena that ends after this address, or NULL */
static struct mpx_arena *mpx_arena_from(struct mpx_mm *mpx, unsigned long addr)
{
	struct rb_node *node = mpx->arenas.rb_node;
	struct mpx_arena *found = NULL;

	lockdep_assert_held(&mpx->index_lock);

	while (node) {
		struct mpx_arena *arena = rb_entry(node, struct mpx_arena, node);

		if (arena->end <= addr) {
			node = node->rb_right;
		} else {
			found = arena;
			node = node->rb_left;
		}
	}

	return found;
}

/**
 * struct mpx_bt - What the index said of a table, a moment ago
 * @index: Index of its directory entry
 * @addr: Its address
 */
struct mpx_bt {
	unsigned long index;
	unsigned long addr;
};

static void mpx_bt_init(struct mpx_bt *bt, struct mpx_mm *mpx,
			struct mpx_table *table)
{
	bt->index = table->index;
	bt->addr = mpx_slot_addr(mpx, mpx_arena_of(table), table->slot);
}

/*
 * The first table from @bt->index to @last. Whether there is one. The index may
 * change from one to the next.
 */
static bool mpx_bt_next(struct mpx_mm *mpx, struct mpx_bt *bt, unsigned long last)
{
	struct mpx_table *table;
	bool found;

	spin_lock(&mpx->index_lock);
	table = mpx_table_from(mpx, bt->index);
	found = table && table->index <= last;
	if (found)
		mpx_bt_init(bt, mpx, table);
	spin_unlock(&mpx->index_lock);

	return found;
}

/* The table for a directory entry, or NULL */
static struct mpx_table *mpx_table_at(struct mpx_mm *mpx, unsigned long index)
{
	struct mpx_table *table = mpx_table_from(mpx, index);

	return table && table->index == index ? table : NULL;
}

/* Is all of a range mapped, for tables? */
static bool mpx_is_mapped(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start > start || !(vma->vm_flags & VM_MPX))
			return false;
		start = vma->vm_end;
	}

	return start >= end;
}

#ifdef CONFIG_DEBUG_VM_MAPLE_TREE
/* Does the index agree with the mappings about an arena? */
static void mpx_audit_arena(struct mm_struct *mm, struct mpx_mm *mpx,
			    struct mpx_arena *arena)
{
	bool whole = mpx_is_mapped(mm, arena->addr, arena->end);
	unsigned int slot, nr_tables = 0;

	/* Others may take marks away. */
	spin_lock(&mpx->index_lock);
	for (slot = 0; slot < arena->nr_slots; slot++) {
		struct mpx_table *table = &arena->tables[slot];
		bool has_table = mpx_slot_has_table(table);
		bool marked = !list_empty(&table->unmapped);
		bool free = test_bit(slot, arena->free);

		VM_WARN_ON_ONCE(table->slot != slot);
		VM_WARN_ON_ONCE(has_table && free);
		VM_WARN_ON_ONCE(marked && !has_table);
		VM_WARN_ON_ONCE(has_table && table->stale && !marked);
		VM_WARN_ON_ONCE(has_table && mpx_table_at(mpx, table->index) != table);
		VM_WARN_ON_ONCE((has_table || free) && !whole &&
				!mpx_is_mapped(mm, mpx_slot_addr(mpx, arena, slot),
					       mpx_slot_addr(mpx, arena, slot + 1)));
		nr_tables += has_table;
	}
	spin_unlock(&mpx->index_lock);

	VM_WARN_ON_ONCE(nr_tables != arena->nr_tables);
	VM_WARN_ON_ONCE(list_empty(&arena->avail) !=
			bitmap_empty(arena->free, arena->nr_slots));
	VM_WARN_ON_ONCE(list_empty(&arena->avail) && !nr_tables);
}

/*
 * Walk all of the index, where all users of CONFIG_DEBUG_VM_MAPLE_TREE walk all of
 * the mappings: after an operation that may have changed one of the two. mmap_lock
 * is held for write, or was when the mappings changed.
 */
static void mpx_audit(struct mm_struct *mm, struct mpx_mm *mpx)
{
	struct mpx_arena *arena;
	unsigned long nr_tables = 0, end = 0;
	bool empty = false;
	struct rb_node *node;

	mmap_assert_locked(mm);
	VM_WARN_ON_ONCE(!mpx->managed && !RB_EMPTY_ROOT(&mpx->arenas));

	for (node = rb_first(&mpx->arenas); node; node = rb_next(node)) {
		arena = rb_entry(node, struct mpx_arena, node);
		VM_WARN_ON_ONCE(arena->addr < end);
		mpx_audit_arena(mm, mpx, arena);
		nr_tables += arena->nr_tables;
		end = arena->end;
		cond_resched();
	}

	for (node = rb_first(&mpx->tables); node; node = rb_next(node))
		nr_tables--;
	VM_WARN_ON_ONCE(nr_tables);

	list_for_each_entry(arena, &mpx->avail, avail) {
		VM_WARN_ON_ONCE(empty && arena->nr_tables);
		empty |= !arena->nr_tables;
	}
}
#else
static void mpx_audit(struct mm_struct *mm, struct mpx_mm *mpx) { }
#endif

/**
 * mpx_exit_mmap() - Forget all tables of an mm
 * @mm: An mm without users, whose mappings are about to go
 *
 * Without users, nobody calls what looks at the state.
 */
void mpx_exit_mmap(struct mm_struct *mm)
{
	mpx_mm_free(mm->context.mpx);
	mm->context.mpx = NULL;
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
		zap_vma_range(vma, from, to - from);
	}
}

/*
 * Forget the slots that a range of their own memory has been unmapped of, and the
 * tables in them. There may be millions: a spinlock is not held for so long.
 */
static void mpx_forget_slots(struct mpx_mm *mpx, unsigned long start,
			     unsigned long end)
{
	unsigned int slot, first, last;
	struct mpx_arena *arena;

	spin_lock(&mpx->index_lock);
	while ((arena = mpx_arena_from(mpx, start)) &&
	       mpx_arena_part(mpx->geo, arena->addr, arena->nr_slots, start, end,
			      &first, &last)) {
		start = arena->end;
		for (slot = first; slot <= last; slot++) {
			if (mpx_slot_has_table(&arena->tables[slot]))
				mpx_table_remove(mpx, &arena->tables[slot]);
			__clear_bit(slot, arena->free);
		}
		mpx_arena_update(mpx, arena);
		spin_unlock(&mpx->index_lock);
		cond_resched();
		spin_lock(&mpx->index_lock);
	}
	spin_unlock(&mpx->index_lock);
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

	lockdep_assert_not_held(&current->mm->mmap_lock);

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
 * sleep like any access to user memory: mmap_lock is not held. When it was, a
 * moment ago, mpx_entry_is_accessible() has agreed.
 *
 * Return: 0 if the entry could be accessed, whether it had the value @old or
 * not; -EFAULT otherwise
 */
static int mpx_cmpxchg_entry(struct mm_struct *mm, struct mpx_mm *mpx,
			     unsigned long index, u64 *old, u64 new)
{
	unsigned long addr = mpx_bd_entry_addr(mpx->geo, mpx->bd_base, index);
	int ret;

	lockdep_assert_held(&mpx->bd_lock);
	lockdep_assert_not_held(&mm->mmap_lock);
	might_fault();

	if (should_fail_usercopy())
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

/*
 * Should a directory entry be accessed? Not if it is in memory that is registered
 * with userfaultfd. The thread that would resolve the fault may well be waiting
 * for bd_lock itself, and munmap() must not depend on it. Where the registration
 * comes after this it delays other threads of the process. So may a directory in
 * a file whose file system takes its time. All who wait for bd_lock can be killed.
 */
static bool mpx_entry_is_accessible(struct mm_struct *mm, struct mpx_mm *mpx,
				    unsigned long index)
{
	unsigned long addr = mpx_bd_entry_addr(mpx->geo, mpx->bd_base, index);
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	return vma && !userfaultfd_armed(vma);
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
 * Arenas do not overlap, so that an address is in one of them at most. Where the
 * process has unmapped a part of one there is room, but not for another.
 */
static unsigned long mpx_unmapped_area(struct mpx_mm *mpx,
				       struct vm_unmapped_area_info *info)
{
	struct mpx_arena *arena;
	unsigned long addr;

	for (;;) {
		addr = vm_unmapped_area(info);
		if (IS_ERR_VALUE(addr))
			return addr;

		spin_lock(&mpx->index_lock);
		arena = mpx_arena_from(mpx, addr);
		spin_unlock(&mpx->index_lock);

		if (!arena || arena->addr >= addr + info->length)
			return addr;

		if (info->flags & VM_UNMAPPED_AREA_TOPDOWN)
			info->high_limit = arena->addr;
		else
			info->low_limit = arena->end;
		/* There may be such room in each of them. */
		cond_resched();
	}
}

/*
 * Find a place for an arena. get_unmapped_area() is for system calls: it asks
 * in_32bit_syscall(), and in an exception there is no answer to that.
 */
static unsigned long mpx_find_area(struct mm_struct *mm, struct mpx_mm *mpx,
				   unsigned long size)
{
	/* Aligned, for a table to have no more page tables than it needs. */
	struct vm_unmapped_area_info info = {
		.length		= size,
		.align_mask	= PAGE_MASK & (mpx_bt_size(mpx->geo) - 1),
	};
	unsigned long base = mm->mmap_base, legacy_base = mm->mmap_legacy_base;
	unsigned long addr = -ENOMEM;
	int err;

#ifdef CONFIG_HAVE_ARCH_COMPAT_MMAP_BASES
	if (!mpx_is_64bit(mpx)) {
		base = mm->mmap_compat_base;
		legacy_base = mm->mmap_compat_legacy_base;
	}
#endif

	if (mm_flags_test(MMF_TOPDOWN, mm)) {
		info.flags = VM_UNMAPPED_AREA_TOPDOWN;
		info.low_limit = PAGE_SIZE;
		info.high_limit = base;
		addr = mpx_unmapped_area(mpx, &info);
	}

	if (IS_ERR_VALUE(addr)) {
		info.flags = 0;
		info.low_limit = legacy_base;
		info.high_limit = mpx_space_end(mpx->geo);
		addr = mpx_unmapped_area(mpx, &info);
	}

	if (IS_ERR_VALUE(addr))
		return addr;

	err = security_mmap_addr(addr);
	return err ? err : addr;
}

#define MPX_VM_FLAGS	(VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE |	\
			 VM_DONTEXPAND | VM_NOHUGEPAGE | VM_MPX)

/*
 * Map a new arena. Called with mmap_lock held for write.
 *
 * do_mmap() would do too much. A table is not data: mlockall(MCL_FUTURE) must
 * not fill it, nor count it. VM_DONTEXPAND keeps it that way for MCL_CURRENT
 * and makes the arena a mapping of its own, so that to unmap it does not have to
 * split one. A huge page for one pointer's bounds would be a waste.
 */
static struct mpx_arena *mpx_map_arena(struct mm_struct *mm, struct mpx_mm *mpx,
				       unsigned int nr_slots)
{
	unsigned long size = nr_slots * mpx_bt_size(mpx->geo);
	vm_flags_t vm_flags = MPX_VM_FLAGS;
	struct mpx_arena *arena;
	unsigned long addr;

	lockdep_assert_held(&mpx->bd_lock);
	mmap_assert_write_locked(mm);

	/* Most of a table is never touched. Strict overcommit counts it all. */
	if (sysctl_overcommit_memory != OVERCOMMIT_NEVER)
		vm_flags |= VM_NORESERVE;

	addr = mpx_find_area(mm, mpx, size);
	if (IS_ERR_VALUE(addr))
		return ERR_PTR(addr);

	arena = mpx_arena_alloc(mpx, addr, nr_slots);
	if (!arena)
		return ERR_PTR(-ENOMEM);

	addr = mmap_anon_region(addr, size, vm_flags);
	if (IS_ERR_VALUE(addr)) {
		kfree(arena);
		return ERR_PTR(addr);
	}

	spin_lock(&mpx->index_lock);
	rb_add(&arena->node, &mpx->arenas, mpx_arena_less);
	list_add_tail(&arena->avail, &mpx->avail);
	spin_unlock(&mpx->index_lock);

	return arena;
}

/* Does address space cost nothing? */
static bool mpx_space_is_free(void)
{
	return sysctl_overcommit_memory != OVERCOMMIT_NEVER &&
	       rlimit(RLIMIT_AS) == RLIM_INFINITY &&
	       rlimit(RLIMIT_DATA) == RLIM_INFINITY;
}

/*
 * A new arena. It is for a single table if address space is limited: what the
 * process needs is memory for its data.
 */
static struct mpx_arena *mpx_new_arena(struct mm_struct *mm, struct mpx_mm *mpx)
{
	struct mpx_arena *arena;

	if (mpx_space_is_free()) {
		arena = mpx_map_arena(mm, mpx, MPX_ARENA_SLOTS);
		if (!IS_ERR(arena))
			return arena;
	}

	return mpx_map_arena(mm, mpx, 1);
}

/*
 * Begin, or end, to keep an arena for the next table. In the meantime it is empty: it is
 * not for children of the process, which would get a copy of its page tables, and not
 * for core dumps. Returns false, and changes nothing, if the process has unmapped a part
 * of it or split it: such a one is not worth it.
 */
static bool mpx_arena_set_idle(struct mm_struct *mm, const struct mpx_arena *arena,
			       bool idle)
{
	struct vm_area_struct *vma;

	if (!bitmap_full(arena->free, arena->nr_slots))
		return false;

	/* All of it is mapped, then. */
	vma = vma_lookup(mm, arena->addr);
	if (vma->vm_end != arena->end)
		return false;

	if (idle)
		vm_flags_set(vma, VM_DONTCOPY | VM_DONTDUMP);
	else
		vm_flags_clear(vma, VM_DONTCOPY | VM_DONTDUMP);

	return true;
}

/*
 * Is a free slot as it was made? Whatever the process has done to it, by mprotect(),
 * madvise(), mbind() and so on, was not meant for the next table.
 */
static bool mpx_slot_is_good(struct mm_struct *mm, struct mpx_mm *mpx,
			     unsigned long addr)
{
	vm_flags_t any = VM_NORESERVE | VM_ACCOUNT | VM_SOFTDIRTY | VM_SEALED;
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	return vma && vma->vm_end - addr >= mpx_bt_size(mpx->geo) &&
	       (vma->vm_flags & ~any) == MPX_VM_FLAGS && !vma_policy(vma);
}

/*
 * Find the table for a directory entry, or have one. @made tells which. Called
 * with mmap_lock held for write, which makes mapping and index one step for
 * everybody else. Returns the address, an error, or 0 for the caller to drop the lock
 * and try again: there may be any number of slots that are no good.
 */
static unsigned long mpx_get_table(struct mm_struct *mm, struct mpx_mm *mpx,
				   unsigned long index, bool *made)
{
	struct mpx_bt bt = { .index = index };
	struct mpx_table *table;
	struct mpx_arena *arena;
	unsigned int slot;
	bool unused;

	lockdep_assert_held(&mpx->bd_lock);
	mmap_assert_write_locked(mm);

	*made = !mpx_bt_next(mpx, &bt, index);
	if (!*made)
		return bt.addr;

	arena = list_first_entry_or_null(&mpx->avail, struct mpx_arena, avail);
	if (arena) {
		if (!arena->nr_tables)
			mpx_arena_set_idle(mm, arena, false);

		slot = find_first_bit(arena->free, arena->nr_slots);
		bt.addr = mpx_slot_addr(mpx, arena, slot);
		if (!mpx_slot_is_good(mm, mpx, bt.addr)) {
			/* Sealed, or there are no VMAs left: it is the process's. */
			if (do_munmap(mm, bt.addr, mpx_bt_size(mpx->geo), NULL))
				mpx_forget_slots(mpx, bt.addr,
						 bt.addr + mpx_bt_size(mpx->geo));
			return 0;
		}
	} else {
		arena = mpx_new_arena(mm, mpx);
		if (IS_ERR(arena))
			return PTR_ERR(arena);
		slot = 0;
		bt.addr = arena->addr;
	}

	/* Bounds for memory that is not there: no munmap() of it will come. */
	unused = mpx_span_is_unused(mm, mpx, index);

	spin_lock(&mpx->index_lock);
	table = mpx_table_add(mpx, arena, slot, index);
	if (unused)
		list_add_tail(&table->unmapped, &mpx->unmapped);
	mpx_arena_update(mpx, arena);
	spin_unlock(&mpx->index_lock);

	return bt.addr;
}

/* Forget a table, if it is still there: its slot is free then. */
static bool mpx_free_slot(struct mpx_mm *mpx, unsigned long index)
{
	struct mpx_arena *arena;
	struct mpx_table *table;

	spin_lock(&mpx->index_lock);
	table = mpx_table_at(mpx, index);
	if (table) {
		arena = mpx_arena_of(table);
		mpx_table_remove(mpx, table);
		__set_bit(table->slot, arena->free);
		mpx_arena_update(mpx, arena);
	}
	spin_unlock(&mpx->index_lock);

	return table;
}

/* Is there an arena without a table, other than this one? */
static bool mpx_has_spare(struct mpx_mm *mpx, const struct mpx_arena *arena)
{
	struct mpx_arena *other;

	list_for_each_entry_reverse(other, &mpx->avail, avail) {
		if (other->nr_tables)
			break;
		if (other != arena)
			return true;
	}

	return false;
}

/*
 * Unmap the free slots of an arena. The index follows, as for any munmap(): the
 * arena may be gone then. Where that fails, they remain free.
 */
static void mpx_unmap_slots(struct mm_struct *mm, struct mpx_mm *mpx,
			    struct mpx_arena *arena)
{
	unsigned int from, to, nr_slots = arena->nr_slots;
	DECLARE_BITMAP(free, MPX_ARENA_SLOTS);
	unsigned long base = arena->addr;

	lockdep_assert_held(&mpx->bd_lock);
	mmap_assert_write_locked(mm);

	bitmap_copy(free, arena->free, nr_slots);
	for_each_set_bitrange(from, to, free, nr_slots) {
		unsigned long start = base + from * mpx_bt_size(mpx->geo);
		unsigned long end = base + to * mpx_bt_size(mpx->geo);

		if (do_munmap(mm, start, end - start, NULL))
			mpx_zap(mm, start, end);
	}
}

/*
 * Free the memory of a slot that has just become free. Of the arenas without a
 * table, one is kept for the next table. Called with mmap_lock held for write.
 */
static void mpx_trim_slot(struct mm_struct *mm, struct mpx_mm *mpx,
			  unsigned long addr)
{
	struct mpx_arena *arena;

	spin_lock(&mpx->index_lock);
	arena = mpx_arena_from(mpx, addr);
	spin_unlock(&mpx->index_lock);

	/* Gone, with another slot of it */
	if (!arena || arena->addr > addr)
		return;

	if (!arena->nr_tables &&
	    (mpx_has_spare(mpx, arena) || !mpx_arena_set_idle(mm, arena, true))) {
		mpx_unmap_slots(mm, mpx, arena);
		return;
	}

	mpx_zap(mm, addr, addr + mpx_bt_size(mpx->geo));
}

/* See mpx_make_table(). Called with bd_lock held. */
static int mpx_fill_entry(struct mm_struct *mm, struct mpx_mm *mpx,
			  unsigned long index)
{
	struct mpx_bt bt = { .index = index };
	bool made = false;
	u64 old = 0;
	int ret;

	do {
		cond_resched();
		if (fatal_signal_pending(current) || mmap_write_lock_killable(mm))
			return -EINTR;

		bt.addr = -EFAULT;
		if (mpx_entry_is_accessible(mm, mpx, index))
			bt.addr = mpx_get_table(mm, mpx, index, &made);
		mpx_audit(mm, mpx);
		mmap_write_unlock(mm);
	} while (!bt.addr);

	if (IS_ERR_VALUE(bt.addr))
		return bt.addr;

	ret = mpx_cmpxchg_entry(mm, mpx, index, &old, bt.addr | MPX_BD_ENTRY_VALID);
	if (!ret && !old) {
		trace_mpx_table_made(index, bt.addr);
		return 0;
	}

	/* No entry leads to it. */
	if (made) {
		mmap_write_lock(mm);
		if (mpx_free_slot(mpx, index))
			mpx_trim_slot(mm, mpx, bt.addr);
		mpx_audit(mm, mpx);
		mmap_write_unlock(mm);
	}

	if (ret)
		return ret;

	/* If it is valid, another thread was faster, or the process has set it. */
	return old & MPX_BD_ENTRY_VALID ? 0 : -EINVAL;
}

/**
 * mpx_make_table() - Make the bounds table that the current task has missed
 * @regs: Registers of the task in user mode, at the instruction that took the
 *	#BR
 * @csr: Its BNDCFGU and BNDSTATUS; the latter has the cause "invalid bounds
 *	directory entry" and the address of the entry
 *
 * If the index has a table for the entry then the table is used. That is so
 * if mpx_free_some() cleared the entry and could neither free the table nor put
 * the entry back: here it comes back, with all bounds in the table as they were.
 * It is so in a child that was forked when an entry had been cleared or had
 * not been written yet. And it is so if the process has cleared the entry.
 *
 * Context: Process context, no locks held. Takes bd_lock and mmap_lock and
 * accesses user memory.
 * Return: 0 if the instruction is to be restarted. -EINVAL if the entry is not
 * one of the managed directory, or is neither valid nor 0; -EFAULT if it cannot
 * be written; -ENOMEM and other errors of mmap(); -EINTR if the task is being
 * killed. No table has been made in these cases.
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

/* Note that a table may be unused. Whether it is @stale is as in mpx_can_drop_later(). */
static void mpx_mark_unmapped(struct mpx_mm *mpx, unsigned long index, bool stale)
{
	struct mpx_table *table;

	spin_lock(&mpx->index_lock);
	table = mpx_table_at(mpx, index);
	if (table) {
		table->stale |= stale;
		list_move_tail(&table->unmapped, &mpx->unmapped);
	}
	spin_unlock(&mpx->index_lock);
}

/* The table stays, but not with bounds of data that was unmapped. */
static void mpx_keep_table(struct mm_struct *mm, struct mpx_mm *mpx,
			   const struct mpx_bt *bt)
{
	struct mpx_table *table;
	bool stale = false;

	mmap_assert_locked(mm);

	spin_lock(&mpx->index_lock);
	table = mpx_table_at(mpx, bt->index);
	if (table) {
		stale = table->stale;
		table->stale = false;
		list_del_init(&table->unmapped);
	}
	spin_unlock(&mpx->index_lock);

	if (stale)
		mpx_zap(mm, bt->addr, bt->addr + mpx_bt_size(mpx->geo));
}

/*
 * Find unused tables among the first 64 that are marked. They keep their mark,
 * because a child that is forked before they are gone has to find them, too.
 *
 * A table that is in use again loses the mark. munmap() may be setting marks at
 * this moment, with mmap_lock downgraded, but not this one: it sees the same
 * mappings. And it loses the mark, even one that is just being set, if its entry
 * cannot be accessed. Then it stays, empty, and if there is data again it serves again.
 */
static unsigned int mpx_find_unused(struct mm_struct *mm, struct mpx_mm *mpx,
				    struct mpx_bt *bts)
{
	unsigned int i, marked = 0, nr = 0;
	struct mpx_table *table;
	bool unused;

	mmap_read_lock(mm);
	spin_lock(&mpx->index_lock);
	list_for_each_entry(table, &mpx->unmapped, unmapped) {
		mpx_bt_init(&bts[marked++], mpx, table);
		if (marked == MPX_ARENA_SLOTS)
			break;
	}
	spin_unlock(&mpx->index_lock);

	for (i = 0; i < marked; i++) {
		unused = mpx_span_is_unused(mm, mpx, bts[i].index);
		trace_mpx_search(bts[i].index, unused);
		if (unused && mpx_entry_is_accessible(mm, mpx, bts[i].index))
			bts[nr++] = bts[i];
		else
			mpx_keep_table(mm, mpx, &bts[i]);
	}
	mmap_read_unlock(mm);

	return nr;
}

/*
 * Remove up to 64 tables whose spans had no data mapped a moment ago. bd_lock is held.
 *
 * What another thread sees, step by step:
 *
 * 1. The entries are cleared. From now on BNDSTX and BNDLDX for the spans take a
 *    #BR and wait in mpx_make_table() for bd_lock.
 *
 * 2. CPUs that run user code of this mm are interrupted. An instruction that had
 *    read an entry before it was cleared has ended by then, or has taken a page
 *    fault and will start again from the directory. So no store that is on its
 *    way to one of these tables is left when its slot can become another table,
 *    or its address other memory. That the zap of the table's pages has flushed
 *    the TLB, too, is not enough: there is no zap for a table that has not been
 *    touched yet. CPUs that are spared, with a lazy TLB or as virtual ones that
 *    do not run, are not within an instruction. No CPU with MPX can flush the
 *    TLBs of others without an interrupt.
 *
 * 3. With mmap_lock held for write, the spans are looked at again. A table whose
 *    span is still unused goes: its slot is free, and empty. A page fault of (2)
 *    that is not over yet may give it a page of zeros after that.
 *
 * 4. If somebody has mapped data there, the table stays with all that is in it,
 *    and its entry is put back. Who waits in (1) finds it valid. If it cannot be
 *    written any more, mpx_make_table() tries again when the table is needed.
 *
 * An entry that cannot be written in the first place keeps its table. An entry
 * that is not ours was changed by the process. The table goes all the same: if the
 * hardware still finds it, by that entry or another, then the process wants it to.
 *
 * Returns whether there may be more to do. If the task is being killed, the marks
 * are left for others.
 */
static bool mpx_free_some(struct mm_struct *mm, struct mpx_mm *mpx)
{
	DECLARE_BITMAP(put_back, MPX_ARENA_SLOTS) = { };
	DECLARE_BITMAP(freed, MPX_ARENA_SLOTS) = { };
	struct mpx_bt bts[MPX_ARENA_SLOTS];
	unsigned int i, nr;

	nr = mpx_find_unused(mm, mpx, bts);
	if (!nr)
		return !list_empty(&mpx->unmapped);

	i = 0;
	while (i < nr) {
		u64 valid = bts[i].addr | MPX_BD_ENTRY_VALID;
		u64 old = valid;

		if (!mpx_cmpxchg_entry(mm, mpx, bts[i].index, &old, 0)) {
			__assign_bit(i, put_back, old == valid);
			i++;
			continue;
		}
		/* This may be no more than a fault that was given up. */
		if (fatal_signal_pending(current))
			return false;
		mmap_read_lock(mm);
		mpx_keep_table(mm, mpx, &bts[i]);
		mmap_read_unlock(mm);
		bts[i] = bts[--nr];
	}

	flush_tlb_mm_range(mm, bts[0].addr, bts[0].addr + PAGE_SIZE, PAGE_SHIFT, false);

	if (mmap_write_lock_killable(mm))
		return false;

	for (i = 0; i < nr; i++) {
		if (mpx_span_is_unused(mm, mpx, bts[i].index)) {
			__clear_bit(i, put_back);
			__assign_bit(i, freed, mpx_free_slot(mpx, bts[i].index));
		} else {
			mpx_keep_table(mm, mpx, &bts[i]);
		}
	}
	/* When it is known which arenas are left without a table */
	for_each_set_bit(i, freed, nr) {
		mpx_trim_slot(mm, mpx, bts[i].addr);
		trace_mpx_table_freed(bts[i].index, bts[i].addr);
	}
	mpx_audit(mm, mpx);
	mmap_write_unlock(mm);

	for_each_set_bit(i, put_back, nr) {
		u64 old = 0;

		mpx_cmpxchg_entry(mm, mpx, bts[i].index, &old,
				  bts[i].addr | MPX_BD_ENTRY_VALID);
	}

	return !list_empty(&mpx->unmapped);
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
	struct mpx_mm *mpx = mm ? READ_ONCE(mm->context.mpx) : NULL;

	if (mpx && !mutex_lock_killable(&mpx->bd_lock)) {
		/*
		 * Each round takes marks away, or ends it. When the management
		 * is disabled, the index is empty. Others may set marks as fast
		 * as they are taken away: who is being killed need not see the end.
		 */
		while (mpx_free_some(mm, mpx) && !fatal_signal_pending(current))
			cond_resched();
		mutex_unlock(&mpx->bd_lock);
	}

	/*
	 * Not earlier: to unmap an arena is to run the first half, too. What that
	 * has marked, and left to the second half, the loop has seen to.
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
 * Can the bounds of unmapped data be left to the second half? The table will most
 * likely go as a whole, and to look for its pages once is half the work.
 *
 * They can if there will be a second half, and nobody else executes user code with
 * this mm in the meantime. A task is the only user of its mm if there is one reference:
 * other tasks, and kernel threads, have their own. Others may come before it returns
 * to user mode, but not to execute user code. If it does not return, because it is
 * killed, the mm goes with it.
 *
 * If bd_lock is held, this task itself unmaps slots. That may be the end of the
 * management, and then there is no second half.
 */
static bool mpx_can_drop_later(struct mm_struct *mm, struct mpx_mm *mpx)
{
	return mm == current->mm && atomic_read(&mm->mm_users) == 1 &&
	       !mutex_is_locked(&mpx->bd_lock) &&
	       !(current->flags & (PF_KTHREAD | PF_EXITING));
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
	bool can_wait = mpx_can_drop_later(mm, mpx);
	struct mpx_unmap unmap;
	struct mpx_bt bt;

	mmap_assert_locked(mm);

	if (!mpx_unmap_init(&unmap, mpx->geo, start, end))
		return;

	for (bt.index = unmap.first; mpx_bt_next(mpx, &bt, unmap.last); bt.index++) {
		bool kept = !unmapped || mpx_table_is_kept(mm, &unmap, bt.index);
		struct mpx_bt_part part = mpx_unmap_part(&unmap, bt.index, kept);

		if (kept || !can_wait)
			mpx_zap(mm, bt.addr + part.from, bt.addr + part.to);
		if (!kept)
			mpx_mark_unmapped(mpx, bt.index, can_wait);
		cond_resched();
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
	struct mpx_mm *mpx = READ_ONCE(mm->context.mpx);
	int map_count = mm->map_count;

	/* The usual case */
	if (RB_EMPTY_ROOT(&mpx->arenas))
		return;

	/* Before anything is zapped: this will be other memory, or is none. */
	mpx_forget_slots(mpx, start, end);
	mpx_drop_bounds(mm, mpx, start, end, true);

	/* Of this range, or left by a task that could not see to them. */
	if (!list_empty(&mpx->unmapped))
		mpx_queue_free_tables();

	/* In the middle of another VMA operation */
	VM_WARN_ON_ONCE(mm->map_count != map_count);
	mpx_audit(mm, mpx);
}

/*
 * mpx_discard() for an mm that has state.
 *
 * The tables stay: the data is still mapped, and will have pointers again. As
 * mmap_lock is held, if only for read, nobody makes or removes a table meanwhile.
 * One that a munmap() with a downgraded mmap_lock is about to forget may have VMAs
 * left, of a part of it: they lose the bounds, too.
 *
 * For madvise(), the bounds go before the data. A thread that uses the range at the
 * same time, and stores first a pointer and then its bounds, may lose the bounds
 * here only if its pointer was stored before, and that is discarded as well in a
 * moment. MADV_FREE leaves it readable, with INIT bounds, for a while, or for good
 * if the page is written again.
 *
 * For mremap(), they go after the data, as moving it may fail. A pointer that was
 * stored before has moved, and one that is stored now waits for mmap_lock, so its
 * bounds come later, too.
 */
void __mpx_discard(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	mpx_drop_bounds(mm, READ_ONCE(mm->context.mpx), start, end, false);
}

/*
 * Have a copy of an arena, with the slots that are there in @mm. The process may
 * have excluded some from fork().
 */
static int mpx_dup_arena(struct mm_struct *mm, struct mpx_mm *mpx,
			 const struct mpx_arena *old)
{
	unsigned int slot, nr_slots = old->nr_slots;
	struct mpx_arena *arena;

	if (!find_vma_intersection(mm, old->addr, old->end))
		return 0;

	arena = mpx_arena_alloc(mpx, old->addr, nr_slots);
	if (!arena)
		return -ENOMEM;

	/* Without the spinlock: each slot may be made of many VMAs. */
	if (!mpx_is_mapped(mm, old->addr, old->end)) {
		for (slot = 0; slot < nr_slots; slot++)
			__assign_bit(slot, arena->free,
				     mpx_is_mapped(mm, mpx_slot_addr(mpx, old, slot),
						   mpx_slot_addr(mpx, old, slot + 1)));
	}

	spin_lock(&mpx->index_lock);
	rb_add(&arena->node, &mpx->arenas, mpx_arena_less);
	for_each_set_bit(slot, arena->free, nr_slots) {
		const struct mpx_table *table = &old->tables[slot];
		struct mpx_table *copy = NULL;

		if (!mpx_slot_has_table(table))
			__assign_bit(slot, arena->free, test_bit(slot, old->free));
		else
			copy = mpx_table_add(mpx, arena, slot, table->index);

		/* None is stale: see mpx_can_drop_later(). */
		if (copy && !list_empty(&table->unmapped))
			list_add_tail(&copy->unmapped, &mpx->unmapped);
	}
	mpx_arena_update(mpx, arena);
	spin_unlock(&mpx->index_lock);

	return 0;
}

/*
 * mpx_dup_mmap() for an mm that has state.
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
 */
int __mpx_dup_mmap(struct mm_struct *oldmm, struct mm_struct *mm)
{
	struct mpx_mm *old = READ_ONCE(oldmm->context.mpx);
	VMA_ITERATOR(vmi, oldmm, 0);
	struct vm_area_struct *vma;
	struct mpx_mm *new;
	struct rb_node *node;

	mmap_assert_write_locked(oldmm);
	mmap_assert_write_locked(mm);

	if (!old->managed)
		return 0;

	new = mpx_mm_alloc();
	if (!new)
		return -ENOMEM;

	new->geo = old->geo;
	new->bd_base = old->bd_base;
	new->managed = true;

	for (node = rb_first(&old->arenas); node; node = rb_next(node)) {
		if (mpx_dup_arena(mm, new, rb_entry(node, struct mpx_arena, node))) {
			mpx_mm_free(new);
			return -ENOMEM;
		}
		cond_resched();
	}

	for_each_vma(vmi, vma) {
		if (vma->vm_flags & VM_DONTCOPY)
			mpx_drop_bounds(mm, new, vma->vm_start, vma->vm_end, true);
		else if (vma->vm_flags & VM_WIPEONFORK)
			mpx_drop_bounds(mm, new, vma->vm_start, vma->vm_end, false);
	}

	mpx_audit(mm, new);
	mm->context.mpx = new;
	return 0;
}

/* mpx_out_of_reach() for an mm that has state. mmap_lock is held for write. */
bool __mpx_out_of_reach(unsigned long addr, unsigned long len)
{
	struct mpx_mm *mpx = READ_ONCE(current->mm->context.mpx);

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

	mpx_audit(mm, mpx);
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
 * manage them again if the management is enabled once more. The slots that have
 * no table are unmapped.
 */
static int mpx_disable_management(void)
{
	struct mm_struct *mm = current->mm;
	struct mpx_mm *mpx = READ_ONCE(mm->context.mpx);
	struct mpx_arena *arena;
	unsigned long addr = 0;
	struct mpx_bt bt;
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
	for (bt.index = 0; mpx_bt_next(mpx, &bt, ULONG_MAX); bt.index++) {
		bool accessible;
		u64 old = 0;

		cond_resched();
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			goto unlock;
		}

		mmap_read_lock(mm);
		accessible = mpx_entry_is_accessible(mm, mpx, bt.index);
		mmap_read_unlock(mm);
		if (accessible)
			mpx_cmpxchg_entry(mm, mpx, bt.index, &old,
					  bt.addr | MPX_BD_ENTRY_VALID);
	}

	/* The free slots go before, one arena at a time: mmap_lock is for others, too. */
	do {
		cond_resched();
		if (fatal_signal_pending(current) || mmap_write_lock_killable(mm)) {
			ret = -EINTR;
			goto unlock;
		}

		spin_lock(&mpx->index_lock);
		arena = mpx_arena_from(mpx, addr);
		spin_unlock(&mpx->index_lock);
		if (arena) {
			addr = arena->end;
			mpx_unmap_slots(mm, mpx, arena);
		} else {
			mpx_index_clear(mpx);
			mpx->managed = false;
		}
		mpx_audit(mm, mpx);
		mmap_write_unlock(mm);
	} while (arena);
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
