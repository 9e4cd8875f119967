// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lineVector is one line of testdata/lines.json, for any parser of lines.
type lineVector struct {
	What string `json:"what"`
	Line string `json:"line"`
	// Error is why the line is refused; empty for a good one, which has the
	// members below.
	Error string `json:"error,omitempty"`
	Kind  string `json:"kind,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`
}

func TestLineVectors(t *testing.T) {
	const path = "testdata/lines.json"
	var want []lineVector
	for _, c := range refusedLines() {
		want = append(want, lineVector{What: c.name, Line: c.line, Error: c.want.Error()})
	}
	v, _, _ := loadChain(t)
	for i, l := range v.Lines {
		kind := []Kind{Control, Record, Tombstone}[i]
		want = append(want, lineVector{What: "a " + kind.String(), Line: l.Line, Kind: kind.String(), Seq: l.Seq})
	}
	if *update {
		b, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []lineVector
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("run: go test ./integrity -run TestLineVectors -update\n%s", diff)
	}
	for _, c := range got {
		l, err := ParseLine([]byte(c.Line))
		switch {
		case c.Error != "" && (err == nil || err.Error() != c.Error):
			t.Errorf("%s: %v, want %s", c.What, err, c.Error)
		case c.Error == "" && (err != nil || l.Kind.String() != c.Kind || l.Seq != c.Seq):
			t.Errorf("%s: %s %d %v", c.What, l.Kind, l.Seq, err)
		}
	}
}
