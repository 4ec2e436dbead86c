# SPDX-License-Identifier: GPL-2.0
"""coverage.py JSON HEADER: for each function of HEADER, how much of it has been
run, from what "llvm-cov export" says. Exit status 1 if it is not all.

llvm-cov's own report counts what macros expand to as well. min() has branches in
it that no compiler leaves in the code, so a function with min() is never done."""

import json
import re
import sys

CODE = 0


def percent(missed, total):
    return f'{100 * (total - len(missed)) / total:8.2f}% of {total:3}' if total else ' ' * 16


path, header = sys.argv[1:]
with open(header) as file:
    wanted = re.findall(r'^static inline .*?\b(\w+)\(', file.read(), re.M)
with open(path) as file:
    found = {f['name'].split(':')[-1]: f for f in json.load(file)['data'][0]['functions']}

complete = True
print(f'{header:50} {"lines":>16} {"branches":>16}')
for name in wanted:
    if name not in found:
        print(f'{name:50} not compiled: no test calls it')
        complete = False
        continue

    # File 0 is the function's own, the others are expansions of macros.
    regions = [r for r in found[name]['regions'] if r[5] == 0 and r[7] == CODE]
    branches = [b for b in found[name]['branches'] if b[6] == 0]

    def lines(regions):
        return {line for r in regions for line in range(r[0], r[2] + 1)}

    not_run = lines(r for r in regions if r[4] == 0)
    not_taken = [(b[0], way) for b in branches
                 for way, count in (('true', b[4]), ('false', b[5])) if count == 0]
    print(f'{name:50} {percent(not_run, len(lines(regions)))} '
          f'{percent(not_taken, 2 * len(branches))}'.rstrip())
    for line in sorted(not_run):
        print(f'    line {line} is not run')
    for line, way in not_taken:
        print(f'    line {line} has a condition that is never {way}')
    complete = complete and not not_run and not not_taken

sys.exit(not complete)
