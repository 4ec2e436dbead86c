// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what is made of the instruction that violated bounds. No processor
 * with MPX is needed:
 *
 *	tools/testing/kunit/kunit.py run --arch=x86_64 --kunitconfig=arch/x86/mm
 *
 * The operands that are expected are computed here from the tables of the SDM
 * (vol. 2, chapter 2, "ModR/M and SIB Bytes" and "REX Prefixes").
 */

#include <kunit/test.h>

#include <linux/hex.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include <asm/fpu/types.h>
#include <asm/insn.h>
#include <asm/mpx.h>
#include <asm/ptrace.h>
#include <asm/segment.h>

#define SEED		0x6d7078
#define IP		0x401000UL

/* What is in general purpose register n, in each of the modes */
#define REG(n)		(0x10203040506UL * ((n) + 1))
#define REG_32(n)	((u32)(0x10203045UL * ((n) + 1)))

enum { AX, CX, DX, BX, SP, BP, SI, DI, R8, R9, R10, R11, R12, R13, R14, R15 };

enum check { BNDCL, BNDCU, BNDCN, REFUSED };

static const char * const check_names[] = { "BNDCL", "BNDCU", "BNDCN" };
static const u8 check_prefix[] = { 0xf3, 0xf2, 0xf2 };
static const u8 check_opcode[] = { 0x1a, 0x1a, 0x1b };

static unsigned long *reg_of(struct pt_regs *regs, int nr)
{
	unsigned long *reg[] = {
		&regs->ax, &regs->cx, &regs->dx, &regs->bx,
		&regs->sp, &regs->bp, &regs->si, &regs->di,
		&regs->r8, &regs->r9, &regs->r10, &regs->r11,
		&regs->r12, &regs->r13, &regs->r14, &regs->r15,
	};

	return reg[nr];
}

static void user_regs(struct pt_regs *regs, bool is_64bit)
{
	int i;

	*regs = (struct pt_regs) {
		.ip = IP,
		.cs = is_64bit ? __USER_CS : __USER32_CS,
		.ss = __USER_DS,
		.flags = X86_EFLAGS_FIXED | X86_EFLAGS_IF,
	};

	for (i = 0; i < (is_64bit ? 16 : 8); i++)
		*reg_of(regs, i) = is_64bit ? REG(i) : REG_32(i);
}

/* Bounds that a check of @addr fails by one byte, or just does not fail */
static void set_bounds(struct mpx_bndreg *bnd, enum check check,
		       unsigned long addr, bool fails)
{
	*bnd = (struct mpx_bndreg) { };

	switch (check) {
	case BNDCL:
		bnd->lower_bound = addr + fails;
		break;
	case BNDCU:
		bnd->upper_bound = ~(addr - fails);
		break;
	default:
		bnd->upper_bound = addr - fails;
		break;
	}
}

/* A copy of @len bytes, in an allocation of just that size: KASAN sees the end. */
static u8 *exactly(struct kunit *test, const u8 *bytes, int len)
{
	u8 *copy = kunit_kmalloc(test, len ?: 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, bytes, len);
	return copy;
}

/*
 * That @bytes are @check of bounds register @reg and of @addr: it fails where
 * that should fail, and does not where the address is off by one.
 */
