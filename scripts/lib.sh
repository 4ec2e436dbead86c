# SPDX-License-Identifier: GPL-2.0
# What every script here starts with: where things are, how a step is shown,
# how a failure is told. Sourced, never run:
#
#	. "${0%/*}/lib.sh"

set -eu
umask 022
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

# The repository's top, and the one place where generated things go.
TOP=$(cd "${0%/*}/.." && pwd)
SHARED=${BUILD:-$TOP/build}

# die MESSAGE...: one clear line and exit status 1.
die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# What the series is put on, and its list of patches there. $B is for what is built of
# that, $SHARED for what has nothing to do with it.
BASE=${BASE:-6.12}
case $BASE in
6.12)	B=$SHARED
	SERIES=$TOP/series
	VERSIONS=6.12.y ;;
mainline)
	B=$SHARED/mainline
	SERIES=$TOP/series-mainline
	VERSIONS=7.x ;;
*)	die "BASE=$BASE: it is 6.12 or mainline" ;;
esac
export BASE
LOG=$B/log
JOBS=${JOBS:-$(nproc)}
mkdir -p "$LOG"

# note MESSAGE...: a line of progress. Progress goes to stderr, so that what a
# script prints on stdout stays usable by its caller.
note()
{
	printf '%s\n' "$*" >&2
}

# step LOGNAME TITLE COMMAND...: run a long command with its output in
# build/log/LOGNAME.log, showing that it goes on. When it fails, end with the
# line that matters and the name of the log.
step()
{
	step_log=$LOG/$1.log
	step_title=$2
	shift 2
	step_from=$(date +%s)
	step_ticker=''
	: >"$step_log"
	if [ -t 2 ]; then
		# It ends with this shell, however that ends.
		while kill -0 $$ 2>/dev/null; do
			printf '\r%.50s ... %ss, %s lines ' "$step_title" \
				$(($(date +%s) - step_from)) \
				"$(wc -l <"$step_log")" >&2
			sleep 1
		done &
		step_ticker=$!
	else
		note "$step_title ..."
	fi
	# In the foreground, for ctrl-c to reach it. In an || list, set -e would
	# be off in it.
	set +e
	(set -e; "$@") >"$step_log" 2>&1 </dev/null
	step_rc=$?
	set -e
	if [ "$step_ticker" ]; then
		kill $step_ticker
		wait $step_ticker 2>/dev/null || true
		printf '\r\033[K' >&2
	fi
	if [ $step_rc -ne 0 ]; then
		# The first line that names an error, else the last one.
		step_line=$(grep -m1 -iE '(error: |^E: |fatal: |no space left|\*\*\* |cannot |not found|failed)' \
			    "$step_log" || tail -n1 "$step_log")
		die "$step_title failed: $step_line (log: ${step_log#"$TOP/"})"
	fi
	note "$step_title: done in $(($(date +%s) - step_from)) s"
}

# space GIB WHAT: there must be that much space left for WHAT.
space()
{
	space_kib=$(df -Pk "$B" | awk 'NR == 2 { print $4 }')
	[ "$space_kib" -ge $(($1 * 1024 * 1024)) ] ||
		die "$2 needs $1 GiB in $B, which has $((space_kib / 1024)) MiB left"
}

# identity: git wants to know who commits, and a bare machine has no answer.
# The authors of the patches are not touched by this.
identity()
{
	GIT_COMMITTER_NAME=$(git config user.name || echo mpx)
	GIT_COMMITTER_EMAIL=$(git config user.email || echo mpx@localhost)
	GIT_AUTHOR_NAME=$GIT_COMMITTER_NAME GIT_AUTHOR_EMAIL=$GIT_COMMITTER_EMAIL
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL
}

# plain FILE: a patch without what changes when only its base does: blob
# names, line numbers, the function that a hunk is in, and the base's own name.
plain()
{
	sed 's/^@@ -[0-9,]* +[0-9,]* @@.*/@@/; /^index [0-9a-f]*\.\.[0-9a-f]*/d
	     /^base-commit: /d' "$1"
}

# put NEW OLD: make OLD what NEW is, unless it is just that on another base.
# With $check set, only complain. Returns whether OLD was in step.
put()
{
	plain "$1" >"$B/put.new"
	if [ -e "$2" ] && plain "$2" | cmp -s - "$B/put.new"; then
		return 0
	fi
	if [ "${check:-}" ]; then
		note "${2#"$TOP/"} is not what the series makes it"
	else
		mkdir -p "${2%/*}"
		cp "$1" "$2"
		note "${2#"$TOP/"}"
	fi
	return 1
}

# series_sum: one word for the series as it is in the repository.
series_sum()
{
	(cd "$TOP" && sed 's,^,patches/,' "$SERIES" 2>/dev/null |
		xargs -r cat "$SERIES" | sha256sum | cut -c1-16)
}

# result STATUS NAME: the outcome of a test, for scripts/check to count. STATUS
# is ok, FAIL or SKIP. With $brief set, an ok is counted but not shown.
result_since=$(date +%s)
result()
{
	[ "$BASE" = 6.12 ] || set -- "$1" "$BASE, $2"
	printf '%s\n' "$*" >>"$B/results"
	result_took=$(($(date +%s) - result_since))
	result_since=$(date +%s)
	[ "$1" != ok ] || [ ! "${brief:-}" ] || return 0
	[ $result_took -eq 0 ] && result_took='' || result_took=" ($result_took s)"
	printf '%-4s %s\n' "$1" "$2$result_took"
}

# try NAME LOGNAME COMMAND...: a test that is one command.
try()
{
	try_name=$1 try_log=$LOG/$2.log
	shift 2
	[ ! -t 1 ] || printf '     %.70s ...' "$try_name"
	try_rc=0
	("$@") >"$try_log" 2>&1 </dev/null || try_rc=$?
	[ ! -t 1 ] || printf '\r\033[K'
	if [ $try_rc -eq 0 ]; then
		result ok "$try_name"
	else
		tail -n 10 "$try_log" | sed 's/^/     | /'
		result FAIL "$try_name (log: ${try_log#"$TOP/"})"
	fi
}

# summary: what came of the tests, for people here, and for programs in results.tap and
# results.xml. Returns whether none has failed.
summary()
{
	python3 "$TOP/scripts/results.py" "$B/results"
	echo
	grep -v '^ok' "$B/results" || true
	printf '%d passed, %d failed, %d skipped\n' $(for status in ok FAIL SKIP; do
		grep -c "^$status " "$B/results" || true
	done)
	! grep -q '^FAIL' "$B/results"
}

# worktree COMMIT: have COMMIT of build/linux, and no more, in $work. What
# happens there does not disturb who works in build/linux.
work=$B/check-tree
worktree()
{
	if [ ! -e "$work/Makefile" ] || ! git -C "$work" status -uno >/dev/null 2>&1; then
		rm -rf "$work"
		git -C "$B/linux" worktree prune
		git -C "$B/linux" worktree add -q --detach "$work" base
	fi
	git -C "$work" am --quit 2>/dev/null || true
	git -C "$work" reset -q --hard
	git -C "$work" clean -q -dfx
	git -C "$work" checkout -q --detach "$1"
}
