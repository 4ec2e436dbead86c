// SPDX-License-Identifier: GPL-2.0
/*
 * One deliberate fault for each of the kernel's checkers. scripts/check-debug puts
 * this into a kernel that is used for nothing else, and expects each checker to
 * report its fault. mpx_awake=NAME,... on the command line chooses the faults.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_context.h>
#include <linux/mutex.h>
#include <linux/panic.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

#define MPX_AWAKE_ADDR	0x10000000UL

static void mpx_awake_map(unsigned long addr)
{
	if (vm_mmap(NULL, addr, 2 * PAGE_SIZE, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0) != addr)
		pr_err("mpx_awake: no mapping\n");
}

/* An address space, with something mapped at MPX_AWAKE_ADDR */
static struct mm_struct *mpx_awake_mm(void)
{
	struct mm_struct *mm = mm_alloc();

	kthread_use_mm(mm);
	mpx_awake_map(MPX_AWAKE_ADDR);
	return mm;
}

/* DEBUG_ATOMIC_SLEEP */
static void mpx_awake_sleep(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

/* The same, where a spinlock sleeps: PREEMPT_RT */
static void mpx_awake_raw(void)
{
	static DEFINE_RAW_SPINLOCK(raw);
	static DEFINE_SPINLOCK(lock);

	/* What mpx_awake_sleep() does is reported in the same way, once a second. */
	ssleep(2);
	raw_spin_lock(&raw);
	spin_lock(&lock);
	spin_unlock(&lock);
	raw_spin_unlock(&raw);
}

/* mmap_assert_locked() */
static void mpx_awake_mmap(void)
{
	find_vma(mpx_awake_mm(), MPX_AWAKE_ADDR);
}

/* DEBUG_VM */
static void mpx_awake_vm(void)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm = mpx_awake_mm();

	mmap_write_lock(mm);
	vma = find_vma(mm, MPX_AWAKE_ADDR);
	VM_WARN_ON_ONCE(vma->vm_start == MPX_AWAKE_ADDR);
	mmap_write_unlock(mm);
}

/* DEBUG_VM_MAPLE_TREE: the tree of the mappings and what they say of themselves */
static void mpx_awake_maple(void)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm = mpx_awake_mm();

	mmap_write_lock(mm);
	vma = find_vma(mm, MPX_AWAKE_ADDR);
	vma_start_write(vma);
	vma->vm_end -= PAGE_SIZE;
	mmap_write_unlock(mm);

	mpx_awake_map(2 * MPX_AWAKE_ADDR);
	vma->vm_end += PAGE_SIZE;
}

/* PROVE_RCU */
static void mpx_awake_rcu(void)
{
	static int __rcu *pointer;

	rcu_dereference(pointer);
}

/* DEBUG_PREEMPT */
static void mpx_awake_preempt(void)
{
	smp_processor_id();
}

/* DEBUG_OBJECTS_FREE */
static void mpx_awake_objects_timer(struct timer_list *timer)
{
}

static void mpx_awake_objects(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	timer_setup(timer, mpx_awake_objects_timer, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
}

/* UBSAN_BOUNDS */
static void mpx_awake_ubsan(void)
{
	static int array[4];
	unsigned int i = 5;
	int *p;

	/* No more than the address: it is nothing to KASAN. */
	OPTIMIZER_HIDE_VAR(i);
	p = &array[i];
	OPTIMIZER_HIDE_VAR(p);
}

/* PROVE_LOCKING */
static void mpx_awake_lockdep(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);

	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

/* KASAN */
static void mpx_awake_kasan(void)
{
	char *p = kmalloc(16, GFP_KERNEL);

	kfree(p);
	READ_ONCE(*p);
}

/* DEBUG_KMEMLEAK */
static void mpx_awake_leak(void)
{
	int i;

	for (i = 0; i < 8; i++)
		memset(kmalloc(100, GFP_KERNEL), i, 100);
}

/* KCSAN */
static int mpx_awake_kcsan_counter;

static int mpx_awake_kcsan_other(void *done)
{
	unsigned long end = jiffies + 3 * HZ;

	while (time_before(jiffies, end)) {
		mpx_awake_kcsan_counter++;
		cond_resched();
	}
	complete(done);
	return 0;
}

static void mpx_awake_kcsan(void)
{
	DECLARE_COMPLETION_ONSTACK(done);

	kthread_run(mpx_awake_kcsan_other, &done, "mpx_awake_other");
	while (!try_wait_for_completion(&done)) {
		mpx_awake_kcsan_counter++;
		cond_resched();
	}
}

/* DEBUG_LIST. Ends in an oops. */
static void mpx_awake_list(void)
{
	LIST_HEAD(head);
	LIST_HEAD(entry);

	list_add(&entry, &head);
	head.next = &head;
	list_del(&entry);
}

#define FAULT(name)	{ #name, mpx_awake_##name }

/* What some of them report is the last that lockdep looks at. These come late. */
static const struct {
	const char *name;
	void (*make)(void);
} faults[] = {
	FAULT(sleep),
	FAULT(mmap),
	FAULT(vm),
	FAULT(maple),
	FAULT(rcu),
	FAULT(preempt),
	FAULT(objects),
	FAULT(ubsan),
	FAULT(kcsan),
	FAULT(leak),
	FAULT(raw),
	FAULT(lockdep),
	FAULT(kasan),
	FAULT(list),
};

static char chosen[256] __initdata;

static int __init mpx_awake_setup(char *str)
{
	strscpy(chosen, str);
	return 1;
}
__setup("mpx_awake=", mpx_awake_setup);

static int mpx_awake_thread(void *make)
{
	((void (*)(void))make)();
	return 0;
}

/* Is it one of the names in the list? */
static bool __init mpx_awake_chosen(const char *name)
{
	char list[sizeof(chosen)];
	char *rest = list, *word;

	strscpy(list, chosen);
	while ((word = strsep(&rest, ","))) {
		if (!strcmp(word, name))
			return true;
	}
	return false;
}

/* Each in a thread of its own, which may not survive it */
static int __init mpx_awake(void)
{
	struct task_struct *task;
	int i;

	/* The next one must have its turn. */
	if (chosen[0])
		panic_on_oops = 0;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!mpx_awake_chosen(faults[i].name))
			continue;
		pr_notice("mpx_awake: %s\n", faults[i].name);
		task = kthread_create(mpx_awake_thread, faults[i].make,
				      "mpx_%s", faults[i].name);
		get_task_struct(task);
		wake_up_process(task);
		while (!READ_ONCE(task->exit_state))
			msleep(20);
		put_task_struct(task);
	}
	return 0;
}
late_initcall(mpx_awake);
