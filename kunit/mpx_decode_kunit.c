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

enum check { BNDCL, BNDCU, BNDCN };

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
	case BNDCN:
		bnd->upper_bound = addr - fails;
		break;
	}
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

/*
 * Each addressing form: all combinations of ModRM, SIB and REX, with
 * displacements of either sign.
 */
struct form_case {
	enum check check;
	bool is_64bit;
};

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
		    struct pt_regs *regs, int reg, u8 rex, int mod, int rm, u8 sib)
{
	int rex_b = rex & 1 ? 8 : 0, rex_x = rex & 2 ? 8 : 0;
	bool has_sib = mod != 3 && rm == 4;
	bool no_base = mod == 0 && (has_sib ? sib % 8 : rm) == 5;
	int disp_size = mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
	int nr = disp_size ? ARRAY_SIZE(disps) : 1;
	u8 bytes[MAX_INSN_SIZE];
	unsigned long addr;
	int i, len;

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

		expect_check(test, bytes, len, regs, c->check, reg, addr);
	}

	return nr;
}

static void mpx_decode_forms(struct kunit *test)
{
	const struct form_case *c = test->param_value;
	int mod, rm, sib, rex, nr = 0;
	struct pt_regs regs;

	user_regs(&regs, c->is_64bit);

	/* No prefix, and then all of them but those with REX.R */
	for (rex = 0x3f; rex < (c->is_64bit ? 0x50 : 0x40); rex++) {
		if (rex != 0x3f && rex & 4)
			continue;
		for (mod = 0; mod < 4; mod++) {
			for (rm = 0; rm < 8; rm++) {
				for (sib = 0; sib < (rm == 4 && mod < 3 ? 256 : 1); sib++)
					nr += try_form(test, c, &regs, nr % 4,
						       rex == 0x3f ? 0 : rex,
						       mod, rm, sib);
			}
		}
	}

	kunit_info(test, "%d instructions\n", nr);
}

/* Instructions as an assembler makes them, and some that are to be refused */
struct insn_case {
	const char *name;
	bool is_64bit;
	u8 len;
	u8 bytes[MAX_INSN_SIZE + 1];
	enum check check;
	int reg;		/* -1 if it is to be refused */
	unsigned long addr;
};

#define BYTES(...) \
	sizeof((u8 []) { __VA_ARGS__ }), { __VA_ARGS__ }
#define REFUSED		0, -1, 0

