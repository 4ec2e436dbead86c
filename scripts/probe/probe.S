/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is the MPX of this emulator right? A multiboot image that needs nothing of
 * a kernel: it goes to long mode, turns MPX on for ring 0 (BNDCFGS), tries what
 * QEMU is known to get wrong, and says on the first serial port one of
 *
 *	mpx: none
 *	mpx: right
 *	mpx: wrong: TEST...
 *
 * Then it resets the machine, which ends a QEMU started with -no-reboot. All
 * tests run with BNDPRESERVE set, so that branches leave bounds alone, except
 * the test of exactly that.
 *
 * Every exception ends up in except:, which throws the frame away and goes on
 * at [recover] with the stack of the test's start.
 */

#define CS64		0x08
#define DS		0x10
#define CS32		0x18

#define MSR_EFER	0xc0000080
#define MSR_BNDCFGS	0xd90
#define ENABLE		1
#define PRESERVE	2

/* Above 1 MiB, and not a multiple of it: every bit of the base counts. */
#define DIR		0x1001000	/* the directory, 16 MiB and a page */
#define TABLE		0x1800000	/* a table of the 64-bit format */
#define TABLE32		0x1c00000	/* a table of the 32-bit format */

/* What bounds are about, and where the pointer to it is: never accessed. */
#define OBJ		0x200000
#define PTR		0x345678

/* The first GiB once more; at the lower half of this address is nothing. */
#define HIGH		0x140000000

	.text
	.code32
	.align	4
	.long	0x1badb002, 0, -0x1badb002	/* multiboot header */

	.globl	_start
_start:
	cld
	movl	$stack, %esp

	/* One to one, 1 GiB, in pages of 2 MiB. */
	movl	$pdpt + 3, pml4
	movl	$pd + 3, pdpt
	movl	$pd + 3, pdpt + (HIGH >> 30) * 8
	xorl	%ecx, %ecx
1:	movl	%ecx, %eax
	shll	$21, %eax
	orl	$0x83, %eax
	movl	%eax, pd(, %ecx, 8)
	incl	%ecx
	cmpl	$512, %ecx
	jne	1b

	/* Every vector's gate; the stubs are 16 bytes apart. */
	xorl	%ecx, %ecx
1:	movl	%ecx, %eax
	shll	$4, %eax
	leal	idt(%eax), %edx
	addl	$stubs, %eax
	movw	%ax, (%edx)
	movw	$CS64, 2(%edx)
	movw	$0x8e00, 4(%edx)
	shrl	$16, %eax
	movw	%ax, 6(%edx)
	incl	%ecx
	cmpl	$32, %ecx
	jne	1b

	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	%cr4, %eax
	orl	$0x20 | 0x200, %eax		/* PAE, OSFXSR */
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$0x100, %eax			/* LME */
	wrmsr
	movl	%cr0, %eax
	andl	$~4, %eax			/* EM */
	orl	$0x80000001, %eax		/* PG, PE */
	movl	%eax, %cr0
	lgdt	gdtr
	lidt	idtr
	ljmp	$CS64, $1f

	.code64
1:	movl	$DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss

	xorl	%eax, %eax
	cpuid
	cmpl	$0xd, %eax
	movl	$none, %esi
	jb	say
	movl	$7, %eax
	xorl	%ecx, %ecx
	cpuid
	movl	$none, %esi
	btl	$14, %ebx
	jnc	say
	movl	$0xd, %eax
	xorl	%ecx, %ecx
	cpuid
	movl	$none, %esi
	andl	$0x18, %eax
	cmpl	$0x18, %eax
	jne	say
	movl	$0xd, %eax			/* where BNDCSR is saved */
	movl	$4, %ecx
	cpuid
	movl	%ebx, bndcsr

	movq	%cr4, %rax
	btsq	$18, %rax			/* OSXSAVE */
	movq	%rax, %cr4
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	$0x1b, %eax			/* x87, SSE, BNDREGS, BNDCSR */
	xsetbv

	.macro	run test, name
	movl	$\test, %edi
	movl	$\name, %ebp
	call	try
	.endm

	run	forms, n_forms
	cmpl	$0, wrong			/* lengths are wrong: trust nothing */
	jne	done
	run	border, n_border
	run	directory, n_directory
	run	compat, n_compat
	run	branch, n_branch
	run	preserve, n_preserve
	run	addrsize, n_addrsize

	movl	$right, %esi
	cmpl	$0, wrong
	je	say
