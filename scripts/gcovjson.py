# SPDX-License-Identifier: GPL-2.0
"""What "gcov --json-format" says of the kernel's part of MPX, for gcov.py and paths.py"""

import gzip
import json
import os
import re
from typing import NamedTuple


class Source(NamedTuple):
    """A file: its name and its lines, how often each line was run and each of its
    branches was taken, by the line's number, and the lines of each function"""
    name: str
    text: list
    counts: dict
    branches: dict
    functions: dict


def read(paths):
    """The sources that are counted in these files of gcov"""
    for path in paths:
        with gzip.open(path) as file:
            result = json.load(file)
        for source in result['files']:
            if not re.search(r'arch/x86/mm/mpx\w*\.c$', source['file']):
                continue
            with open(os.path.join(result['current_working_directory'], source['file'])) as file:
                text = file.read().splitlines()
            # A function that was inlined into others has a copy of its lines in each.
            counts, branches = {}, {}
            for line in source['lines']:
                number = line['line_number']
                taken = [b['count'] for b in line['branches']]
                before = branches.get(number, [])
                counts[number] = counts.get(number, 0) + line['count']
                if len(before) == len(taken):
                    branches[number] = [sum(both) for both in zip(before, taken)]
                else:
                    branches[number] = before + taken
            functions = {f['name']: range(f['start_line'], f['end_line'] + 1)
                         for f in source['functions']}
            yield Source(os.path.basename(source['file']), text, counts, branches, functions)
