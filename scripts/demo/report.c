// SPDX-License-Identifier: GPL-2.0
/*
 * The report of a violation: what the signal says, as a person reads it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/elf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include "demo.h"

extern const struct elf64_hdr __ehdr_start;	/* by the linker */

/* This very file, for its symbols; NULL if it cannot be read. */
static const char *program(void)
{
	static const char *file;
	struct stat st;
	int fd;

	if (file)
		return file;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return NULL;
	file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED)
		file = NULL;
	return file;
}

/* The name of the function at pc, and how far in pc is. */
static const char *function_at(unsigned long pc, unsigned long *offset)
{
	const char *file = program();
	const struct elf64_hdr *ehdr = (const struct elf64_hdr *)file;
	const struct elf64_shdr *sect;
	const struct elf64_sym *sym, *last;
	unsigned int i;

	*offset = 0;
	if (!file)
		return "?";
	if (ehdr->e_type == ET_DYN)		/* static-pie */
		pc -= (unsigned long)&__ehdr_start;
	sect = (const struct elf64_shdr *)(file + ehdr->e_shoff);
	for (i = 0; i < ehdr->e_shnum; i++) {
		if (sect[i].sh_type != SHT_SYMTAB)
			continue;
		sym = (const struct elf64_sym *)(file + sect[i].sh_offset);
		last = sym + sect[i].sh_size / sizeof(*sym);
		for (; sym < last; sym++) {
			if (ELF_ST_TYPE(sym->st_info) != STT_FUNC ||
			    pc - sym->st_value >= sym->st_size)
				continue;
			*offset = pc - sym->st_value;
			return file + sect[sect[i].sh_link].sh_offset +
			       sym->st_name;
		}
	}
	return "?";
}

/* Of the three instructions that check; names the bound as well. */
static const char *which_check(const unsigned char *insn)
{
	/* All that this program uses is 3 or 4 bytes, prefix and opcode first. */
	if (insn[0] == 0xf3 && insn[1] == 0x0f && insn[2] == 0x1a)
		return "BNDCL, the lower bound";
	if (insn[0] == 0xf2 && insn[1] == 0x0f && insn[2] == 0x1a)
		return "BNDCU, the upper bound";
	if (insn[0] == 0xf2 && insn[1] == 0x0f && insn[2] == 0x1b)
		return "BNDCN, the upper bound";
	return "not an MPX check";
}

/* The function at rip and who called it, by the frame pointers. */
static void report_place(const ucontext_t *uc)
{
	unsigned long pc = uc->uc_mcontext.gregs[REG_RIP], offset;
	unsigned long sp = uc->uc_mcontext.gregs[REG_RSP];
	unsigned long fp = uc->uc_mcontext.gregs[REG_RBP];
	const char *name = function_at(pc, &offset);
	int depth;

	printf("   in       %s()+%#lx, rip %#lx\n", name, offset, pc);
	printf("   called   by ");
	for (depth = 0; depth < 8; depth++) {
		const unsigned long *frame = (const unsigned long *)fp;

		if (fp < sp || fp - sp > 65536 || fp & 7)
			break;
		name = function_at(frame[1] - 1, &offset);
		printf("%s%s()", depth ? ", " : "", name);
		if (!strcmp(name, "main") || !strcmp(name, "?"))
			break;
		sp = fp + 16;
		fp = frame[0];
	}
	printf("\n");
}

static void report_distance(unsigned long bytes, const char *where)
{
	printf("   that is  %lu byte%s %s\n", bytes, bytes == 1 ? "" : "s", where);
}

/*
 * SIGSEGV. MPX is off in here, as in each signal handler. printf() is all right
 * because the signal comes from the code of this demo, never from within
 * the C library, and nobody returns to what was interrupted.
 */
static void stopped(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;
	const unsigned char *insn = (void *)uc->uc_mcontext.gregs[REG_RIP];
	unsigned long addr = (unsigned long)si->si_addr;
	unsigned long lower, upper;

	if (si->si_code != SEGV_BNDERR) {
		printf("\n*** signal %d, code %d, address %#lx: no bounds violation\n",
		       sig, si->si_code, addr);
		report_place(uc);
		fflush(stdout);
		_exit(WRONG);
	}
	lower = (unsigned long)si->si_lower;
	upper = (unsigned long)si->si_upper;
	printf("\n*** SIGSEGV, SEGV_BNDERR: a bounds check has failed\n");
	printf("   address  %012lx\n", addr);
	printf("   bounds   %012lx..%012lx, %lu bytes\n", lower, upper,
	       upper - lower + 1);
	if (addr < lower)
		report_distance(lower - addr, "before the start");
	else if (addr > upper)
		report_distance(addr - upper, "past the end");
	else
		printf("   that is  within the bounds?\n");
	report_place(uc);
	printf("   insn     %02x %02x %02x %02x: %s\n", insn[0], insn[1],
	       insn[2], insn[3], which_check(insn));
	if (reading)
		printf("   input    %s, line %u, byte %zu of the file\n",
		       file_name, reading->line, reading->pos);
	fflush(stdout);
	_exit(addr < lower || addr > upper ? STOPPED : WRONG);
}

void report_violations(void)
{
	struct sigaction sa = {
		.sa_sigaction = stopped,
		.sa_flags = SA_SIGINFO,
	};

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSEGV, &sa, NULL))
		die("sigaction");
}
