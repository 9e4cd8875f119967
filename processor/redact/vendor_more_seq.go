// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// vendorSequences are shapes of vendors that gitleaks' configuration lacks and
// that a prefix and a length do not describe: the literal stands inside the
// secret, or what follows it has parts. See vendorShapes for the others.
var vendorSequences = []vendorShape{
	{"airtable-key", []literal{{text: "oaa", rule: ruleSequence, seq: &sequence{parts: []part{
		{set: chars("0-9A-Za-z"), min: 14, max: 14}, {text: ".v1."}, {set: chars("-0-9A-Z_a-z"), min: 60}, {text: "."}, {set: chars("0-9a-f"), min: 32},
	}}}}},
	// Keys of Azure carry a signature of four letters at a fixed place.
	{"azure-devops-token", []literal{{text: "AZDO", rule: ruleSequence, seq: &sequence{
		lead:  []part{{set: chars("0-9A-Za-z"), min: 76, max: 76}},
		parts: []part{{set: chars("0-9A-Za-z"), min: 4, max: 4}},
	}}}},
	{"azure-key", []literal{
		{text: "JQQJ99", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("0-9A-Za-z"), min: 52, max: 52}}, parts: []part{{set: chars("0-9A-Za-z"), min: 26, max: 26}}}},
		{text: "AzSe", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("0-9A-Za-z"), min: 42, max: 42}}, parts: []part{{set: chars("0-9A-Za-z"), min: 6, max: 6}}}},
		{text: "AzFu", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("-0-9A-Z_a-z"), min: 44, max: 44}}, parts: []part{{set: chars("-0-9A-Z_a-z"), min: 6, max: 6}, {text: "=="}}}},
		{text: "AzCa", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("0-9A-Za-z"), min: 33, max: 33}}, parts: []part{{set: chars("0-9A-Za-z"), min: 6, max: 6}, {text: "="}}}},
		{text: "AIoT", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("+/-9A-Za-z"), min: 33, max: 33}}, parts: []part{{set: chars("+/-9A-Za-z"), min: 6, max: 6}, {text: "="}}}},
		{text: "+ASb", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("+/-9A-Za-z"), min: 33, max: 33}}, parts: []part{{set: chars("+/-9A-Za-z"), min: 6, max: 6}, {text: "="}}}},
		{text: "+AEh", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("+/-9A-Za-z"), min: 33, max: 33}}, parts: []part{{set: chars("+/-9A-Za-z"), min: 6, max: 6}, {text: "="}}}},
		{text: "+ASt", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("+/-9A-Za-z"), min: 76, max: 76}}, parts: []part{{set: chars("+/-9A-Za-z"), min: 6, max: 6}, {text: "=="}}}},
		{text: "+ABa", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("+/-9A-Za-z"), min: 76, max: 76}}, parts: []part{{set: chars("+/-9A-Za-z"), min: 6, max: 6}, {text: "=="}}}},
		{text: "ACDb", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("+/-9A-Za-z"), min: 76, max: 76}}, parts: []part{{set: chars("+/-9A-Za-z"), min: 6, max: 6}, {text: "=="}}}},
		{text: "+ACR", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("+/-9A-Za-z"), min: 42, max: 42}}, parts: []part{{set: chars("+/-9A-Za-z"), min: 6, max: 6}}}},
	}},
	{"clickup-token", []literal{{text: "pk_", rule: ruleSequence, seq: &sequence{parts: []part{
		{set: chars("0-9"), min: 7, max: 9}, {text: "_"}, {set: chars("0-9A-Z"), min: 32, max: 32},
	}}}}},
	// The first part of a bot's token is its id in base64: a snowflake, which
	// has begun with the digit 1 since 2016.
	{"discord-token", func() (out []literal) {
		for _, id := range [...]string{"MTA", "MTE", "MTI", "MTM", "MTQ", "MTU", "MTY", "MTc", "MTg", "MTk"} {
			out = append(out, literal{text: id, rule: ruleSequence, seq: &sequence{strict: true, parts: []part{
				{set: chars("0-9A-Za-z"), min: 20, max: 24}, {text: "."}, {set: chars("-0-9A-Z_a-z"), min: 6, max: 6}, {text: "."}, {set: chars("-0-9A-Z_a-z"), min: 27},
			}}})
		}
		return out
	}()},
	{"entra-token", []literal{{text: ".AgABAA", rule: ruleSequence, seq: &sequence{
		lead:  []part{{set: chars("-.0-9A-Z_a-z"), min: 40, max: 120}},
		parts: []part{{set: chars("-0-9A-Z_a-z"), min: 40}},
	}}}},
	{"newrelic-key", []literal{
		{text: "NRAL", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("0-9a-z"), min: 36, max: 36}}}},
		{text: "-NRMA", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("0-9A-Za-z"), min: 38, max: 44}}}},
	}},
	{"salesforce-token", []literal{
		{text: "!AQ", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("0-9A-Za-z"), min: 15, max: 18}}, parts: []part{{set: chars(".0-9A-Z_a-z"), min: 80}}}},
		{text: "!AR", rule: ruleSequence, seq: &sequence{lead: []part{{set: chars("0-9A-Za-z"), min: 15, max: 18}}, parts: []part{{set: chars(".0-9A-Z_a-z"), min: 80}}}},
	}},
	{"tickettailor-key", []literal{{text: "sk_", rule: ruleSequence, seq: &sequence{parts: []part{
		{set: chars("0-9"), min: 3, max: 6}, {text: "_"}, {set: chars("0-9"), min: 4, max: 8}, {text: "_"}, {set: chars("0-9a-f"), min: 32},
	}}}}},
}
