# SPDX-License-Identifier: GPL-2.0
"""gcov.py REASONS JSON...: how much of arch/x86/mm/mpx*.c has been run, from what
"gcov --json-format" says, and what has not. Exit status 1 if there is more of it
than REASONS explains: "FUNCTION<tab>TEXT<tab>WHY" is for each line of the function
that contains the text. With * for the function, it is for the branches of all such
lines, but they must have been run."""

import gzip
import json
import os
import re
import sys


def read_reasons(path):
    with open(path) as file:
        lines = [line.rstrip('\n') for line in file]
    return [line.split('\t') for line in lines if line and not line.startswith('#')]


def percent(n, total):
    return f'{100 * n / total:8.2f}% of {total:4}' if total else ' ' * 17


reasons = read_reasons(sys.argv[1])
used = set()
explained = {}
unexplained = []
print(f'{"":30} {"lines":>17} {"branches":>17}')
for path in sys.argv[2:]:
    with gzip.open(path) as file:
        result = json.load(file)
    for source in result['files']:
        if not re.search(r'arch/x86/mm/mpx\w*\.c$', source['file']):
            continue
        name = os.path.basename(source['file'])
        with open(os.path.join(result['current_working_directory'], source['file'])) as file:
            text = file.read().splitlines()

        # A function that was inlined into others has a copy of its lines in each.
        run, branches = {}, {}
        for line in source['lines']:
            number = line['line_number']
            run[number] = run.get(number, 0) + line['count']
            branches.setdefault(number, []).extend(b['count'] for b in line['branches'])
        # gcov has no name for one that was inlined everywhere.
        functions, function = [], ''
        for code in text:
            start = re.match(r'[a-z].*?\b(\w+)\(', code)
            function = start.group(1) if start else function
            functions.append(function)

        for number in sorted(run):
            taken = branches[number]
            if not run[number]:
                what = 'not run'
            elif 0 in taken:
                what = f'{taken.count(0)} of {len(taken)} branches not taken'
            else:
                continue
            function, code = functions[number - 1], text[number - 1].strip()
            where = f'{name}:{number} {function}(): {what}: {code}'
            why = next((r for r in reasons if r[1] in code and
                        (r[0] == function or r[0] == '*' and run[number])), None)
            if why:
                explained.setdefault(why[2], []).append(where)
            else:
                unexplained.append(where)
        used.update(i for i, r in enumerate(reasons) if any(r[1] in line for line in text))

        taken = [count for number in run for count in branches[number]]
        print(f'{name:30} {percent(sum(n > 0 for n in run.values()), len(run))} '
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
