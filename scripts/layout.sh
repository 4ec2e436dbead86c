# SPDX-License-Identifier: GPL-2.0
# A git tree of the kernel that LINUX names. Sourced, after lib.sh, by the scripts that
# put the series on one.

linux=${LINUX:-}
[ -z "${LINUX:-}" ] || linux=$(realpath -e "$LINUX" 2>/dev/null) ||
	die "LINUX=$LINUX is no kernel tree: no such file or directory"

# version DIRECTORY: the version in a kernel's Makefile, or nothing
version()
{
	[ ! -e "$1/Kconfig" ] || awk '
		/^(VERSION|PATCHLEVEL|SUBLEVEL) = [0-9]+$/ { v = v dot $3; dot = "." }
		/^NAME = / { print v; exit }' "$1/Makefile" 2>/dev/null
}

# One word that says which base it is
source_id()
{
	echo "$linux $(git -C "$linux" rev-parse HEAD 2>/dev/null ||
		       stat -L -c %Y "$linux")" | sha256sum | cut -c1-16
}

# fetch: $linux as the git tree $new, with the tag "base" and the branch "mpx"
fetch()
{
	rm -rf "$new"
	if [ -e "$linux/.git" ]; then
		git clone -q --no-checkout "$linux" "$new"
		cd "$new"
		git checkout -q -B mpx HEAD
		git tag -f base
		return
	fi
	git init -q "$new"
	cd "$new"
	git symbolic-ref HEAD refs/heads/mpx
	git config core.compression 1
	git config gc.auto 0
	# Straight into one pack, rather than into 85,000 files
	add='git -c core.bigFileThreshold=1 add'
	if [ -d "$linux" ]; then
		# What was built in there stays there.
		GIT_WORK_TREE=$linux GIT_DIR=$new/.git $add .
		git commit -q -m "Linux $found"
		git reset -q --hard
	else
		# With new time stamps, for kernels already built from others
		tar -m --strip-components=1 -xf "$linux" || {
			echo "error: LINUX=$linux is no kernel tree"
			return 1
		}
		# Debian has it that git ignores all of the kernel.
		sed -i '/^\/\*$/d' .gitignore
		# The kernel ignores some files of its own.
		$add -f .
		# The same commit wherever it is made, for the series to name it
		GIT_AUTHOR_NAME=mpx GIT_AUTHOR_EMAIL=mpx@localhost GIT_AUTHOR_DATE='@0 +0000' \
		GIT_COMMITTER_NAME=mpx GIT_COMMITTER_EMAIL=mpx@localhost GIT_COMMITTER_DATE='@0 +0000' \
			git commit -q -m "Linux, from ${linux##*/}"
	fi
	git tag -f base
}

# Nobody is there to sign these commits.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=commit.gpgsign GIT_CONFIG_VALUE_0=false