static void expect_check(struct kunit *test, u8 *bytes, int len,
			 struct pt_regs *regs, enum check check, int reg,
			 unsigned long addr)
{
	bool is_64bit = regs->cs == __USER_CS;
	unsigned long mask = is_64bit ? ~0UL : U32_MAX;
	/* Of no meaning to a 32-bit task */
	unsigned long more = is_64bit ? 0 : 0xdeadbeef00000000;
	struct mpx_bndreg_state bnd;
	struct mpx_violation v = { };
	int i, ret;

	addr &= mask;
	for (i = 0; i < ARRAY_SIZE(bnd.bndreg); i++)
		set_bounds(&bnd.bndreg[i], check, addr, i == reg);
	bnd.bndreg[reg].lower_bound |= more;
	bnd.bndreg[reg].upper_bound &= mask;
	bnd.bndreg[reg].upper_bound |= more;

	ret = mpx_decode_check(bytes, len, regs, &bnd, &v);
	KUNIT_ASSERT_EQ_MSG(test, ret, 0, "%*ph", len, bytes);
	KUNIT_ASSERT_EQ_MSG(test, (unsigned long)v.addr, addr, "%*ph", len, bytes);
	KUNIT_ASSERT_EQ_MSG(test, (unsigned long)v.lower,
			    bnd.bndreg[reg].lower_bound & mask, "%*ph", len, bytes);
	KUNIT_ASSERT_EQ_MSG(test, (unsigned long)v.upper,
			    ~bnd.bndreg[reg].upper_bound & mask, "%*ph", len, bytes);

	for (i = 0; i < ARRAY_SIZE(bnd.bndreg); i++)
		set_bounds(&bnd.bndreg[i], check, addr, i != reg);

	ret = mpx_decode_check(bytes, len, regs, &bnd, &v);
	KUNIT_ASSERT_EQ_MSG(test, ret, -EINVAL, "not failing: %*ph", len, bytes);
}

/* That there is no check in @bytes, whatever the bounds */
static void expect_refused(struct kunit *test, u8 *bytes, int len,
			   struct pt_regs *regs)
{
	struct mpx_violation v = { .addr = (void __user *)42 };
	struct mpx_bndreg_state bnd;
	enum check check;
	int i, ret;

	for (check = BNDCL; check < REFUSED; check++) {
		/* This any operand fails but 0, or all ones. */
		for (i = 0; i < ARRAY_SIZE(bnd.bndreg); i++)
			set_bounds(&bnd.bndreg[i], check,
				   check == BNDCL ? ~0UL - 1 : 1, true);

		ret = mpx_decode_check(bytes, len, regs, &bnd, &v);
		KUNIT_ASSERT_EQ_MSG(test, ret, -EINVAL, "%*ph", len, bytes);
		KUNIT_ASSERT_EQ(test, (unsigned long)v.addr, 42);
	}
}

/*
 * Each addressing form with each bounds register: all combinations of ModRM, SIB and
 * REX that name one, with displacements of either sign.
 */
struct form_case {
	enum check check;
	bool is_64bit;
};

/* One buffer for each length */
struct buffers {
	u8 *of[MAX_INSN_SIZE + 1];
};

static void get_buffers(struct kunit *test, struct buffers *buf)
{
	static const u8 zeros[MAX_INSN_SIZE];
	int len;

	for (len = 0; len <= MAX_INSN_SIZE; len++)
		buf->of[len] = exactly(test, zeros, len);
}

static const struct form_case form_cases[] = {
	{ BNDCL, true }, { BNDCU, true }, { BNDCN, true },
	{ BNDCL, false }, { BNDCU, false }, { BNDCN, false },
};

static void form_desc(const struct form_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %d-bit", check_names[c->check],
		 c->is_64bit ? 64 : 32);
}

KUNIT_ARRAY_PARAM(form, form_cases, form_desc);

static const s32 disps[] = { 0x12, -0x34, 0x12345678, -0x1234567 };

/*
 * One form. @rex is 0 for no prefix; @sib counts where ModRM asks for it. Returns
 * how many instructions that made.
 */
