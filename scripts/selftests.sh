# SPDX-License-Identifier: GPL-2.0
# The MPX selftests in a guest, and what became of them. Sourced, after lib.sh, by
# the scripts that run them.

tests=$B/tests

# The MPX selftests as the tree's own Makefile builds them, but static: there
# are no libraries in the guest. A warning is an error here.
build_tests()
{
	x86=$B/linux/tools/testing/selftests/x86
	built=$B/selftests
	mkdir -p "$built"
	make -C "$B/linux" O="$B/kernel-check" ARCH=x86_64 headers
	programs=$(grep -l '^int main(' "$x86"/mpx*.c |
		   sed "s,.*/\(.*\)\.c,$built/\1_64 $built/\1_32,")
	EXTRA_CFLAGS='-static -Werror' make -j"$JOBS" -C "$x86" OUTPUT="$built" \
		KHDR_INCLUDES="-isystem $B/kernel-check/usr/include" $programs || return
	rm -rf "$tests"
	mkdir "$tests"
	cp $programs "$tests"
}

# with_arguments DIR TESTS PROGRAM WORD...: programs have no arguments in the guest. Put
# this one into DIR, for an initramfs, and a script that runs it with some into TESTS.
with_arguments()
{
	with_dir=$1 with_script=$2/$3 with_program=$3
	shift 3
	cp "$tests/$with_program" "$with_dir"
	rm -f "$with_script"
	printf '#!/bin/sh\nexec /%s/%s %s\n' "${with_dir##*/}" "$with_program" "$*" \
		>"$with_script"
	chmod 755 "$with_script"
}

