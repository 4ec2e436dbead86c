// SPDX-License-Identifier: GPL-2.0
/*
 * What MPX costs, in instructions: user mode and kernel together, by RDTSC, which
 * counts them in an emulator that runs with -icount shift=0. One CPU.
 *
 *	bench MODE [CASE...]	these cases, or all of them
 *	bench random STEPS	memory, with management on
 *
 * MODE is "on" (tables are managed), "off" (the same program, MPX is not enabled
 * and its instructions are NOPs), or "plain" (the cases without any MPX, for any
 * kernel). Each case runs in a process of its own and prints "CASE MODE VALUE",
 * the least of several runs: a timer's tick adds to a count, nothing takes from it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

#include "mpx.h"

#define PAGE		4096UL
#define KIB		1024UL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)
#define TIB		(1024 * GIB)
#define RUNS		5

typedef unsigned long long count_t;

static const char *mode;

/* A place for data that is aligned to what a table is for */
static char * const data = (char *)0x200000000000UL;
/* A place where nothing else is in the same page tables */
static char * const far = (char *)0x100000000000UL;

static void die(const char *what)
{
	printf("error: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *map(void *addr, size_t size, int prot)
{
	void *p = mmap(addr, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		       (addr ? MAP_FIXED : 0), -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void unmap(void *addr, size_t size)
{
	if (munmap(addr, size))
		die("munmap");
}

static count_t now(void)
{
	return _rdtsc();
}

static void least(count_t *min, count_t n)
{
	if (!*min || n < *min)
		*min = n;
}

static void figure(const char *name, count_t n)
{
	printf("%s %s %llu\n", name, mode, n);
}

/*
 * As many mappings as a program with some libraries has. With ten or so, all are in
 * one node of the maple tree, which an mmap() of one more may split, and the munmap()
 * join: that is not what is to be measured, and costs twice as much.
 */
static void libraries(void)
{
	char *p = (char *)0x10000000;
	unsigned int i;

	for (i = 0; i < 20; i++)
		map(p + i * PAGE, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE);
}

static char *dir;

static void setup(void)
{
	libraries();
	if (!strcmp(mode, "plain"))
		return;
	/* With management off, too, for the same address space */
	dir = mpx_directory_alloc();
	if (!dir)
		die("directory");
	if (!strcmp(mode, "off"))
		return;
	mpx_on(dir, true);
	if (mpx_manage())
		die("PR_MPX_ENABLE_MANAGEMENT");
}

/* A pointer at this address, to itself, and its bounds */
static void store(void *slot)
{
	mpx_ptr_store(slot, slot, slot, sizeof(void *));
}

/* Bounds for a pointer there, which itself is not touched */
static void store_bounds(void *slot)
{
	mpx_bndmk(0, slot, sizeof(void *));
	mpx_bndstx(0, slot, 0);
}

/* n spans of data with a pointer in every so many bytes of them */
static void fill(unsigned long n, unsigned long every)
{
	unsigned long i;

	map(data, n * MPX_SPAN, PROT_READ | PROT_WRITE);
	for (i = 0; i < n * MPX_SPAN; i += every)
		store(data + i);
}

/* munmap() of a range without tables */
static count_t range(unsigned long size)
{
	count_t t, min = 0;
	unsigned int i;
	void *p;

	for (i = 0; i < 4 * RUNS; i++) {
		p = map(far, size, PROT_NONE);
		t = now();
		unmap(p, size);
		least(&min, now() - t);
	}
	return min;
}

/* mmap() and munmap() of one page */
static count_t page(unsigned long unused)
{
	count_t t, min = 0;
	unsigned int i;

	for (i = 0; i < 20 * RUNS; i++) {
		t = now();
		unmap(map(NULL, PAGE, PROT_READ | PROT_WRITE), PAGE);
		least(&min, now() - t);
	}
	return min;
}

/* munmap() of one page with a pointer; there are such on both sides of it */
static count_t shared(unsigned long unused)
{
	char *p = data + MPX_SPAN / 2;
	count_t t, min = 0;
	unsigned int i;

	fill(1, PAGE);
	for (i = 0; i < 20 * RUNS; i++) {
		t = now();
		unmap(p, PAGE);
		least(&min, now() - t);
		store(map(p, PAGE, PROT_READ | PROT_WRITE));
	}
	return min;
}

/* munmap() of n spans with a table each, for one of them */
static count_t tables(unsigned long n)
{
	count_t t, min = 0;
	unsigned int run;

	for (run = 0; run < RUNS; run++) {
		fill(n, MPX_SPAN);
		t = now();
		unmap(data, n * MPX_SPAN);
		least(&min, now() - t);
	}
	return min / n;
}

/*
 * mmap() of 1 MiB, a pointer with bounds, munmap(). Often enough for what is freed
 * after an RCU grace period to be in the count.
 */
static count_t round_trip(unsigned long n)
{
	count_t t, min = 0;
	unsigned int run;
	unsigned long i;
	char *p;

	for (run = 0; run < RUNS; run++) {
		t = now();
		for (i = 0; i < n; i++) {
			p = map(NULL, MIB, PROT_READ | PROT_WRITE);
			store(p);
			unmap(p, MIB);
		}
		least(&min, now() - t);
	}
	return min / n;
}

/* fork(), exit and wait */
static count_t forks(void)
{
	count_t t, min = 0;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < 2 * RUNS; i++) {
		t = now();
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
		least(&min, now() - t);
	}
	return min;
}

/* There were tables, and there are none. */
static count_t fork_after(unsigned long n)
{
	fill(n, MPX_SPAN);
	unmap(data, n * MPX_SPAN);
	return forks();
}

/* With a pointer in each of n spans */
static count_t fork_live(unsigned long n)
{
	fill(n, MPX_SPAN);
	return forks();
}

/* Memory of one's own like that of n tables with an entry each, unmanaged */
static void fill_like_tables(unsigned long n)
{
	char *tables = map(far, n * MPX_TABLE_SIZE, PROT_READ | PROT_WRITE);
	unsigned long i;

	for (i = 0; i < n; i++) {
		tables[i * MPX_TABLE_SIZE] = 1;
		dir[((unsigned long)data / MPX_SPAN + i) * sizeof(long)] = 1;
	}
}

static count_t fork_alike(unsigned long n)
{
	fill(n, MPX_SPAN);
	fill_like_tables(n);
	return forks();
}

/* The same, when that memory has been unmapped */
static count_t fork_after_alike(unsigned long n)
{
	fill_like_tables(n);
	unmap(far, n * MPX_TABLE_SIZE);
	return forks();
}

/* With a pointer in each page of n spans */
static count_t fork_dense(unsigned long n)
{
	fill(n, PAGE);
	return forks();
}

/* munmap() of one page that has been touched, here or anywhere */
static count_t unmap_page(void *addr)
{
	count_t t, min = 0;
	unsigned int i;
	char *p;

	for (i = 0; i < 20 * RUNS; i++) {
		p = map(addr, PAGE, PROT_READ | PROT_WRITE);
		*p = 1;
		t = now();
		unmap(p, PAGE);
		least(&min, now() - t);
	}
	return min;
}

/* The kernel's own memory, in bytes. Page tables are not in it. */
static unsigned long kernel_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kib, sum = 0;
	char line[128];

	if (!f)
		die("meminfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Slab: %lu", &kib) == 1 ||
		    sscanf(line, "Percpu: %lu", &kib) == 1 ||
		    sscanf(line, "VmallocUsed: %lu", &kib) == 1)
			sum += kib * KIB;
	fclose(f);
	return sum;
}

/*
 * With bounds in n spans: the first bounds in each of 256 more. What munmap() takes
 * elsewhere, and how much kernel memory there is for each table, is found on the way:
 * 65,536 tables take their time.
 */
static count_t first(unsigned long n)
{
	unsigned long before, i, j;
	count_t t, min = 0;
	char name[32];

	map(data, (65536 + RUNS * 256) * MPX_SPAN, PROT_READ | PROT_WRITE);
	before = kernel_memory();
	for (i = 0; i < n; i++)
		store_bounds(data + i * MPX_SPAN);
	if (n >= 256) {
		sprintf(name, "kernel-memory-%lu", n);
		figure(name, (kernel_memory() - before) / n);
	}
	sprintf(name, "elsewhere-%lu", n);
	/* No table is for this one. */
	figure(name, unmap_page(data - MPX_SPAN));
	for (j = 0; j < RUNS; j++) {
		t = now();
		for (; i < n + (j + 1) * 256; i++)
			store_bounds(data + i * MPX_SPAN);
		least(&min, now() - t);
	}
	return min / 256;
}

/* From the instruction to the first one of the handler, which then skips it */
static count_t handled;
static unsigned int insn_size;

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	handled = now();
	uc->uc_mcontext.gregs[REG_RIP] += insn_size;
}