static int try_form(struct kunit *test, const struct form_case *c,
		    struct buffers *buf, struct pt_regs *regs, int reg, u8 rex,
		    int mod, int rm, u8 sib)
{
	int rex_b = rex & 1 ? 8 : 0, rex_x = rex & 2 ? 8 : 0;
	bool has_sib = mod != 3 && rm == 4;
	bool no_base = mod == 0 && (has_sib ? sib % 8 : rm) == 5;
	int disp_size = mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
	int nr = disp_size ? ARRAY_SIZE(disps) : 1;
	u8 bytes[MAX_INSN_SIZE];
	unsigned long addr;
	int i, j, len;

	for (i = 0; i < nr; i++) {
		s32 disp = disp_size == 1 ? (s8)disps[i] : disps[i];

		len = 0;
		bytes[len++] = check_prefix[c->check];
		if (rex)
			bytes[len++] = rex;
		bytes[len++] = 0x0f;
		bytes[len++] = check_opcode[c->check];
		bytes[len++] = mod << 6 | reg << 3 | rm;
		if (has_sib)
			bytes[len++] = sib;
		memcpy(bytes + len, &disp, disp_size);
		len += disp_size;

		if (no_base && !has_sib)
			addr = c->is_64bit ? IP + len : 0;
		else if (no_base)
			addr = 0;
		else
			addr = *reg_of(regs, (has_sib ? sib % 8 : rm) + rex_b);
		if (has_sib && sib / 8 % 8 + rex_x != SP)
			addr += *reg_of(regs, sib / 8 % 8 + rex_x) << (sib / 64);
		if (disp_size)
			addr += disp;

		memcpy(buf->of[len], bytes, len);
		expect_check(test, buf->of[len], len, regs, c->check, reg, addr);

		/* Truncated. One displacement and one register are enough for that. */
		for (j = 0; i == 0 && reg == 0 && j < len; j++) {
			memcpy(buf->of[j], bytes, j);
			expect_refused(test, buf->of[j], j, regs);
		}
	}

	return nr;
}

/* All forms with this prefix, or none */
static int try_forms(struct kunit *test, const struct form_case *c,
		     struct buffers *buf, struct pt_regs *regs, u8 rex)
{
	int reg, mod, rm, sib, nr = 0;

	for (reg = 0; reg < 4; reg++) {
		for (mod = 0; mod < 4; mod++) {
			for (rm = 0; rm < 8; rm++) {
				for (sib = 0; sib < (rm == 4 && mod < 3 ? 256 : 1); sib++)
					nr += try_form(test, c, buf, regs, reg, rex,
						       mod, rm, sib);
			}
		}
	}

	return nr;
}

static void mpx_decode_forms(struct kunit *test)
{
	const struct form_case *c = test->param_value;
	struct pt_regs regs;
	struct buffers buf;
	int rex, nr;

	user_regs(&regs, c->is_64bit);
	get_buffers(test, &buf);

	nr = try_forms(test, c, &buf, &regs, 0);
	for (rex = 0x40; c->is_64bit && rex < 0x50; rex++) {
		/* With REX.R, it would be the registers after BND3. */
		if (!(rex & 4))
			nr += try_forms(test, c, &buf, &regs, rex);
	}

	kunit_info(test, "%d instructions\n", nr);
}

/* Instructions as an assembler makes them, and some that are to be refused */
struct insn_case {
	const char *name;
	bool is_64bit;
	const char *bytes;
	enum check check;
	int reg;
	unsigned long addr;
};