done:	movl	$newline, %esi
say:	call	puts
	/* Reset: by the keyboard controller, else by having no handlers. */
	movb	$0xfe, %al
	outb	%al, $0x64
	lidt	zero
	ud2

/* The directory, and the flags, in %eax. */
bndcfgs:
	movl	$MSR_BNDCFGS, %ecx
	xorl	%edx, %edx
	wrmsr
	ret

/* Run the test at %rdi, name it (%rbp) when it fails. */
try:	pushq	%rbp
	call	1f
	popq	%rbp
	testl	%eax, %eax
	jz	2f
	movl	$wrongs, %esi
	btsl	$0, wrong
	jc	3f
	call	puts
3:	movl	%ebp, %esi
	call	puts
2:	ret
1:	movl	$DIR + ENABLE + PRESERVE, %eax
	call	bndcfgs
	movq	$fail, recover
	movq	%rsp, entry_sp
	jmp	*%rdi

puts:	movl	$0x3fd, %edx
1:	inb	%dx, %al
	testb	$0x20, %al
	jz	1b
	lodsb
	testb	%al, %al
	jz	2f
	movl	$0x3f8, %edx
	outb	%al, %dx
	jmp	puts
2:	ret

/* The ways a test ends. */
pass:	movq	entry_sp, %rsp
	xorl	%eax, %eax
	ret
fail:	movq	entry_sp, %rsp
	movl	$1, %eax
	ret

	.align	16
stubs:
	.set	vector, 0
	.rept	32
	movb	$vector, raised
	jmp	except
	.align	16
	.set	vector, vector + 1
	.endr
except:	movq	entry_sp, %rsp
	jmp	*recover

/* BNDSTATUS to %rax. */
bndstatus:
	pushq	%rdx
	movl	$0x10, %eax
	xorl	%edx, %edx
	xsave	area
	popq	%rdx
	movl	bndcsr, %eax
	movq	area + 8(%rax), %rax
	ret

/* The instruction has to raise #BR, with this in BNDSTATUS. */
	.macro	violates status, insn:vararg
	movb	$-1, raised
	movq	$1f, recover
	\insn
	jmp	fail
1:	movq	$fail, recover
	cmpb	$5, raised
	jne	fail
	pushq	%rax
	call	bndstatus
	cmpq	$\status, %rax
	popq	%rax
	jne	fail
	.endm

/*
 * The instruction must not raise anything, and must not take what follows it
 * for part of itself: the string instructions count, up to 5 bytes can be lost.
 */
	.macro	alone insn:vararg
	movl	$area, %esi
	\insn
	.rept	8
	lodsb
	.endr
	cmpl	$area + 8, %esi
	jne	fail
	.endm

/* Every check with this operand, which is at %rdx: nothing else is in bounds. */
	.macro	checks operand:vararg
	leaq	\operand, %rdx
	bndmk	(%rdx), %bnd0
	alone	bndcl \operand, %bnd0
	alone	bndcu \operand, %bnd0
	movq	%rdx, bounds
	movq	%rdx, bounds + 8
	bndmov	bounds, %bnd3
	alone	bndcn \operand, %bnd3
	.endm

/* lodsb has %al, so the addresses are in other registers. */
forms:
	movl	$OBJ, %ebx
	movl	$0x40, %ecx
	movl	$OBJ, %r12d
	movl	$OBJ, %r13d
	checks	(%rbx)
	checks	0x10(%rbx)
	checks	-0x10(%rbx)
	checks	0x12345(%rbx)
	checks	(%rbx, %rcx)
	checks	(%rbx, %rcx, 2)
	checks	0x10(%rbx, %rcx, 4)
	checks	0x12345(%rbx, %rcx, 8)
	checks	0x10(, %rcx, 8)
	checks	(%r12)
	checks	0x10(%r13)
	checks	forms(%rip)
	checks	OBJ

	/* The others that have a memory operand. */
	movl	$bounds, %ebx
	movl	$4, %ecx
	movq	$OBJ, bounds + 16
	movq	$~(OBJ + 9), bounds + 24
	alone	bndmov 16(%rbx), %bnd1
	alone	bndcl OBJ, %bnd1
	alone	bndcu OBJ + 9, %bnd1
	alone	bndmov %bnd1, 8(%rbx, %rcx, 8)
	cmpq	$OBJ, bounds + 40
	jne	fail
	cmpq	$~(OBJ + 9), bounds + 48
	jne	fail
	movl	$OBJ, %ebx
	movl	$2, %ecx
	alone	bndmk 3(%rbx, %rcx, 4), %bnd2
	alone	bndcl OBJ, %bnd2
	alone	bndcu OBJ + 11, %bnd2
	violates 1, bndcu OBJ + 12, %bnd2
	jmp	pass

