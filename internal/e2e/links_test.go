// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	link       = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	reference  = regexp.MustCompile(`\[([^\]]+)\](?:[^(:\]]|$)`)
	definition = regexp.MustCompile(`(?m)^\[([^\]]+)\]: (\S+)$`)
	code       = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
)

// anchors are the fragments that the headings of a Markdown text get.
func anchors(markdown string) map[string]bool {
	out := map[string]bool{}
	fenced := false
	for _, line := range strings.Split(markdown, "\n") {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		heading := strings.TrimLeft(line, "#")
		if fenced || heading == line || !strings.HasPrefix(heading, " ") {
			continue
		}
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(heading))
		name := slug
		for i := 1; out[name]; i++ {
			name = slug + "-" + strconv.Itoa(i)
		}
		out[name] = true
	}
	return out
}

func TestAnchors(t *testing.T) {
	got := anchors("# A b\n```\n# no heading\n```\n## 4.1 `x`, and Y: z\n## A b\n#tag\n")
	for _, want := range []string{"a-b", "41-x-and-y-z", "a-b-1"} {
		if !got[want] {
			t.Errorf("no %q in %v", want, got)
		}
	}
	if len(got) != 3 {
		t.Errorf("%v", got)
	}
}

// document reads one of the documents, without what stands in it as code.
func document(t *testing.T, path string) (text, all string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return code.ReplaceAllString(string(b), ""), string(b)
}

// Each link from one of our documents to another leads to a file that is
// there, and to a heading that it has.
func TestDocumentLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{"README.md", "exporter/*/README.md", "processor/*/README.md", "receiver/*/README.md", "keys/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(root, more))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	links, fragments := 0, 0
	for _, name := range documents {
		text, _ := document(t, name)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			file, fragment, hasFragment := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = filepath.Join(filepath.Dir(name), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links %s: %v", filepath.Base(name), m[1], err)
				continue
			}
			if !hasFragment {
				continue
			}
			fragments++
			if _, all := document(t, target); !anchors(all)[fragment] {
				t.Errorf("%s links %s: there is no such heading", filepath.Base(name), m[1])
			}
		}
	}
	if links < 100 || fragments < 30 {
		t.Errorf("the documents have %d links to our files, %d of them to headings", links, fragments)
	}
}

// Each statement of docs/COMPARISON.md has a source, each source is defined
// and used, and each table is about all systems.
func TestComparisonHasSources(t *testing.T) {
	text, _ := document(t, filepath.Join("..", "..", "docs", "COMPARISON.md"))
	defined := map[string]bool{}
	for _, m := range definition.FindAllStringSubmatch(text, -1) {
		if defined[m[1]] {
			t.Errorf("source [%s] is defined twice", m[1])
		}
		defined[m[1]] = true
		if !strings.HasPrefix(m[2], "http") {
			t.Errorf("source [%s] is %s", m[1], m[2])
		}
	}
	used := map[string]bool{}
	body, _, ok := strings.Cut(text, "\n## Sources\n")
	if !ok {
		t.Fatal("there is no section Sources")
	}
	for _, m := range reference.FindAllStringSubmatch(body, -1) {
		used[m[1]] = true
		if !defined[m[1]] {
			t.Errorf("source [%s] is not defined", m[1])
		}
	}
	for label := range defined {
		if !used[label] {
			t.Errorf("source [%s] is not used", label)
		}
	}
	systems := []string{
		"this project", "journald sealing", "syslog-ng slog", "rsyslog KSI", "CloudTrail digests",
		"Tessera", "immudb", "SQL ledger", "Vault audit devices",
	}
	tables, row := 0, -1
	for _, line := range strings.Split(body, "\n") {
		if strings.HasPrefix(line, "|-") {
			continue
		}
		if !strings.HasPrefix(line, "| ") {
			if row >= 0 && row != len(systems) {
				t.Errorf("a table ends after %d systems", row)
			}
			row = -1
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if cells[0] == "system" {
			tables++
			row = 0
			continue
		}
		if row < 0 {
			continue
		}
		if row >= len(systems) || cells[0] != systems[row] {
			t.Errorf("row %d of a table is about %q", row+1, cells[0])
		}
		if last := cells[len(cells)-1]; !strings.HasPrefix(last, "[") || len(cells) < 3 {
			t.Errorf("no source: %s", line)
		}
		row++
	}
	if tables != 14 {
		t.Errorf("%d tables of systems", tables)
	}
}