static const struct insn_case insn_cases[] = {
	{ "bndcl %rcx, %bnd0", true, "f3 0f 1a c1", BNDCL, 0, REG(CX) },
	{ "bndcu %r9, %bnd3", true, "f2 41 0f 1a d9", BNDCU, 3, REG(R9) },
	{ "bndcn %rsp, %bnd2", true, "f2 0f 1b d4", BNDCN, 2, REG(SP) },
	{ "bndcl (%rdi), %bnd1", true, "f3 0f 1a 0f", BNDCL, 1, REG(DI) },
	{ "bndcu 0x40(%rbp), %bnd0", true, "f2 0f 1a 45 40",
	  BNDCU, 0, REG(BP) + 0x40 },
	{ "bndcn -0x80(%rsp), %bnd1", true, "f2 0f 1b 4c 24 80",
	  BNDCN, 1, REG(SP) - 0x80 },
	{ "bndcl 0x12345678(%r12), %bnd2", true, "f3 41 0f 1a 94 24 78 56 34 12",
	  BNDCL, 2, REG(R12) + 0x12345678 },
	{ "bndcu (%rax,%rcx,4), %bnd3", true, "f2 0f 1a 1c 88",
	  BNDCU, 3, REG(AX) + 4 * REG(CX) },
	{ "bndcn -8(%r13,%r14,8), %bnd0", true, "f2 43 0f 1b 44 f5 f8",
	  BNDCN, 0, REG(R13) + 8 * REG(R14) - 8 },
	{ "bndcl 0x1000(,%rdx,2), %bnd1", true, "f3 0f 1a 0c 55 00 10 00 00",
	  BNDCL, 1, 2 * REG(DX) + 0x1000 },
	{ "bndcu 0x1234(%rip), %bnd2", true, "f2 0f 1a 15 34 12 00 00",
	  BNDCU, 2, IP + 8 + 0x1234 },
	{ "bndcn 0x7654321, %bnd3", true, "f2 0f 1b 1c 25 21 43 65 07",
	  BNDCN, 3, 0x7654321 },
	{ "bndcl %fs:0x10(%rbx), %bnd0", true, "64 f3 0f 1a 43 10",
	  BNDCL, 0, REG(BX) + 0x10 },
	{ "bndcu %gs:(%r15,%rsi), %bnd1", true, "65 f2 41 0f 1a 0c 37",
	  BNDCU, 1, REG(R15) + REG(SI) },
	{ "64-bit, address size prefix", true, "67 f2 0f 1b 50 04",
	  BNDCN, 2, REG(AX) + 4 },
	{ "64-bit, address size prefix, register", true, "f3 67 0f 1a c1",
	  BNDCL, 0, REG(CX) },
	{ "64-bit, address size prefix, RIP", true, "67 f2 0f 1a 15 34 12 00 00",
	  BNDCU, 2, IP + 9 + 0x1234 },
	{ "64-bit, operand size prefix", true, "66 f3 0f 1a 0f",
	  BNDCL, 1, REG(DI) },
	{ "64-bit, REX.W", true, "f2 48 0f 1a 0f", BNDCU, 1, REG(DI) },
	{ "64-bit, four prefixes", true, "3e 66 67 f3 0f 1a 0f",
	  BNDCL, 1, REG(DI) },
	{ "64-bit, a prefix twice", true, "f3 f3 0f 1a 0f", BNDCL, 1, REG(DI) },
	{ "64-bit, as long as it can be", true,
	  "3e 3e 3e 3e 3e f3 43 0f 1a 94 f4 78 56 34 12",
	  BNDCL, 2, REG(R12) + 8 * REG(R14) + 0x12345678 },
	{ "bndcl %ecx, %bnd0", false, "f3 0f 1a c1", BNDCL, 0, REG_32(CX) },
	{ "bndcu (%edi), %bnd1", false, "f2 0f 1a 0f", BNDCU, 1, REG_32(DI) },
	{ "bndcn 0x40(%ebp), %bnd2", false, "f2 0f 1b 55 40",
	  BNDCN, 2, REG_32(BP) + 0x40 },
	{ "bndcl -0x80(%esp), %bnd3", false, "f3 0f 1a 5c 24 80",
	  BNDCL, 3, REG_32(SP) - 0x80 },
	{ "bndcu 0x12345678(%esi), %bnd0", false, "f2 0f 1a 86 78 56 34 12",
	  BNDCU, 0, REG_32(SI) + 0x12345678 },
	{ "bndcn (%eax,%ecx,4), %bnd1", false, "f2 0f 1b 0c 88",
	  BNDCN, 1, REG_32(AX) + 4 * REG_32(CX) },
	{ "bndcl -8(%ebx,%edx,8), %bnd2", false, "f3 0f 1a 54 d3 f8",
	  BNDCL, 2, REG_32(BX) + 8 * REG_32(DX) - 8 },
	{ "bndcu 0x1000(,%edx,2), %bnd3", false, "f2 0f 1a 1c 55 00 10 00 00",
	  BNDCU, 3, 2 * REG_32(DX) + 0x1000 },
	{ "bndcn 0x7654321, %bnd0", false, "f2 0f 1b 05 21 43 65 07",
	  BNDCN, 0, 0x7654321 },
	{ "bndcl %gs:4(%ebx), %bnd1", false, "65 f3 0f 1a 4b 04",
	  BNDCL, 1, REG_32(BX) + 4 },
	{ "bndcu 0x7fffffff(%eax), %bnd2", false, "f2 0f 1a 90 ff ff ff 7f",
	  BNDCU, 2, REG_32(AX) + 0x7fffffff },

	{ "64-bit, bndmk", true, "f3 0f 1b 07", REFUSED },
	{ "64-bit, bndmov load", true, "66 0f 1a 07", REFUSED },
	{ "64-bit, bndmov store", true, "66 0f 1b 07", REFUSED },
	{ "64-bit, bndldx", true, "0f 1a 04 07", REFUSED },
	{ "64-bit, bndstx", true, "0f 1b 04 07", REFUSED },
	{ "64-bit, BND4", true, "f3 0f 1a 27", REFUSED },
	{ "64-bit, BND7", true, "f3 0f 1a 3f", REFUSED },
	{ "64-bit, REX.R", true, "f3 44 0f 1a 07", REFUSED },
	{ "64-bit, LOCK", true, "f0 f3 0f 1a 07", REFUSED },
	{ "64-bit, F2 and F3", true, "f2 f3 0f 1a 07", REFUSED },
	{ "64-bit, F3 and F2", true, "f3 f2 0f 1b 07", REFUSED },
	{ "64-bit, F3 as the opcode", true, "48 0f f3 1a 07", REFUSED },
	{ "64-bit, 0F 19", true, "f3 0f 19 07", REFUSED },
	{ "64-bit, 0F 1C", true, "f2 0f 1c 07", REFUSED },
	{ "64-bit, endbr64", true, "f3 0f 1e fa", REFUSED },
	{ "64-bit, 0F 38 1A", true, "f2 0f 38 1a 07", REFUSED },
	{ "64-bit, one byte 1A", true, "f3 1a 07", REFUSED },
	{ "64-bit, VEX", true, "c5 fa 1a 07", REFUSED },
	{ "64-bit, VEX, three bytes", true, "c4 e1 7a 1a 07", REFUSED },
	{ "64-bit, EVEX", true, "62 f1 7e 08 1a 07", REFUSED },
	{ "64-bit, emulation prefix", true, "0f 0b 78 65 6e f3 0f 1a 07", REFUSED },
	{ "64-bit, int3", true, "cc", REFUSED },
	{ "64-bit, ud2", true, "0f 0b", REFUSED },
	{ "64-bit, bnd jmp", true, "f2 eb 1a", REFUSED },
	/* Legal and without effect, but the instruction decoder is strict. */
	{ "64-bit, REX that is not next to the opcode", true, "41 f2 0f 1a 0f",
	  REFUSED },
	{ "64-bit, nothing but prefixes", true,
	  "f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3", REFUSED },
	{ "64-bit, a byte longer than it can be", true,
	  "3e 3e 3e 3e 3e 3e f3 43 0f 1a 94 f4 78 56 34 12", REFUSED },
	{ "64-bit, nothing", true, "", REFUSED },
	{ "32-bit, 16-bit address", false, "67 f3 0f 1a 07", REFUSED },
	{ "32-bit, 16-bit address, register", false, "67 f3 0f 1a c1", REFUSED },
	{ "32-bit, REX is DEC", false, "48 f3 0f 1a c1", REFUSED },
	{ "32-bit, REX is DEC after the prefix", false, "f3 48 0f 1a c1", REFUSED },
	{ "32-bit, BND4", false, "f2 0f 1b 27", REFUSED },
	{ "32-bit, bndmk", false, "f3 0f 1b 07", REFUSED },
	{ "32-bit, bndldx", false, "0f 1a 04 07", REFUSED },
	{ "32-bit, BOUND", false, "62 07", REFUSED },
};