/* Bounds end where they end. */
border:
	movl	$OBJ, %ebx
	bndmk	99(%rbx), %bnd0
	bndcl	(%rbx), %bnd0
	bndcu	99(%rbx), %bnd0
	violates 1, bndcl -1(%rbx), %bnd0
	violates 1, bndcu 100(%rbx), %bnd0
	bndmov	%bnd0, bounds
	notq	bounds + 8
	bndmov	bounds, %bnd1
	bndcn	99(%rbx), %bnd1
	violates 1, bndcn 100(%rbx), %bnd1
	/* Above 4 GiB, so that 64 bits are compared. */
	movabsq	$0x7fff00000000, %rcx
	violates 1, bndcu (%rcx), %bnd0
	jmp	pass

/* BNDSTX and BNDLDX by way of the directory. */
#define DIRENT		(DIR + (PTR >> 20) * 8)
#define ENTRY		(TABLE + (PTR >> 3 & 0x1ffff) * 32)
directory:
	movl	$OBJ, %ebx
	movl	$PTR - 8, %edx
	bndmk	99(%rbx), %bnd0
	violates DIRENT + 2, bndstx %bnd0, 8(%rdx, %rbx)
	violates DIRENT + 2, bndldx 8(%rdx, %rbx), %bnd1
	movq	$TABLE + 1, DIRENT
	alone	bndstx %bnd0, 8(%rdx, %rbx)
	cmpq	$OBJ, ENTRY
	jne	fail
	cmpq	$~(OBJ + 99), ENTRY + 8
	jne	fail
	cmpq	$OBJ, ENTRY + 16
	jne	fail
	alone	bndldx 8(%rdx, %rbx), %bnd1
	bndcl	(%rbx), %bnd1
	bndcu	99(%rbx), %bnd1
	violates 1, bndcu 100(%rbx), %bnd1
	violates 1, bndcl -1(%rbx), %bnd1
	/* Another pointer's bounds allow everything. */
	incl	%ebx
	bndldx	8(%rdx, %rbx), %bnd1
	bndcl	0, %bnd1
	bndcu	-1, %bnd1
	jmp	pass

/* Bounds, forms and a directory in a 32-bit code segment. */
#define DIRENT32	(DIR + (PTR >> 12) * 4)
#define ENTRY32		(TABLE32 + (PTR >> 2 & 0x3ff) * 16)
	.macro	violates32 status, insn:vararg
	movb	$-1, raised
	movl	$1f, recover
	\insn
	jmp	fail32
	.code64
1:	movq	$fail, recover
	cmpb	$5, raised
	jne	fail
	call	bndstatus
	cmpq	$\status, %rax
	jne	fail
	ljmp	*2f
	.section .rodata
2:	.long	3f
	.word	CS32
	.text
	.code32
3:
	.endm

	.macro	alone32 insn:vararg
	movl	$area, %esi
	\insn
	.rept	8
	lodsb
	.endr
	cmpl	$area + 8, %esi
	jne	fail32
	.endm

compat:
	ljmp	*1f
	.section .rodata
1:	.long	1f
	.word	CS32
	.text
	.code32
1:	movl	$OBJ, %ebx
	movl	$2, %ecx
	alone32	bndmk 89(%ebx, %ecx, 4), %bnd0
	bndmk	97(%ebx, %ecx), %bnd0
	alone32	bndcl (%ebx), %bnd0
	alone32	bndcu 95(%ebx, %ecx, 2), %bnd0
	alone32	bndcu OBJ + 99, %bnd0
	violates32 1, bndcl -1(%ebx), %bnd0
	violates32 1, bndcu 100(%ebx), %bnd0
	violates32 1, bndcu -1, %bnd0
	bndmov	%bnd0, bounds
	cmpl	$OBJ, bounds
	jne	fail32
	cmpl	$~(OBJ + 99), bounds + 4
	jne	fail32

	movl	$PTR - 4, %edx
	violates32 DIRENT32 + 2, bndstx %bnd0, 4(%edx, %ebx)
	movl	$TABLE32 + 1, DIRENT32
	alone32	bndstx %bnd0, 4(%edx, %ebx)
	cmpl	$OBJ, ENTRY32
	jne	fail32
	cmpl	$~(OBJ + 99), ENTRY32 + 4
	jne	fail32
	cmpl	$OBJ, ENTRY32 + 8
	jne	fail32
	alone32	bndldx 4(%edx, %ebx), %bnd1
	bndcu	99(%ebx), %bnd1
	violates32 1, bndcu 100(%ebx), %bnd1
	incl	%ebx
	bndldx	4(%edx, %ebx), %bnd1
	bndcu	-1, %bnd1
	ljmp	$CS64, $pass
