# Copyright The auditchain Authors
# SPDX-License-Identifier: Apache-2.0
"""Asks docs/verify.py, in one process, what stands in standard input, a JSON value a line: of a string whether it is a
line of a journal, of a list what it says to these arguments. Each is answered by a line of JSON."""
import json, runpy, sys

script = runpy.run_path(sys.argv[1])
for question in map(json.loads, sys.stdin):
    if isinstance(question, str):
        line = script["parse"](question.encode() + b"\n", "", 1, 0)
        kind = "tombstone" if line.raw.startswith(b'{"erased"') else "control record" if line.control else "record"
        answer = {"well_formed": bool(line.leaf), "kind": kind if line.leaf else "", "leaf": line.leaf.hex()}
    else:
        answer = script["verify"](*question)
    print(json.dumps(answer), flush=True)
