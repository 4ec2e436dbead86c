# SPDX-License-Identifier: GPL-2.0
"""report.py table|letter|check RESULTS: what the figures come to, by the rows of "cases".

table	in Markdown, with the reason for each target that is missed
letter	the ratios that have a target, for a cover letter
check	a line for each row: ok, SKIP (missed, but accepted) or FAIL, and its name

The status is 1 if a figure is missing, or the results tell of an error.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# What a rerun may differ by, with another compiler or base
SLACK = 1.05


def read_figures(path):
    """{"CASE MODE": value}, and the lines that tell of errors"""
    figures, errors = {}, []
    if not os.path.exists(path):
        return figures, errors
    with open(path) as f:
        for line in f:
            words = line.split()
            if line.startswith("error:"):
                errors.append(line.strip())
            elif len(words) == 3 and words[2].isdigit():
                figures[f"{words[0]} {words[1]}"] = int(words[2])
    return figures, errors


class Row:
    def __init__(self, line):
        (self.title, self.figure, self.by, self.target, self.accepted,
         self.reason) = [field.strip() for field in line.split("|")]

    def value(self, figures):
        """The ratio, or the figure itself; None where something is missing"""
        value, by = figures.get(self.figure), figures.get(self.by)
        if not self.by:
            return value
        return value / by if value is not None and by else None

    def within(self, value, limit, slack=1.0):
        return limit != "" and value <= float(limit) * slack

    def show(self, value):
        """With a digit more than the target"""
        if value is None:
            return "-"
        if not self.by or value >= 100:
            return f"{value:,.0f}"
        decimals = len(self.target.partition(".")[2] or "1") + 1
        return f"{value:.{decimals if value < 10 else 1}f}"

    def show_target(self):
        return self.target if self.by or not self.target else f"{int(self.target):,}"

    def over(self, value):
        target = float(self.target)
        return f"{100 * (value / target - 1):.3g}%" if target else f"{value:,}"


def read_cases():
    """[(columns of a group, its rows)]"""
    groups = []
    with open(os.path.join(HERE, "cases")) as f:
        for line in f:
            if line.startswith("="):
                groups.append(([c.strip() for c in line[1:].split("|")], []))
            elif line.strip() and not line.startswith("#"):
                groups[-1][1].append(Row(line))
    return groups


def print_table(head, lines):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + lines
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print("| " + " | ".join(cells) + " |")


def table(groups, figures):
    old, _ = read_figures(os.path.join(HERE, "linux-4.19"))
    missed = []

    def number(figure):
        return f"{figures[figure]:,}" if figure in figures else "-"

    for head, rows in groups:
        with_old = any(row.value(old) is not None for row in rows)
        lines = []
        for row in rows:
            value = row.value(figures)
            shown = row.show(value)
            if row.target and value is not None and not row.within(value, row.target):
                missed.append(f"{row.title}: {shown}, {row.over(value)} over its target. "
                              + (row.reason or "TODO"))
                shown = f"({len(missed)}) {shown}"
            cells = [row.title]
            if len(head) > 2:
                cells += [number(row.figure), number(row.by) if row.by else ""]
            # Where nothing is divided, the figure is what has a target.
            if row.by or len(head) == 2:
                cells.append(shown)
            else:
                cells[1:] = [shown, "", ""]
            cells.append(row.show_target())
            if with_old:
                cells.append(row.show(row.value(old)))
            lines.append(cells)
        print_table(head + ["target"] + (["Linux 4.19"] if with_old else []), lines)
        print()
    if missed:
        print("Over the target:\n")
        for i, line in enumerate(missed, 1):
            print(f"{i}. {line}")


def letter(groups, figures):
    old, _ = read_figures(os.path.join(HERE, "linux-4.19"))
    for head, rows in groups[:-1]:
        with_old = any(row.value(old) is not None for row in rows)
        print(f"  {head[0]:<63}{head[-1]:>6}{'4.19' if with_old else '':>7}".rstrip())
        for row in rows:
            if row.target:
                print(f"    {row.title:<61}{row.show(row.value(figures)):>6}"
                      f"{row.show(row.value(old)):>7}".rstrip(" -"))


def check(groups, figures, errors):
    for line in errors:
        print("FAIL", line)
    for head, rows in groups:
        for row in rows:
            value = row.value(figures)
            name = f"{head[0]}: {row.title}: {row.show(value)}"
            if row.target:
                name += f", target {row.show_target()}"
            if value is None:
                print("FAIL", name)
            elif not row.target or row.within(value, row.target, SLACK):
                print("ok", name)
            elif row.within(value, row.accepted, SLACK):
                print("SKIP", f"{name}, accepted {row.accepted}")
            else:
                print("FAIL", name)


def main():
    what, path = sys.argv[1:]
    groups = read_cases()
    figures, errors = read_figures(path)
    if what == "table":
        table(groups, figures)
    elif what == "letter":
        letter(groups, figures)
    else:
        check(groups, figures, errors)
    missing = any(row.value(figures) is None for _, rows in groups for row in rows)
    return 1 if missing or errors else 0


sys.exit(main())
