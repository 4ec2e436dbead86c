# SPDX-License-Identifier: GPL-2.0
# What scripts want of apt: where the machine has its packages from, and a configuration
# of their own, as the machine's is not to be changed. Sourced, after lib.sh.

# archive CODENAME FORMAT: where this machine has that release of Debian from, as apt
# knows it, in a format of "apt-get indextargets"
archive()
{
	apt-get indextargets --format "$2" 'Created-By: Packages' 'Origin: Debian' \
		'Component: main' "Codename: $1" \
		"Architecture: $(dpkg --print-architecture)" | sort -u
}

# own_apt DIR: make DIR/conf, for "apt-get -c". Its sources are what the caller puts
# into DIR/sources.list and DIR/parts/*.sources.
own_apt()
{
	rm -rf "$1"
	mkdir -p "$1/lists/partial" "$1/archives/partial" "$1/parts"
	: >"$1/sources.list"
	# The hooks are about the machine's own lists and caches.
	cat >"$1/conf" <<-EOF
		Dir::State::lists "$1/lists";
		Dir::Cache "$1";
		Dir::Etc::sourcelist "$1/sources.list";
		Dir::Etc::sourceparts "$1/parts";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	EOF
	# apt's own user need not be able to write here.
	[ "$(id -u)" -ne 0 ] || echo 'APT::Sandbox::User "root";' >>"$1/conf"
}