KUNIT_ARRAY_PARAM_DESC(insn, insn_cases, name);

/* Bytes from text, like "f3 0f 1a c1". Returns how many. */
static int parse(const char *text, u8 *bytes)
{
	int len = 0;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		bytes[len++] = hex_to_bin(text[0]) << 4 | hex_to_bin(text[1]);
		text++;
	}

	return len;
}

static void mpx_decode_insn(struct kunit *test)
{
	const struct insn_case *c = test->param_value;
	u8 bytes[2 * MAX_INSN_SIZE];
	struct pt_regs regs;
	int len, cut;

	user_regs(&regs, c->is_64bit);
	memset(bytes, 0xf3, sizeof(bytes));
	len = parse(c->bytes, bytes);

	if (c->check == REFUSED) {
		expect_refused(test, exactly(test, bytes, len), len, &regs);
		return;
	}

	/* As it is, with something behind it, and truncated */
	expect_check(test, exactly(test, bytes, len), len, &regs, c->check, c->reg,
		     c->addr);
	expect_check(test, bytes, MAX_INSN_SIZE, &regs, c->check, c->reg, c->addr);
	expect_check(test, bytes, sizeof(bytes), &regs, c->check, c->reg, c->addr);
	for (cut = 0; cut < len; cut++)
		expect_refused(test, exactly(test, bytes, cut), cut, &regs);
}