static void catch(unsigned int size)
{
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	insn_size = size;
	sigaction(SIGSEGV, &act, NULL);
}

static count_t violation(unsigned long unused)
{
	count_t t, min = 0;
	unsigned int i;

	catch(4);
	for (i = 0; i < 10 * RUNS; i++) {
		mpx_bndmk(0, data, 8);
		t = now();
		mpx_bndcu(0, data + 8);
		least(&min, handled - t);
	}
	return min;
}

static count_t segv(unsigned long unused)
{
	count_t t, min = 0;
	unsigned int i;

	map(data, PAGE, PROT_NONE);
	catch(2);
	for (i = 0; i < 10 * RUNS; i++) {
		t = now();
		/* test %al, (%rax) */
		asm volatile(".byte 0x84, 0x00" :: "a" (data) : "cc", "memory");
		least(&min, handled - t);
	}
	return min;
}

/* What any process does */

static count_t plain_mmap(unsigned long unused)
{
	count_t t, min = 0;
	unsigned int i;
	char *p;

	for (i = 0; i < 20 * RUNS; i++) {
		t = now();
		p = map(NULL, PAGE, PROT_READ | PROT_WRITE);
		least(&min, now() - t);
		unmap(p, PAGE);
	}
	return min;
}

static count_t plain_munmap(unsigned long unused)
{
	return unmap_page(NULL);
}

