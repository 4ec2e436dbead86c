# SPDX-License-Identifier: GPL-2.0
"""paths.py PATHS JSON...: how often each path of arch/x86/mm/mpx.c that PATHS lists
has been taken, from what "gcov --json-format" says. One line for each:

	ok COUNT NAME
	SKIP COUNT NAME: REASON		never, and PATHS says why
	FAIL COUNT NAME			never, or there is no such line
"""

import gzip
import json
import os
import re
import sys


def read_source(files):
    """The lines, the counts of lines and of their branches by number, and the numbers
    by function"""
    for path in files:
        with gzip.open(path) as file:
            result = json.load(file)
        for source in result['files']:
            if source['file'].endswith('arch/x86/mm/mpx.c'):
                break
        else:
            continue
        with open(os.path.join(result['current_working_directory'], source['file'])) as file:
            text = [' '.join(line.split()) for line in file]
        # A function that was inlined into others has a copy of its lines in each.
        counts, branches = {}, {}
        for line in source['lines']:
            number = line['line_number']
            taken = [b['count'] for b in line['branches']]
            before = branches.get(number, [0] * len(taken))
            counts[number] = counts.get(number, 0) + line['count']
            branches[number] = [sum(both) for both in zip(before, taken)] or before or taken
        functions = {f['name']: range(f['start_line'], f['end_line'] + 1)
                     for f in source['functions']}
        return text, counts, branches, functions
    sys.exit('paths.py: no counts of arch/x86/mm/mpx.c')


def count(where):
    """The one line of FUNCTION at which REGEX ends, if the line before it is
    looked at as well"""
    function, kind, regex = re.match(r'(\w+)([:?]) (.*)', where).groups()
    # What gcc has split off from a function has a name of its own.
    numbers = [n for name, lines in functions.items() for n in lines
               if name.split('.')[0] == function]
    found = []
    for n in sorted(set(numbers)):
        before, line = text[n - 2], text[n - 1]
        for match in re.finditer(regex, f'{before} {line}'):
            if match.end() > len(before) + 1 and n in counts:
                found.append(n)
                break
    if len(found) != 1:
        return None
    return counts[found[0]] if kind == ':' else min(branches[found[0]], default=0)


text, counts, branches, functions = read_source(sys.argv[2:])
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
