# SPDX-License-Identifier: GPL-2.0
# All the work is done in scripts/; each of these is the short way to one of
# them. Generated things go to build/.

S := $(CURDIR)/scripts

help:
	@echo 'make boot     build what is missing, boot the patched kernel, run the demo'
	@echo 'make shell    the same, and then a shell in the guest'
	@echo 'make check    all tests'
	@echo 'make check-tools  gdb, strace, pmap, perf and so on, on Debian'
	@echo 'make check-lava   the jobs for a lab, by LAVA itself'
	@echo 'make check-debug  the selftests under KASAN, KCSAN, PREEMPT_RT and others'
	@echo 'make check-others whether other selftests of the tree, and the sizes, change'
	@echo 'make bench    what managed tables cost: bench/, and the table in README.md'
	@echo 'make coverage how much of the arithmetic the KUnit tests run'
	@echo 'make mutants  whether the KUnit tests notice mutations of what they test'
	@echo 'make stress   random operations of many threads, SECONDS=60 of them; SEED=... to'
	@echo '              run a failure again'
	@echo 'make limits   how much a process can make the kernel hold or do, TABLES=65536'
	@echo 'make fuzz     random cases, two million, and which code of the kernel all tests run'
	@echo 'make lava     what a lab with LAVA needs to run the selftests: kernel, ramdisk and'
	@echo '              jobs in build/lava, which the lab is to find at URL=...; for DEVICE=x86'
	@echo '              METHOD=ipxe, and for QEMU'
	@echo
	@echo 'make tree     lay out a kernel tree with the series in build/linux'
	@echo 'make refresh  turn the commits there into patches, series and views'
	@echo 'make rebase   try the series on the kernel that LINUX= names, of any version, in'
	@echo '              build/rebase: what fits, and where the first conflict is'
	@echo 'make clean    remove what was built; build/linux stays, and that of mainline'
	@echo
	@echo 'ROOTFS=debian for make shell and boot: a guest with a small Debian, made of'
	@echo '              packages, with gdb, strace, pmap, perf and trace-cmd'
	@echo 'BASE=mainline for tree, refresh, boot, shell, check, bench and rebase: series-mainline,'
	@echo '              on the newest linux-source-7.x that Debian has, in build/mainline'
	@echo 'LINUX=...     for the first build of the tree: a git tree, a directory or'
	@echo '              a tarball of any Linux 6.12.y, instead of linux-source-6.12, or'
	@echo '              of any Linux 7.x'

boot:
	@$S/boot

shell:
	@$S/boot shell

check:
	@$S/check

check-tools:
	@$S/check debian

check-lava:
	@$S/check lava

check-debug:
	@$S/check-debug

check-others:
	@$S/check others

bench:
	@$S/bench

coverage:
	@$S/coverage

mutants:
	@$S/mutants

fuzz:
	@$S/fuzz

limits:
	@$S/limits $(TABLES)

stress:
	@$S/stress $(or $(SECONDS),60) $(SEED)

lava:
	@$S/lava '$(URL)' '$(DEVICE)' '$(METHOD)'

tree:
	@$S/deps packages
	@$S/tree

refresh:
	@$S/refresh

rebase:
	@$S/rebase

clean:
	@for f in build/* build/mainline/*; do \
		case $$f in build/mainline|*/linux) ;; *) rm -rf "$$f" ;; esac; done

.PHONY: help boot shell check check-tools check-lava check-debug check-others bench limits coverage mutants fuzz stress lava tree refresh rebase clean