fail32:	ljmp	$CS64, $fail
	.code64

/* Without BNDPRESERVE a near branch without the prefix resets the bounds. */
	.macro	resets insn:vararg
	bndmk	(%rbx), %bnd0
	\insn
1:	bndcu	100(%rbx), %bnd0
	.endm

branch:
	movl	$OBJ, %ebx
	movl	$DIR + ENABLE, %eax
	call	bndcfgs
	resets	call 1f
	resets	jmp.d32 1f
	resets	jc 1f
	resets	jc.d32 1f
	movl	$1f, %edx
	resets	jmp *%rdx
	movl	$1f, %edx
	resets	call *%rdx
	pushq	$1f
	resets	ret
	bndmk	(%rbx), %bnd0
	bnd call 1f
1:	movl	$1f, %edx
	bnd jmp	*%rdx
1:	movb	$-1, raised
	movq	$1f, recover
	bndcu	100(%rbx), %bnd0
	jmp	fail
1:	movl	$DIR + ENABLE + PRESERVE, %eax
	call	bndcfgs
	cmpb	$5, raised
	jne	fail
	jmp	pass

/* The same code with and without BNDPRESERVE, each more than once. */
preserve:
	movl	$OBJ, %ebx
	movl	$3, %ebp
1:	movl	$DIR + ENABLE, %eax
	call	bndcfgs
	call	copy
	bndcu	1(%rbx), %bnd1
	decl	%ebp
	jne	1b
	movl	$3, %ebp
1:	movl	$DIR + ENABLE + PRESERVE, %eax
	call	bndcfgs
	call	copy
	violates 1, bndcu 1(%rbx), %bnd1
	decl	%ebp
	jne	1b
	jmp	pass

copy:	bndmk	(%rbx), %bnd0
	jmp.d32	1f
1:	bndmov	%bnd0, %bnd1
	bnd ret

/*
 * In 64-bit mode the address-size prefix does nothing to an MPX instruction.
 * The assembler will not have the combination.
 */
	.macro	prefixed insn:vararg
	.byte	0x67
	\insn
	.endm

addrsize:
	movabsq	$0x500000000, %rbx
	prefixed bndmk 7(%rbx), %bnd0
	alone	prefixed bndcl (%rbx), %bnd0
	alone	prefixed bndcu 7(%rbx), %bnd0
	violates 1, prefixed bndcu 8(%rbx), %bnd0
	movq	$OBJ, bounds
	movq	$~OBJ, bounds + 8
	movabsq	$HIGH + bounds, %rdx
	prefixed bndmov (%rdx), %bnd1
	bndcl	OBJ, %bnd1
	violates 1, bndcu OBJ + 1, %bnd1
	jmp	pass

	.section .rodata
none:	.asciz	"mpx: none\n"
right:	.asciz	"mpx: right\n"
wrongs:	.asciz	"mpx: wrong:"
newline: .asciz	"\n"
n_forms: .asciz	" operand-forms"
n_border: .asciz " bounds"
n_directory: .asciz " directory"
n_compat: .asciz " 32-bit"
n_branch: .asciz " branches"
n_preserve: .asciz " preserve"
n_addrsize: .asciz " address-size"

	.data
	.align	8
gdt:	.quad	0
	.quad	0x00af9b000000ffff		/* CS64 */
	.quad	0x00cf93000000ffff		/* DS */
	.quad	0x00cf9b000000ffff		/* CS32 */
gdtr:	.word	31
	.quad	gdt
idtr:	.word	32 * 16 - 1
	.quad	idt
zero:	.word	0
	.quad	0

	.bss
	.align	4096
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4096
area:	.skip	4096
idt:	.skip	32 * 16
bounds:	.skip	64
recover: .skip	8
entry_sp: .skip	8
bndcsr:	.skip	4
wrong:	.skip	4
raised:	.skip	8
	.skip	4096
stack:
	.section .note.GNU-stack, "", @progbits
