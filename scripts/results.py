#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""results.py RESULTS: what scripts/check has found, for other programs to read: next to
the file RESULTS, which has a line "ok|FAIL|SKIP NAME" for each test, RESULTS.tap (KTAP)
and RESULTS.xml (JUnit). A suite is what the name has before its first colon."""

import re
import sys
from xml.etree import ElementTree


def tests(file):
    """The tests as (status, suite, name)"""
    for line in file:
        status, name = line.rstrip("\n").split(" ", 1)
        suite, colon, test = name.partition(": ")
        yield status, suite if colon else "check", test if colon else name


def tap(found):
    """KTAP, without subtests"""
    lines = ["KTAP version 1", f"1..{len(found)}"]
    for number, (status, suite, name) in enumerate(found, 1):
        ok = "not ok" if status == "FAIL" else "ok"
        # A "#" begins a directive.
        text = f"{suite}: {name}".replace("#", "")
        lines.append(f"{ok} {number} {text}{' # SKIP' if status == 'SKIP' else ''}")
    return "\n".join(lines) + "\n"


def junit(found):
    """A suite for each place where tests ran"""
    root = ElementTree.Element("testsuites")
    suites = {}
    for status, suite, name in found:
        suites.setdefault(suite, []).append((status, name))
    for suite, cases in suites.items():
        counts = {"tests": len(cases), "errors": 0,
                  "failures": sum(status == "FAIL" for status, _ in cases),
                  "skipped": sum(status == "SKIP" for status, _ in cases)}
        node = ElementTree.SubElement(root, "testsuite", name=suite,
                                      **{key: str(n) for key, n in counts.items()})
        for status, name in cases:
            # XML has no place for control characters.
            name = re.sub(r"[\x00-\x1f]", "?", name)
            case = ElementTree.SubElement(node, "testcase", classname=suite, name=name)
            if status == "FAIL":
                ElementTree.SubElement(case, "failure", message=name)
            elif status == "SKIP":
                ElementTree.SubElement(case, "skipped", message=name)
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n"


def main():
    results = sys.argv[1]
    with open(results, encoding="utf-8", errors="replace") as file:
        found = list(tests(file))
    for suffix, text in ((".tap", tap(found)), (".xml", junit(found))):
        with open(results + suffix, "w", encoding="utf-8") as file:
            file.write(text)


main()
