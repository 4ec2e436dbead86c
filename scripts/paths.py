# SPDX-License-Identifier: GPL-2.0
"""paths.py PATHS JSON...: how often each path of arch/x86/mm/mpx.c that PATHS lists
has been taken, from what "gcov --json-format" says. One line for each:

	ok COUNT NAME
	SKIP COUNT NAME: REASON		never, and PATHS says why
	FAIL COUNT NAME			never, or there is no such line
"""

import re
import sys

import gcovjson


def count(where):
    """The one line of FUNCTION at which REGEX ends, if the line before it is
    looked at as well"""
    function, kind, regex = re.match(r'(\w+)([:?]) (.*)', where).groups()
    # What gcc has split off from a function has a name of its own.
    numbers = [n for name, lines in source.functions.items() for n in lines
               if name.split('.')[0] == function]
    found = []
    for n in sorted(set(numbers)):
        before, line = (' '.join(line.split()) for line in source.text[n - 2:n])
        for match in re.finditer(regex, f'{before} {line}'):
            if match.end() > len(before) + 1 and n in source.counts:
                found.append(n)
                break
    if len(found) != 1:
        return None
    return source.counts[found[0]] if kind == ':' else min(source.branches[found[0]], default=0)


source = next((s for s in gcovjson.read(sys.argv[2:]) if s.name == 'mpx.c'), None)
if not source:
    sys.exit('paths.py: no counts of arch/x86/mm/mpx.c')
with open(sys.argv[1]) as file:
    lines = [line.rstrip('\n').split('\t') for line in file
             if line.strip() and not line.startswith('#')]
for name, *wheres, reason in (line if len(line) > 3 else line + ['']
                              for line in lines):
    wheres = [w for w in wheres if w]
    taken = [count(w) for w in wheres]
    if None in taken:
        print(f'FAIL 0 {name}: not one line is that of {wheres[taken.index(None)]}')
        continue
    taken = taken[0] - sum(taken[1:])
    if taken > 0:
        print(f'ok {taken} {name}')
    elif reason:
        print(f'SKIP 0 {name}: {reason}')
    else:
        print(f'FAIL 0 {name}')