static count_t plain_brk(unsigned long unused)
{
	count_t t, min = 0;
	unsigned int i;

	for (i = 0; i < 20 * RUNS; i++) {
		t = now();
		if (sbrk(PAGE) == (void *)-1 || sbrk(-(long)PAGE) == (void *)-1)
			die("brk");
		least(&min, now() - t);
	}
	return min;
}

static count_t plain_fork(unsigned long unused)
{
	return forks();
}

static count_t plain_exec(unsigned long unused)
{
	count_t t, min = 0;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < 4 * RUNS; i++) {
		t = now();
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0) {
			execl("/proc/self/exe", "bench", NULL);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
		least(&min, now() - t);
	}
	return min;
}

static count_t plain_fault(unsigned long unused)
{
	count_t t, min = 0;
	char *p = map(data, 64 * PAGE, PROT_READ | PROT_WRITE);
	unsigned int i;

	for (i = 0; i < 64; i++) {
		t = now();
		p[i * PAGE] = 1;
		least(&min, now() - t);
	}
	return min;
}

/* What MADV_DONTNEED discards is one page. */
static count_t plain_madvise(unsigned long unused)
{
	char *p = map(data, PAGE, PROT_READ | PROT_WRITE);
	count_t t, min = 0;
	unsigned int i;

	for (i = 0; i < 20 * RUNS; i++) {
		*p = 1;
		t = now();
		if (madvise(p, PAGE, MADV_DONTNEED))
			die("madvise");
		least(&min, now() - t);
	}
	return min;
}