static const struct insn_case insn_cases[] = {
	{ "bndcl %rcx, %bnd0", true, BYTES(0xf3, 0x0f, 0x1a, 0xc1),
	  BNDCL, 0, REG(CX) },
	{ "bndcu %r9, %bnd3", true, BYTES(0xf2, 0x41, 0x0f, 0x1a, 0xd9),
	  BNDCU, 3, REG(R9) },
	{ "bndcn %rsp, %bnd2", true, BYTES(0xf2, 0x0f, 0x1b, 0xd4),
	  BNDCN, 2, REG(SP) },
	{ "bndcl (%rdi), %bnd1", true, BYTES(0xf3, 0x0f, 0x1a, 0x0f),
	  BNDCL, 1, REG(DI) },
	{ "bndcu 0x40(%rbp), %bnd0", true, BYTES(0xf2, 0x0f, 0x1a, 0x45, 0x40),
	  BNDCU, 0, REG(BP) + 0x40 },
	{ "bndcn -0x80(%rsp), %bnd1", true,
	  BYTES(0xf2, 0x0f, 0x1b, 0x4c, 0x24, 0x80), BNDCN, 1, REG(SP) - 0x80 },
	{ "bndcl 0x12345678(%r12), %bnd2", true,
	  BYTES(0xf3, 0x41, 0x0f, 0x1a, 0x94, 0x24, 0x78, 0x56, 0x34, 0x12),
	  BNDCL, 2, REG(R12) + 0x12345678 },
	{ "bndcu (%rax,%rcx,4), %bnd3", true,
	  BYTES(0xf2, 0x0f, 0x1a, 0x1c, 0x88), BNDCU, 3, REG(AX) + 4 * REG(CX) },
	{ "bndcn -8(%r13,%r14,8), %bnd0", true,
	  BYTES(0xf2, 0x43, 0x0f, 0x1b, 0x44, 0xf5, 0xf8),
	  BNDCN, 0, REG(R13) + 8 * REG(R14) - 8 },
	{ "bndcl 0x1000(,%rdx,2), %bnd1", true,
	  BYTES(0xf3, 0x0f, 0x1a, 0x0c, 0x55, 0x00, 0x10, 0x00, 0x00),
	  BNDCL, 1, 2 * REG(DX) + 0x1000 },
	{ "bndcu 0x1234(%rip), %bnd2", true,
	  BYTES(0xf2, 0x0f, 0x1a, 0x15, 0x34, 0x12, 0x00, 0x00),
	  BNDCU, 2, IP + 8 + 0x1234 },
	{ "bndcn 0x7654321, %bnd3", true,
	  BYTES(0xf2, 0x0f, 0x1b, 0x1c, 0x25, 0x21, 0x43, 0x65, 0x07),
	  BNDCN, 3, 0x7654321 },
	{ "bndcl %fs:0x10(%rbx), %bnd0", true,
	  BYTES(0x64, 0xf3, 0x0f, 0x1a, 0x43, 0x10), BNDCL, 0, REG(BX) + 0x10 },
	{ "bndcu %gs:(%r15,%rsi), %bnd1", true,
	  BYTES(0x65, 0xf2, 0x41, 0x0f, 0x1a, 0x0c, 0x37),
	  BNDCU, 1, REG(R15) + REG(SI) },
	{ "64-bit, address size prefix", true,
	  BYTES(0x67, 0xf2, 0x0f, 0x1b, 0x50, 0x04), BNDCN, 2, REG(AX) + 4 },
	{ "64-bit, address size prefix, register", true,
	  BYTES(0xf3, 0x67, 0x0f, 0x1a, 0xc1), BNDCL, 0, REG(CX) },
	{ "64-bit, address size prefix, RIP", true,
	  BYTES(0x67, 0xf2, 0x0f, 0x1a, 0x15, 0x34, 0x12, 0x00, 0x00),
	  BNDCU, 2, IP + 9 + 0x1234 },
	{ "64-bit, operand size prefix", true,
	  BYTES(0x66, 0xf3, 0x0f, 0x1a, 0x0f), BNDCL, 1, REG(DI) },
	{ "64-bit, REX.W", true,
	  BYTES(0xf2, 0x48, 0x0f, 0x1a, 0x0f), BNDCU, 1, REG(DI) },
	{ "64-bit, four prefixes", true,
	  BYTES(0x3e, 0x66, 0x67, 0xf3, 0x0f, 0x1a, 0x0f), BNDCL, 1, REG(DI) },
	{ "64-bit, a prefix twice", true,
	  BYTES(0xf3, 0xf3, 0x0f, 0x1a, 0x0f), BNDCL, 1, REG(DI) },
	{ "64-bit, as long as it can be", true,
	  BYTES(0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0xf3, 0x43, 0x0f, 0x1a, 0x94, 0xf4,
		0x78, 0x56, 0x34, 0x12), BNDCL, 2,
	  REG(R12) + 8 * REG(R14) + 0x12345678 },
	{ "bndcl %ecx, %bnd0", false, BYTES(0xf3, 0x0f, 0x1a, 0xc1),
	  BNDCL, 0, REG_32(CX) },
	{ "bndcu (%edi), %bnd1", false, BYTES(0xf2, 0x0f, 0x1a, 0x0f),
	  BNDCU, 1, REG_32(DI) },
	{ "bndcn 0x40(%ebp), %bnd2", false, BYTES(0xf2, 0x0f, 0x1b, 0x55, 0x40),
	  BNDCN, 2, REG_32(BP) + 0x40 },
	{ "bndcl -0x80(%esp), %bnd3", false,
	  BYTES(0xf3, 0x0f, 0x1a, 0x5c, 0x24, 0x80), BNDCL, 3, REG_32(SP) - 0x80 },
	{ "bndcu 0x12345678(%esi), %bnd0", false,
	  BYTES(0xf2, 0x0f, 0x1a, 0x86, 0x78, 0x56, 0x34, 0x12),
	  BNDCU, 0, REG_32(SI) + 0x12345678 },
	{ "bndcn (%eax,%ecx,4), %bnd1", false,
	  BYTES(0xf2, 0x0f, 0x1b, 0x0c, 0x88),
	  BNDCN, 1, REG_32(AX) + 4 * REG_32(CX) },
	{ "bndcl -8(%ebx,%edx,8), %bnd2", false,
	  BYTES(0xf3, 0x0f, 0x1a, 0x54, 0xd3, 0xf8),
	  BNDCL, 2, REG_32(BX) + 8 * REG_32(DX) - 8 },
	{ "bndcu 0x1000(,%edx,2), %bnd3", false,
	  BYTES(0xf2, 0x0f, 0x1a, 0x1c, 0x55, 0x00, 0x10, 0x00, 0x00),
	  BNDCU, 3, 2 * REG_32(DX) + 0x1000 },
	{ "bndcn 0x7654321, %bnd0", false,
	  BYTES(0xf2, 0x0f, 0x1b, 0x05, 0x21, 0x43, 0x65, 0x07),
	  BNDCN, 0, 0x7654321 },
	{ "bndcl %gs:4(%ebx), %bnd1", false,
	  BYTES(0x65, 0xf3, 0x0f, 0x1a, 0x4b, 0x04), BNDCL, 1, REG_32(BX) + 4 },
	{ "bndcu 0x7fffffff(%eax), %bnd2", false,
	  BYTES(0xf2, 0x0f, 0x1a, 0x90, 0xff, 0xff, 0xff, 0x7f),
	  BNDCU, 2, REG_32(AX) + 0x7fffffff },

	{ "64-bit, bndmk", true, BYTES(0xf3, 0x0f, 0x1b, 0x07), REFUSED },
	{ "64-bit, bndmov load", true, BYTES(0x66, 0x0f, 0x1a, 0x07), REFUSED },
	{ "64-bit, bndmov store", true, BYTES(0x66, 0x0f, 0x1b, 0x07), REFUSED },
	{ "64-bit, bndldx", true, BYTES(0x0f, 0x1a, 0x04, 0x07), REFUSED },
	{ "64-bit, bndstx", true, BYTES(0x0f, 0x1b, 0x04, 0x07), REFUSED },
	{ "64-bit, BND4", true, BYTES(0xf3, 0x0f, 0x1a, 0x27), REFUSED },
	{ "64-bit, BND7", true, BYTES(0xf3, 0x0f, 0x1a, 0x3f), REFUSED },
	{ "64-bit, REX.R", true, BYTES(0xf3, 0x44, 0x0f, 0x1a, 0x07), REFUSED },
	{ "64-bit, LOCK", true, BYTES(0xf0, 0xf3, 0x0f, 0x1a, 0x07), REFUSED },
	{ "64-bit, F2 and F3", true, BYTES(0xf2, 0xf3, 0x0f, 0x1a, 0x07), REFUSED },
	{ "64-bit, F3 and F2", true, BYTES(0xf3, 0xf2, 0x0f, 0x1b, 0x07), REFUSED },
	{ "64-bit, F3 after REX", true, BYTES(0x48, 0x0f, 0xf3, 0x1a, 0x07), REFUSED },
	{ "64-bit, 0F 19", true, BYTES(0xf3, 0x0f, 0x19, 0x07), REFUSED },
	{ "64-bit, 0F 1C", true, BYTES(0xf2, 0x0f, 0x1c, 0x07), REFUSED },
	{ "64-bit, endbr64", true, BYTES(0xf3, 0x0f, 0x1e, 0xfa), REFUSED },
	{ "64-bit, 0F 38 1A", true, BYTES(0xf2, 0x0f, 0x38, 0x1a, 0x07), REFUSED },
	{ "64-bit, one byte 1A", true, BYTES(0xf3, 0x1a, 0x07), REFUSED },
	{ "64-bit, VEX", true, BYTES(0xc5, 0xfa, 0x1a, 0x07), REFUSED },
	{ "64-bit, VEX, three bytes", true,
	  BYTES(0xc4, 0xe1, 0x7a, 0x1a, 0x07), REFUSED },
	{ "64-bit, EVEX", true,
	  BYTES(0x62, 0xf1, 0x7e, 0x08, 0x1a, 0x07), REFUSED },
	{ "64-bit, emulation prefix", true,
	  BYTES(0x0f, 0x0b, 0x78, 0x65, 0x6e, 0xf3, 0x0f, 0x1a, 0x07), REFUSED },
	{ "64-bit, int3", true, BYTES(0xcc), REFUSED },
	{ "64-bit, ud2", true, BYTES(0x0f, 0x0b), REFUSED },
	{ "64-bit, bnd jmp", true, BYTES(0xf2, 0xeb, 0x1a), REFUSED },
	/* Legal and without effect, but the instruction decoder is strict. */
	{ "64-bit, REX that is not next to the opcode", true,
	  BYTES(0x41, 0xf2, 0x0f, 0x1a, 0x0f), REFUSED },
	{ "64-bit, nothing but prefixes", true,
	  BYTES(0xf3, 0xf3, 0xf3, 0xf3, 0xf3, 0xf3, 0xf3, 0xf3, 0xf3, 0xf3, 0xf3,
		0xf3, 0xf3, 0xf3, 0xf3), REFUSED },
	{ "64-bit, a byte longer than it can be", true,
	  BYTES(0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0xf3, 0x43, 0x0f, 0x1a, 0x94,
		0xf4, 0x78, 0x56, 0x34, 0x12), REFUSED },
	{ "64-bit, nothing", true, 0, { }, REFUSED },
	{ "32-bit, 16-bit address", false,
	  BYTES(0x67, 0xf3, 0x0f, 0x1a, 0x07), REFUSED },
	{ "32-bit, 16-bit address, register", false,
	  BYTES(0x67, 0xf3, 0x0f, 0x1a, 0xc1), REFUSED },
	{ "32-bit, REX is DEC", false, BYTES(0x48, 0xf3, 0x0f, 0x1a, 0xc1), REFUSED },
	{ "32-bit, REX is DEC after the prefix", false,
	  BYTES(0xf3, 0x48, 0x0f, 0x1a, 0xc1), REFUSED },
	{ "32-bit, BND4", false, BYTES(0xf2, 0x0f, 0x1b, 0x27), REFUSED },
	{ "32-bit, bndmk", false, BYTES(0xf3, 0x0f, 0x1b, 0x07), REFUSED },
	{ "32-bit, bndldx", false, BYTES(0x0f, 0x1a, 0x04, 0x07), REFUSED },
	{ "32-bit, BOUND", false, BYTES(0x62, 0x07), REFUSED },
};

