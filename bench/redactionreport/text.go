// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

// The words of the report.
const (
	preface = `# Redaction report

Written by ` + "`make redaction-report`" + `; do not edit. It says how many planted secrets are left, and how many lines that hold none are changed, by ` + "`processor/redact`" + `, by gitleaks and by the contrib redactionprocessor, on the same inputs in one run.

A secret has **leaked** if half or more of it, and at least six characters, are left in one piece anywhere in the output, in it as it stands or under its JSON escapes; one shorter than that, if the whole is. A line is **touched** if anything in it was changed.

Corpora:

- *recall*, *clean*, *hard negatives*: ` + "`processor/redact/testdata`" + `, generated from templates. The third that was set aside before a rule was written is shown apart. It shares its templates with the rest: it says that rules hold for other values, not for other contexts.
- *gitleaks' samples*: what the authors of gitleaks wrote for their rules, made from the pinned module when the report is (` + "`bench/redactionreport/samples`" + `). The secret in one is what gitleaks finds with that rule alone. Counter-samples are what that rule alone is not to find; many are secrets of another kind, and so there is no target for them.
- *unseen*: ` + "`bench/redactionreport/unseen`" + `, other templates, written after the rules and not for tuning: more than 550 contexts from configuration files, logs, commands, requests and code, and some 200 of what is easily taken for a secret. Half of the contexts are blind: what leaks in them is counted, and named nowhere, so no rule was tuned on them. The other half is shown, and was: the blind row is the one to believe.

How each program is used:

- gitleaks: its default rules, decoding on as in its command. It finds and does not mask, so each finding is masked for it, wherever the text that was found stands.
- redactionprocessor: the patterns in ` + "`bench/patterns`" + `; each record as a body or as attributes.
- Where a table has one column for a program, it is the way in which that program leaked least of that corpus (touched lines: of *recall*).
`
	waysText = "Leaked of the secrets of *recall* (tuned on and set aside) and of *unseen*; then touched lines.\n\n"
	kindText = "On *recall*, both parts: leaked, of how many.\n\n"

	samplesText = "Leaked, of how many. Rules of whose samples we leak none are one row.\n\n"
	unseenText  = "Leaked, of how many. A rule that is written for a line of it makes it worth nothing: see `bench/redactionreport/unseen`.\n\n"
	contextText = "Without the blind ones. Contexts of which we leak none are one row.\n\n"
)
