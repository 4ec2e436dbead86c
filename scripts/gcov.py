# SPDX-License-Identifier: GPL-2.0
"""gcov.py REASONS JSON...: how much of arch/x86/mm/mpx*.c has been run, from what
"gcov --json-format" says, and what has not. Exit status 1 if there is more of it
than REASONS explains: "FUNCTION<tab>TEXT<tab>WHY" is for each line of the function
that contains the text, and without WHY it is as the line before. With * for the
function, it is for the branches of all such lines, but they must have been run."""

import re
import sys

import gcovjson


def read_reasons(path):
    reasons = []
    with open(path) as file:
        for line in file:
            line = line.rstrip('\n')
            if line and not line.startswith('#'):
                function, code, *why = line.split('\t')
                reasons.append((function, code, why[0] if why else reasons[-1][2]))
    return reasons


def percent(n, total):
    return f'{100 * n / total:8.2f}% of {total:4}' if total else ' ' * 17


reasons = read_reasons(sys.argv[1])
used = set()
explained = {}
unexplained = []
print(f'{"":30} {"lines":>17} {"branches":>17}')
for source in gcovjson.read(sys.argv[2:]):
    # gcov has no name for a function that was inlined everywhere.
    functions, function = [], ''
    for code in source.text:
        start = re.match(r'[a-z].*?\b(\w+)\(', code)
        function = start.group(1) if start else function
        functions.append(function)

    for number, n in sorted(source.counts.items()):
        taken = source.branches[number]
        if not n:
            what = 'not run'
        elif 0 in taken:
            what = f'{taken.count(0)} of {len(taken)} branches not taken'
        else:
            continue
        function, code = functions[number - 1], source.text[number - 1].strip()
        where = f'{source.name}:{number} {function}(): {what}: {code}'
        why = next((r for r in reasons if r[1] in code and
                    (r[0] == function or r[0] == '*' and n)), None)
        if why:
            explained.setdefault(why[2], []).append(where)
        else:
            unexplained.append(where)
    used.update(i for i, r in enumerate(reasons) if any(r[1] in line for line in source.text))

    run, taken = source.counts.values(), sum(source.branches.values(), [])
    print(f'{source.name:30} {percent(sum(n > 0 for n in run), len(run))} '
          f'{percent(sum(n > 0 for n in taken), len(taken))}'.rstrip())

for why, lines in explained.items():
    print(f'\n{why}:')
    for line in lines:
        print(f'    {line}')
if unexplained:
    print('\nNot reached, and nobody knows why:')
    for line in unexplained:
        print(f'    {line}')
unused = [r for i, r in enumerate(reasons) if i not in used]
for r in unused:
    print(f'gcov.unreached: no line has "{r[1]}"')
sys.exit(bool(unexplained or unused))