KUNIT_ARRAY_PARAM_DESC(insn, insn_cases, name);

/* Bounds that every check of an address in the middle fails, of the kind given */
static void forbid(struct mpx_bndreg_state *bnd, enum check check)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bnd->bndreg); i++) {
		bnd->bndreg[i].lower_bound = check == BNDCL ? ~0UL : 0;
		bnd->bndreg[i].upper_bound = check == BNDCU ? ~0UL : 0;
	}
}

static void expect_refused(struct kunit *test, u8 *bytes, int len,
			   struct pt_regs *regs)
{
	struct mpx_violation v = { .addr = (void __user *)42 };
	struct mpx_bndreg_state bnd;
	enum check check;

	for (check = BNDCL; check <= BNDCN; check++) {
		forbid(&bnd, check);
		KUNIT_EXPECT_EQ_MSG(test, mpx_decode_check(bytes, len, regs, &bnd, &v),
				    -EINVAL, "%*ph", len, bytes);
		KUNIT_EXPECT_EQ(test, (unsigned long)v.addr, 42);
	}
}

static void mpx_decode_insn(struct kunit *test)
{
	const struct insn_case *c = test->param_value;
	struct pt_regs regs;
	u8 *bytes;
	int len;

	user_regs(&regs, c->is_64bit);

	/* As it is; KASAN knows where the buffer ends. */
	bytes = kunit_kmalloc(test, c->len ?: 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memcpy(bytes, c->bytes, c->len);
	if (c->reg < 0) {
		expect_refused(test, bytes, c->len, &regs);
		return;
	}
	expect_check(test, bytes, c->len, &regs, c->check, c->reg, c->addr);

	/* With something behind it */
	bytes = kunit_kmalloc(test, MAX_INSN_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 0xf3, MAX_INSN_SIZE);
	memcpy(bytes, c->bytes, c->len);
	expect_check(test, bytes, MAX_INSN_SIZE, &regs, c->check, c->reg, c->addr);

	/* Truncated */
	for (len = 0; len < c->len; len++) {
		bytes = kunit_kmalloc(test, len ?: 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, bytes);
		memcpy(bytes, c->bytes, len);
		expect_refused(test, bytes, len, &regs);
	}
}

/* A selector that no code can run with: another thread has set it by ptrace(). */
static void mpx_decode_bad_cs(struct kunit *test)
{
	static const u16 selectors[] = { 0, 3, __USER_DS, 7, 0xffff, 0xfffb };
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
 * their end. What is decoded must have the opcode of a check in it and say
 * something that is true.
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

static void mpx_decode_random(struct kunit *test)
{
	const struct random_case *c = test->param_value;
	static const u8 prefixes[] = { 0xf3, 0xf2, 0xf3, 0xf2, 0x66, 0x67, 0x64, 0x41 };
	unsigned long mask = c->is_64bit ? ~0UL : U32_MAX;
	u8 *bytes[MAX_INSN_SIZE + 1];
	struct mpx_bndreg_state bnd;
	struct pt_regs regs;
	struct rnd_state rnd;
	int i, j, len, ret, decoded = 0;

	user_regs(&regs, c->is_64bit);
	prandom_seed_state(&rnd, SEED);

	for (len = 1; len <= MAX_INSN_SIZE; len++) {
		bytes[len] = kunit_kmalloc(test, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, bytes[len]);
	}

	for (i = 0; i < RANDOM_STRINGS; i++) {
		struct mpx_violation v = { .addr = (void __user *)42 };
		unsigned long addr, lower, upper;
		u8 *b;

		len = 1 + prandom_u32_state(&rnd) % MAX_INSN_SIZE;
		b = bytes[len];
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
		if (ret) {
			KUNIT_ASSERT_EQ_MSG(test, ret, -EINVAL, "%*ph", len, b);
			KUNIT_ASSERT_EQ_MSG(test, (unsigned long)v.addr, 42,
					    "%*ph", len, b);
			continue;
		}

		decoded++;
		addr = (unsigned long)v.addr;
		lower = (unsigned long)v.lower;
		upper = (unsigned long)v.upper;

		KUNIT_ASSERT_TRUE_MSG(test, has_opcode(b, len), "%*ph", len, b);
		KUNIT_ASSERT_EQ_MSG(test, (addr | lower | upper) & ~mask, 0,
				    "%*ph", len, b);
		/* The last is BNDCN, which compares without complementing. */
		KUNIT_ASSERT_TRUE_MSG(test, addr < lower || addr > upper ||
				      addr > (~upper & mask), "%*ph", len, b);

		for (j = 0; j < ARRAY_SIZE(bnd.bndreg); j++) {
			if ((bnd.bndreg[j].lower_bound & mask) == lower &&
			    (~bnd.bndreg[j].upper_bound & mask) == upper)
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
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_LICENSE("GPL");