/* There and back again, through pipes */
static count_t plain_switch(unsigned long unused)
{
	int there[2], back[2];
	count_t t, min = 0;
	unsigned int i;
	char c = 0;
	pid_t pid;

	if (pipe(there) || pipe(back))
		die("pipe");
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1)
			if (write(back[1], &c, 1) != 1)
				break;
		_exit(0);
	}
	for (i = 0; i < 40 * RUNS; i++) {
		t = now();
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			die("pipe");
		least(&min, now() - t);
	}
	close(there[1]);
	waitpid(pid, NULL, 0);
	return min;
}

/* Memory */

struct usage {
	unsigned long space, resident, huge;	/* of the tables, in bytes */
};

static struct usage usage(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kib;
	struct usage u = { 0 };
	char line[256];
	bool mpx = false;

	if (!f)
		die("smaps");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			mpx = strstr(line, "[mpx]");
			if (mpx)
				u.space += end - start;
		} else if (mpx && sscanf(line, "Rss: %lu", &kib) == 1) {
			u.resident += kib * KIB;
		} else if (mpx && sscanf(line, "AnonHugePages: %lu", &kib) == 1) {
			u.huge += kib * KIB;
		}
	}
	fclose(f);
	return u;
}

/*
 * Map, store, unmap, move and discard at random. Which table pages should be in
 * memory then is easily said: one for each KIB of data, from the first bounds
 * in it until it goes.
 */
#define PAGES		(64 * MPX_SPAN / PAGE)
#define KIBS		(PAGES * 4)

static bool mapped[PAGES];
static bool bounds[KIBS];

static unsigned long rnd(unsigned long n)
{
	static unsigned long x = 88172645463325252UL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % n;
}

static void forget(unsigned long first, unsigned long n, bool still_mapped)
{
	memset(mapped + first, still_mapped, n);
	memset(bounds + first * 4, 0, n * 4);
}

static bool all_mapped(unsigned long first, unsigned long n)
{
	return !memchr(mapped + first, 0, n);
}

static void step(unsigned long phase)
{
	/* By and by it is more, then less. */
	unsigned long len = 1 + rnd(rnd(4) ? 64 : 1024), at = rnd(PAGES - len);
	unsigned long what = rnd(12), i, slot, to;
	char *p = data + at * PAGE;

	if (what < (phase ? 5 : 2)) {
		unmap(p, len * PAGE);
		forget(at, len, false);
	} else if (what < 6) {
		map(p, len * PAGE, PROT_READ | PROT_WRITE);
		forget(at, len, true);
	} else if (what == 6 && all_mapped(at, len)) {
		madvise(p, len * PAGE, MADV_DONTNEED);
		forget(at, len, true);
	} else if (what == 7 && all_mapped(at, len)) {
		to = rnd(PAGES - len);
		if (to + len <= at || at + len <= to) {
			/* It may have several parts: then it stays. */
			if (mremap(p, len * PAGE, len * PAGE,
				   MREMAP_MAYMOVE | MREMAP_FIXED,
				   data + to * PAGE) == MAP_FAILED) {
				unmap(data + to * PAGE, len * PAGE);
				forget(to, len, false);
			} else {
				forget(at, len, false);
				forget(to, len, true);
			}
		}
	} else {
		for (i = 0; i < len; i++) {
			slot = (at + rnd(len)) * PAGE + rnd(PAGE / 8) * 8;
			if (!mapped[slot / PAGE])
				continue;
			store(data + slot);
			bounds[slot / KIB] = true;
		}
	}
}

