// SPDX-License-Identifier: GPL-2.0
/*
 * Find out which of MPX's bounds checks has failed, from the instruction.
 *
 * This reads no user memory and needs no processor with MPX: bytes and
 * registers go in. It can be tested anywhere on x86, see mpx_decode_kunit.c.
 */

#include <kunit/visibility.h>

#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/types.h>

#include <asm/fpu/types.h>
#include <asm/insn.h>
#include <asm/insn-eval.h>
#include <asm/mpx.h>
#include <asm/ptrace.h>

enum mpx_check {
	MPX_BNDCL,
	MPX_BNDCU,
	MPX_BNDCN,
	MPX_NO_CHECK,
};

/* SDM vol. 2: BNDCL is F3 0F 1A, BNDCU is F2 0F 1A and BNDCN is F2 0F 1B. */
static enum mpx_check mpx_check_of(struct insn *insn)
{
	bool f2 = false, f3 = false;
	int i;

	/* Of two opcode bytes, the first is 0F. With VEX or EVEX there is one. */
	if (insn->opcode.nbytes != 2 || insn_has_emulate_prefix(insn))
		return MPX_NO_CHECK;

	for (i = 0; i < ARRAY_SIZE(insn->prefixes.bytes); i++) {
		insn_byte_t prefix = insn->prefixes.bytes[i];

		/* With LOCK it is #UD. */
		if (prefix == 0xf0)
			return MPX_NO_CHECK;

		f2 |= prefix == 0xf2;
		f3 |= prefix == 0xf3;
	}

	/* What a CPU makes of both prefixes together is not documented. */
	if (f2 == f3)
		return MPX_NO_CHECK;

	switch (insn->opcode.bytes[1]) {
	case 0x1a:
		return f3 ? MPX_BNDCL : MPX_BNDCU;
	case 0x1b:
		return f3 ? MPX_NO_CHECK : MPX_BNDCN;
	default:
		return MPX_NO_CHECK;
	}
}

/**
 * mpx_decode_check() - Find out how a bounds check fails
 * @bytes: The instruction, and maybe what follows it
 * @len: How many bytes there are, at most MAX_INSN_SIZE are looked at
 * @regs: The registers that it is executed with, in user mode
 * @bnd: The bounds registers, as XSAVE stores them
 * @violation: Where the answer goes
 *
 * The operand is what LEA would compute (SDM vol. 2, BNDCL and BNDCU/BNDCN).
 * The bounds registers keep the upper bound in one's complement, and BNDCN
 * compares with it as it is. What is reported is complemented back for all
 * three, so that it is the bound that BNDMK was given.
 *
 * Context: Process context, if the code segment of @regs may be one of the LDT
 * Return: 0; -EINVAL if there is no check at @bytes, or one that does not fail.
 * Then @violation is left alone.
 */
int mpx_decode_check(unsigned char *bytes, int len, struct pt_regs *regs,
		     const struct mpx_bndreg_state *bnd,
		     struct mpx_violation *violation)
{
	unsigned long addr, lower, upper, raw_upper;
	unsigned long mask = ~0UL;
	enum mpx_check check;
	struct insn insn;
	unsigned int reg;
	bool fails;

	if (!insn_decode_from_regs(&insn, regs, bytes, len))
		return -EINVAL;

	check = mpx_check_of(&insn);
	if (check == MPX_NO_CHECK)
		return -EINVAL;

	/* There is no BND4 and up, not even with a REX prefix. */
	reg = X86_MODRM_REG(insn.modrm.value);
	if (reg >= ARRAY_SIZE(bnd->bndreg) || X86_REX_R(insn.rex_prefix.value))
		return -EINVAL;

	/*
	 * SDM vol. 1, chapter "Intel MPX", "Intel MPX and Operating Modes":
	 * addresses have 64 bits in 64-bit mode, whether there is an
	 * address-size prefix or not. Elsewhere they have 32 bits; with 16 it
	 * is #UD.
	 */
	if (user_64bit_mode(regs))
		insn.addr_bytes = 8;
	else if (insn.addr_bytes == 4)
		mask = U32_MAX;
	else
		return -EINVAL;

	if (insn_get_eff_addr(&insn, regs, &addr))
		return -EINVAL;

	addr &= mask;
	lower = bnd->bndreg[reg].lower_bound & mask;
	raw_upper = bnd->bndreg[reg].upper_bound & mask;
	upper = ~raw_upper & mask;

	switch (check) {
	case MPX_BNDCL:
		fails = addr < lower;
		break;
	case MPX_BNDCU:
		fails = addr > upper;
		break;
	default:
		fails = addr > raw_upper;
		break;
	}

	if (!fails)
		return -EINVAL;

	violation->addr = (void __user *)addr;
	violation->lower = (void __user *)lower;
	violation->upper = (void __user *)upper;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mpx_decode_check);
