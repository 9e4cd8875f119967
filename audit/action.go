// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strings"
)

// Action is something that can be done in a cloud, or a pattern of such things,
// in the form of its provider:
//
//	aws    service:Action                          s3:GetObject, s3:Get*, iam:*, *
//	gcp    service.resource.verb                   storage.objects.get, storage.objects.*, *
//	azure  Namespace/resourceType[/…]/verb         Microsoft.Storage/storageAccounts/read, */read, *
//
// Patterns hold '*' for any run of characters (in an AWS action also '?' for
// one). The zero Action is no action: it prints as "" and matches nothing.
// Actions can be compared with ==.
type Action struct {
	provider Provider
	text     string
}

// ParseAction reads an action or a pattern in the form of the provider. What it
// takes prints back as it was.
func ParseAction(p Provider, text string) (Action, error) {
	var why string
	switch p {
	case AWS:
		why = checkAWS(text)
	case GCP:
		why = checkGCP(text)
	case Azure:
		why = checkAzure(text)
	default:
		return Action{}, unknownProvider(string(p))
	}
	if why != "" {
		return Action{}, fmt.Errorf("%s action %q: %s", p, text, why)
	}
	return Action{p, text}, nil
}

// Provider returns the provider whose action it is.
func (a Action) Provider() Provider { return a.provider }

// String returns the action in the form of its provider.
func (a Action) String() string { return a.text }

// Matches reports whether a, as a pattern, covers the action b of the same
// provider. AWS and Azure compare without regard to case, as these clouds do;
// GCP compares exactly. Where b is a pattern itself, a covers all that b does.
func (a Action) Matches(b Action) bool {
	if a.provider != b.provider || a.text == "" || b.text == "" {
		return false
	}
	p, s := a.text, b.text
	if a.provider != GCP {
		p, s = strings.ToLower(p), strings.ToLower(s)
	}
	return glob(p, s)
}

func checkAWS(s string) string {
	if s == "*" {
		return ""
	}
	service, action, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return "want service:Action, such as s3:GetObject, or *"
	case !all(service, func(c byte) bool { return isAlnum(c) || c == '-' || c == '*' }):
		return "the service before ':' must be letters, digits and '-'"
	case !all(action, func(c byte) bool { return isAlnum(c) || c == '*' || c == '?' }):
		return "the action after ':' must be letters and digits, with '*' and '?' as wildcards"
	}
	return ""
}

func checkGCP(s string) string {
	if s == "*" {
		return ""
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return "want service.resource.verb, such as storage.objects.get, or *"
	}
	for _, part := range parts {
		if !all(part, func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == '*' }) {
			return "service, resource and verb must be letters, digits, '-' and '_', with '*' as a wildcard"
		}
	}
	return ""
}

func checkAzure(s string) string {
	if s == "*" {
		return ""
	}
	parts := strings.Split(s, "/")
	// "*/read" is the one form that is shorter: every resource provider.
	if len(parts) < 3 && (len(parts) != 2 || !strings.Contains(parts[0], "*") && !strings.Contains(parts[1], "*")) {
		return "want Namespace/resourceType/verb, such as Microsoft.Storage/storageAccounts/read, or *"
	}
	for i, part := range parts {
		if !all(part, func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == '.' || c == '*' }) {
			return fmt.Sprintf("part %d must be letters, digits, '.', '-' and '_', with '*' as a wildcard", i+1)
		}
	}
	return ""
}

// all reports whether s is not empty and has only such bytes.
func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return s != ""
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// glob matches s against a pattern with '*' and '?' in linear space and without
// recursion, so that no pattern can be made to take long: it goes back to the
// last star only. A '?' does not match a '*' of s, which stands for more than
// one character where s is a pattern.
func glob(p, s string) bool {
	pi, si, star, mark := 0, 0, -1, 0
	for si < len(s) {
		switch {
		case pi < len(p) && p[pi] == '*':
			star, mark = pi, si
			pi++
		case pi < len(p) && (p[pi] == s[si] || p[pi] == '?' && s[si] != '*'):
			pi++
			si++
		case star >= 0:
			mark++
			pi, si = star+1, mark
		default:
			return false
		}
	}
	for pi < len(p) && p[pi] == '*' {
		pi++
	}
	return pi == len(p)
}