/*
 * Code segments that do not exist, or not any more: another thread may have taken
 * one out of the LDT since the instruction was executed.
 */
static void mpx_decode_bad_cs(struct kunit *test)
{
	static const u16 selectors[] = { 0, 3, __USER_DS, 7, 0x7fff, 0x8047, 0xffff };
	u8 bytes[] = { 0xf3, 0x0f, 0x1a, 0xc1 };
	struct pt_regs regs;
	int i;

	user_regs(&regs, true);
	for (i = 0; i < ARRAY_SIZE(selectors); i++) {
		regs.cs = selectors[i];
		expect_refused(test, bytes, sizeof(bytes), &regs);
	}
}

/*
 * Bytes of all kinds: they are decoded or refused, and nothing is read beyond
 * their end. What is decoded must have the opcode of a check in it, and be the
 * check that fails where it was said to.
 */
struct random_case {
	const char *name;
	bool is_64bit;
	bool opcode;		/* Put one in, else hardly any is a check. */
};

#define RANDOM_STRINGS	100000

static const struct random_case random_cases[] = {
	{ "64-bit", true, false },
	{ "64-bit, with the opcode", true, true },
	{ "32-bit", false, false },
	{ "32-bit, with the opcode", false, true },
};

KUNIT_ARRAY_PARAM_DESC(random, random_cases, name);

static bool has_opcode(const u8 *bytes, int len)
{
	int i;

	for (i = 0; i + 1 < len; i++) {
		if (bytes[i] == 0x0f && (bytes[i + 1] == 0x1a || bytes[i + 1] == 0x1b))
			return true;
	}

	return false;
}

/* Do @bytes decode as @check of @addr, to the byte? */
static bool is_check(u8 *bytes, int len, struct pt_regs *regs, enum check check,
		     unsigned long addr)
{
	struct mpx_violation v = { };
	struct mpx_bndreg_state bnd;
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(bnd.bndreg); i++)
		set_bounds(&bnd.bndreg[i], check, addr, true);
	ret = mpx_decode_check(bytes, len, regs, &bnd, &v);
	if (ret || (unsigned long)v.addr != addr)
		return false;

	for (i = 0; i < ARRAY_SIZE(bnd.bndreg); i++)
		set_bounds(&bnd.bndreg[i], check, addr, false);
	return mpx_decode_check(bytes, len, regs, &bnd, &v) == -EINVAL;
}

