// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args    string
		output  string // the document that the run writes, "" for none
		refused string // what the error says, "" for none
	}{
		{args: "", output: defaultOutput},
		{args: "-rounds 9", output: defaultOutput},
		{args: "-o x.md", output: "x.md"},
		{args: "-only exporter -o x.md", output: "x.md"},
		{args: "-short"},
		{args: "-only exporter"},
		{args: "-side ours"},
		{args: "-rounds 3"},
		{args: "-short -large", refused: "exclude each other"},
		{args: "-short -o x.md", refused: "-short measures too little"},
		{args: "-rounds 3 -o x.md", refused: "5 rounds or more"},
		{args: "-side ours -o x.md", refused: "compares both sides"},
		{args: "-side theirs", refused: "-side"},
		{args: "-collector x", refused: "go together"},
		{args: "-neighbour-collector x", refused: "go together"},
		{args: "exporter", refused: "unexpected argument"},
	} {
		o, err := parse(strings.Fields(c.args), io.Discard)
		switch {
		case c.refused != "":
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%q: err = %v, want it to say %q", c.args, err, c.refused)
			}
		case err != nil:
			t.Errorf("%q: %v", c.args, err)
		case o.output != c.output:
			t.Errorf("%q writes %q, want %q", c.args, o.output, c.output)
		}
	}
}

func TestWantedSparesOtherRows(t *testing.T) {
	for _, c := range []struct {
		only, row string
		want      bool
	}{
		{"", "open", true},
		{"open", "open", true},
		{"exporter", "pipeline", false}, // though "fileexporter" matches there
		{"exporter/batch 1000", "exporter", true},
		{"exporter/batch 1000", "open", false},
		{"gitleaks", "redaction", true},
		{"gitleaks", "exporter", true}, // not a row: every text is looked at
	} {
		if got := wanted(c.only, c.row); got != c.want {
			t.Errorf("wanted(%q, %q) = %v, want %v", c.only, c.row, got, c.want)
		}
	}
}

func TestEachRowHasATextOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows(options{collector: "a", neighbourCollector: "b"}) {
		if r.run == nil || r.title == "" || r.about == "" || seen[r.id] {
			t.Errorf("row %q is incomplete or there twice", r.id)
		}
		seen[r.id] = true
	}
	if len(seen) != 9 {
		t.Errorf("%d rows, want 9", len(seen))
	}
}

func TestSaveReplacesTheDocumentWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "BENCHMARKS.md")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (report{}).save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "# Benchmarks\n") {
		t.Errorf("the document begins %.20q, err %v", text, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files are left in the folder, err %v, want the document alone", len(entries), err)
	}
	if err := (report{}).save(filepath.Join(dir, "missing", "x.md")); err == nil {
		t.Error("a document in a missing folder was saved")
	}
}

func TestNothingMatchedIsAnError(t *testing.T) {
	var stderr strings.Builder
	if code := run([]string{"-short", "-dir", t.TempDir(), "-only", "exporter/no such comparison"}, io.Discard, &stderr); code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	if !strings.Contains(stderr.String(), "matches nothing") {
		t.Errorf("stderr %q does not say that nothing matched", stderr.String())
	}
	if code := run([]string{"-bogus"}, io.Discard, io.Discard); code != 2 {
		t.Errorf("exit %d for an unknown flag, want 2", code)
	}
}