static void random_run(unsigned long steps)
{
	unsigned long i, j, wanted, difference = 0, huge = 0;
	struct usage u;

	for (i = 0; i < steps; i++) {
		step(i * 4 / steps % 2);
		if (i % (steps / 200))
			continue;
		for (wanted = j = 0; j < KIBS; j++)
			wanted += bounds[j] * PAGE;
		u = usage();
		printf("curve random %lu %lu %lu\n", i, wanted / KIB, u.resident / KIB);
		difference += u.resident > wanted ? u.resident - wanted :
						    wanted - u.resident;
		huge += u.huge;
	}
	figure("random-difference", difference);
	figure("random-huge", huge);
	unmap(data, PAGES * PAGE);
	u = usage();
	figure("random-left", u.resident);
	figure("random-space", u.space);
}

#define ON	1
#define OFF	2
#define PLAIN	4

static const struct bench {
	const char *name;
	unsigned int modes;
	count_t (*run)(unsigned long n);
	unsigned long n;
} benches[] = {
	{ "range-1M",		ON | OFF,	range,		MIB },
	{ "range-32M",		ON | OFF,	range,		32 * MIB },
	{ "range-1G",		ON | OFF,	range,		GIB },
	{ "range-32G",		ON | OFF,	range,		32 * GIB },
	{ "range-1T",		ON | OFF,	range,		TIB },
	{ "range-64T",		ON | OFF,	range,		64 * TIB },
	{ "page",		ON | OFF,	page },
	{ "shared",		ON | OFF,	shared },
	{ "tables-1",		ON | OFF,	tables,		1 },
	{ "tables-16",		ON | OFF,	tables,		16 },
	{ "tables-256",		ON | OFF,	tables,		256 },
	{ "tables-4096",	ON | OFF,	tables,		4096 },
	{ "round",		ON | OFF,	round_trip,	512 },
	{ "fork-after",		ON | OFF,	fork_after,	256 },
	{ "fork-after-alike",	OFF,		fork_after_alike, 256 },
	{ "fork-live",		ON | OFF,	fork_live,	4096 },
	{ "fork-alike",		OFF,		fork_alike,	4096 },
	{ "fork-dense",		ON | OFF,	fork_dense,	256 },
	{ "violation",		ON,		violation },
	{ "segv",		ON,		segv },
	{ "first-0",		ON,		first,		0 },
	{ "first-16",		ON,		first,		16 },
	{ "first-256",		ON,		first,		256 },
	{ "first-4096",		ON,		first,		4096 },
	{ "first-65536",	ON,		first,		65536 },
	{ "plain-mmap",		PLAIN,		plain_mmap },
	{ "plain-munmap",	PLAIN,		plain_munmap },
	{ "plain-brk",		PLAIN,		plain_brk },
	{ "plain-madvise",	PLAIN,		plain_madvise },
	{ "plain-fork",		PLAIN,		plain_fork },
	{ "plain-exec",		PLAIN,		plain_exec },
	{ "plain-fault",	PLAIN,		plain_fault },
	{ "plain-switch",	PLAIN,		plain_switch },
};

/*
 * So that each case starts in the same way: without interrupts to come of the serial
 * line, which takes what was printed; without work that the last case has left to RCU;
 * and with a timer's tick.
 */
static void settle(void)
{
	struct timespec start, t;

	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	usleep(20000);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &start);
	do
		clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	while (t.tv_nsec == start.tv_nsec);
}

static void run(const struct bench *b)
{
	int status;
	pid_t pid;

	settle();
	pid = fork();
	if (pid == 0) {
		setup();
		figure(b->name, b->run(b->n));
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die(b->name);
	if (status)
		printf("error: %s: wait status %x\n", b->name, status);
}

static bool wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned int i, modes;

	/* What plain-exec executes */
	if (argc < 2)
		return 0;
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	mode = argv[1];
	if (!strcmp(mode, "random") && argc == 3) {
		mode = "on";
		setup();
		random_run(strtoul(argv[2], NULL, 0));
		return 0;
	}
	modes = !strcmp(mode, "on") ? ON : !strcmp(mode, "off") ? OFF : PLAIN;
	for (i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
		if (benches[i].modes & modes && wanted(benches[i].name, argv + 2))
			run(&benches[i]);
	return 0;
}