# What the tests in a guest said, one result to a line. A test of a program's
# plan that has no result has failed.
results()
{
	tr -d '\r' <"$B/guest-$1.out" | sed 's/\(.\)\(guest: rc=\)/\1\n\2/' | awk '
	function result(status, name) { print status, program ": " name }
	function missing() {
		if (!plan && program ~ /mpx/)
			result("FAIL", "no plan, the last words are: " last)
		for (; seen < plan; seen++)
			result("FAIL", "no result, the last words are: " last)
	}
	/^guest: run /	{
		if (program) {
			missing()
			result("FAIL", "no exit status")
		}
		program = $3; plan = seen = bad = 0
		next
	}
	/^guest: rc=/	{
		missing()
		if ($2 != "rc=0" && !bad)
			result("FAIL", "exit status " $2)
		program = ""
	}
	/^1\.\.[0-9]/	{ plan = substr($1, 4) + 0 }
	/^1\.\.0/	{ plan = seen = bad = 1; result("FAIL", $0) }
	/^(not )?ok [0-9]/ {
		seen++
		name = $0
		sub(/^(not )?ok [0-9]+ (- )?/, "", name)
		if (name ~ /^# SKIP /)
			result("SKIP", substr(name, 8))
		else if ($1 == "ok")
			result("ok", name)
		else {
			result("FAIL", name)
			bad = 1
		}
	}
	{ last = $0 }
	END { missing() }'
}

# What the kernel reported in a guest, if anything: whatever calls itself a report,
# and what comes with a call trace. An out-of-memory report does, and is meant to be: of
# who asked for memory, and, on a busy machine, of who was killed for it and has been in
# the middle of a fork() or the like, with mmap_lock, for three seconds since.
splat='BUG|WARN|Oops|UBSAN:|INFO: |general protection|[Bb]ad page|not ok '
splat="$splat|kmemleak: .*(suspected|disabled)|soft lockup|detected( expedited)? stall|(suspicious|illegal) RCU"
# A data race that debug.d/races has a reason for goes to build/guest-NAME.races, unless
# it is in code of MPX or in what that calls. To fault, and to be made to reclaim memory,
# is not to call: nothing of what races there is of MPX.
reports()
{
	: >"$B/guest-$1.races"
	tr -d '\r' <"$LOG/guest-$1.log" | awk -v splat="$splat" \
		-v races="$TOP/scripts/debug.d/races" -v known="$B/guest-$1.races" '
	BEGIN { while ((getline <races) > 0) if (!/^#/) regexp[++nr] = $0 }
	# Of each report, up to its end: was it known, and in which code was it?
	function race_ends(i) {
		if (!race)
			return
		title = race
		sub(/.* in /, "", title)
		for (i = 1; i <= nr && !ours; i++)
			if (title ~ regexp[i]) {
				print regexp[i] >known
				race = ""
				return
			}
		print line ": " race (ours ? " (by way of " ours ")" : "")
		bad = 1
		race = ""
	}
	/BUG: KCSAN: /	{ race_ends(); race = $0; line = NR; ours = base = ""; next }
	race && /^$/	{ base = "" }
	race && /^ (asm_exc_page_fault|do_try_to_free_pages)\+0x/	{ base = 1 }
	race && !base && /^ _*mpx_[a-z0-9_.]*\+0x/	{ ours = $1 }
	race && /^====/	{ race_ends() }
	$0 ~ splat		{ print NR ": " $0; bad = 1 }
	/ invoked oom-killer:|^oom_reaper: unable to reap /	{ oom = 1 }
	/^Call Trace:/ && !oom	{ print NR ": " last; print NR ": " $0; bad = 1 }
	/^Call Trace:/		{ oom = 0 }
	{ last = $0 }
	END { race_ends(); exit !bad }'
}

# The kernel itself must have had nothing to say, and lockdep must have been on
# to the end.
clean()
{
	! reports "$1" && grep 'debug_locks: *1' "$B/guest-$1.out"
}

# All suites of the KUnit tests ran while the guest booted, and passed.
kunit()
{
	for suite in mpx_geometry mpx_fault mpx_unmap mpx_decode; do
		grep -E "^(\[[ 0-9.]*\] )?ok [0-9]+ $suite" "$LOG/guest-$1.log" ||
			{ echo "no result of $suite"; return 1; }
	done
}

# run NAME WHERE OPTION...: all of it, in one guest
# On a busy machine, a CPU of the guest may have nothing to run on for a while.
patience='watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300'
parameters="run=check numa=fake=2 $patience"
run()
{
	name=$1 where=$2
	shift 2
	try "$where: runs to the end" "run-$name" \
		"$TOP/scripts/guest" "$@" "$name" "$kernel" "$initramfs" $parameters
	results "$name" >"$B/guest-$name.results"
	while read -r status test; do
		brief=1 result "$status" "$where: $test"
	done <"$B/guest-$name.results"
	note "     $where: $(grep -c ^ok "$B/guest-$name.results") selftests passed"
	try "$where: nothing in dmesg, lockdep is on" "dmesg-$name" clean "$name"
	[ ! -s "$B/guest-$name.races" ] ||
		note "     $where: $(grep -c . "$B/guest-$name.races") data races with a reason"
	try "$where: KUnit tests at boot" "kunit-$name" \
		kunit "$name"
	try "$where: the demo" "demo-$name" grep 'guest: rc=0 run' "$B/guest-$name.out"
}

# beside NAME WHERE OPTION...: run, at the same time as what comes next. A guest keeps
# one CPU of the machine busy, and one with 4 CPUs hardly more.
started=''
beside()
{
	run "$@" >"$B/$1.said" 2>&1 &
	started="$started $!:$1"
}

# joined: the guests beside have come to their end, and this is what became of them.
joined()
{
	for beside in $started; do
		wait "${beside%:*}" || result FAIL "${beside#*:}: no end"
		cat "$B/${beside#*:}.said"
	done
	started=''
}

# image NAME TEST...: an initramfs with these selftests, and with $parts
parts=demo
image()
{
	image=$1
	shift
	rm -rf "$B/$image"
	mkdir -p "$B/$image/tests"
	cp "$@" "$B/$image/tests"
	"$TOP/scripts/initramfs" "$image" "$B/$image/tests" $parts
}

# halves NAME WHERE OPTION...: run, with two guests at the same time, NAME-64 and NAME-32
halves()
{
	both=$1 where=$2
	shift 2
	for bits in 64 32; do
		initramfs=$(image "$both-$bits" "$tests"/*_$bits)
		beside "$both-$bits" "$where, $bits bit" "$@"
	done
	joined
}