static void mpx_decode_random(struct kunit *test)
{
	const struct random_case *c = test->param_value;
	static const u8 prefixes[] = { 0xf3, 0xf2, 0xf3, 0xf2, 0x66, 0x67, 0x64, 0x41 };
	unsigned long mask = c->is_64bit ? ~0UL : U32_MAX;
	struct mpx_bndreg_state bnd;
	struct pt_regs regs;
	struct rnd_state rnd;
	struct buffers buf;
	int i, j, len, ret, decoded = 0;

	user_regs(&regs, c->is_64bit);
	get_buffers(test, &buf);
	prandom_seed_state(&rnd, SEED);

	for (i = 0; i < RANDOM_STRINGS; i++) {
		struct mpx_violation v = { .addr = (void __user *)42 };
		unsigned long addr;
		u8 *b;

		len = 1 + prandom_u32_state(&rnd) % MAX_INSN_SIZE;
		b = buf.of[len];
		prandom_bytes_state(&rnd, b, len);
		if (c->opcode && len > 4) {
			int at = prandom_u32_state(&rnd) % 4;

			for (j = 0; j < at; j++)
				b[j] = prefixes[b[j] % ARRAY_SIZE(prefixes)];
			b[at] = 0x0f;
			b[at + 1] = 0x1a + b[at + 1] % 2;
		}

		prandom_bytes_state(&rnd, &bnd, sizeof(bnd));

		ret = mpx_decode_check(b, len, &regs, &bnd, &v);
		addr = (unsigned long)v.addr;
		if (ret) {
			KUNIT_ASSERT_EQ_MSG(test, ret, -EINVAL, "%*ph", len, b);
			KUNIT_ASSERT_EQ_MSG(test, addr, 42, "%*ph", len, b);
			continue;
		}

		decoded++;
		KUNIT_ASSERT_TRUE_MSG(test, has_opcode(b, len), "%*ph", len, b);
		KUNIT_ASSERT_EQ_MSG(test, addr & ~mask, 0, "%*ph", len, b);
		/* At the ends of the address space there is no byte further. */
		if (addr == 0 || addr == mask)
			continue;
		KUNIT_ASSERT_TRUE_MSG(test,
				      is_check(b, len, &regs, BNDCL, addr) ||
				      is_check(b, len, &regs, BNDCU, addr) ||
				      is_check(b, len, &regs, BNDCN, addr),
				      "%*ph", len, b);

		for (j = 0; j < ARRAY_SIZE(bnd.bndreg); j++) {
			if ((bnd.bndreg[j].lower_bound & mask) ==
			    (unsigned long)v.lower &&
			    (~bnd.bndreg[j].upper_bound & mask) ==
			    (unsigned long)v.upper)
				break;
		}
		KUNIT_ASSERT_LT_MSG(test, j, ARRAY_SIZE(bnd.bndreg), "%*ph", len, b);
	}

	kunit_info(test, "%d strings, %d of them checks that fail\n", i, decoded);
	/* Else this has tested that all is refused. */
	if (c->opcode)
		KUNIT_EXPECT_GT(test, decoded, RANDOM_STRINGS / 50);
}

static struct kunit_case mpx_decode_cases[] = {
	KUNIT_CASE_PARAM(mpx_decode_forms, form_gen_params),
	KUNIT_CASE_PARAM(mpx_decode_insn, insn_gen_params),
	KUNIT_CASE(mpx_decode_bad_cs),
	KUNIT_CASE_PARAM(mpx_decode_random, random_gen_params),
	{}
};

static struct kunit_suite mpx_decode_suite = {
	.name = "mpx_decode",
	.test_cases = mpx_decode_cases,
};

kunit_test_suite(mpx_decode_suite);

MODULE_DESCRIPTION("Tests of the decoder of MPX bounds checks");
/* MODULE_IMPORT_NS() takes a name in some kernels, and a string in others. */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
