#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""report.py LOG PROGRAM...: what LAVA has made of the tests, by the log of its dispatcher:
a line "pass|fail|skip SET: CASE" for each. Success is that the job is complete, that it
was about the boot, about these programs and about the end, that nothing has failed, and
that LAVA knows of as many tests passed and skipped as the programs have said."""

import collections
import re
import sys

import yaml


def main():
    programs = sys.argv[2:]
    results = []
    said = collections.Counter()
    job = running = None
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        entries = [yaml.load(line, yaml.CSafeLoader) for line in file if line[0] == "{"]
    for entry in entries:
        message = entry["msg"]
        if entry["lvl"] == "results":
            if message["definition"] == "0_mpx":
                results.append((message["result"], message["set"], message["case"]))
            elif message["case"] == "job":
                job = message["result"]
        elif entry["lvl"] == "target":
            # What looks like a result before that is of the KUnit tests.
            running = running or "<LAVA_SIGNAL_STARTRUN" in message
            found = running and re.match(r"(not )?ok \d+ (- )?(# SKIP )?", message)
            if found:
                said["fail" if found[1] else "skip" if found[3] else "pass"] += 1
    # Those that have failed last, where they are seen
    results.sort(key=lambda result: result[0] == "fail")
    for status, of_set, case in results:
        print(f"{status} {of_set}: {case}")

    known = collections.Counter(status for status, of_set, case in results
                                if of_set in programs and case != "dmesg")
    print(dict(known))
    checks = (
        (job == "pass", f"the job is not complete: {job}"),
        ({of_set for _, of_set, _ in results} == {"boot", "end", *programs},
         "it was about other programs"),
        (not any(status == "fail" for status, _, _ in results), "there are failures"),
        (len(results) == len(set(results)), "names are not unique"),
        (known == said, f"the programs have said {dict(said)}"),
        (sum(of_set == "boot" for _, of_set, _ in results) == 5,
         "of the boot, there should be four suites of KUnit tests, and dmesg"),
    )
    wrong = [text for good, text in checks if not good]
    print("\n".join(wrong))
    sys.exit(bool(wrong))


main()
