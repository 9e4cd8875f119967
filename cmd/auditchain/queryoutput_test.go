// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit"
)

// A table fits every terminal, shows the message on all but tiny ones, and
// lets nothing through that acts on a terminal.
func TestTableFits(t *testing.T) {
	records := []*found{
		{seq: 1, entry: &audit.Entry{Timestamp: time.Unix(1e9, 0), Type: "log", Body: attribute.StringValue("short")}},
		{seq: 12345678901, entry: &audit.Entry{
			Timestamp: time.Unix(1e9, 0), Type: strings.Repeat("type", 30), Provider: "aws", SessionID: strings.Repeat("\u65e5", 40),
			Body: attribute.StringValue("visible " + strings.Repeat("\x1b[2J\u202e\u65e5\u672c", 100)),
		}},
	}
	for _, columns := range []int{1, 2, 20, 40, 60, 80, 100, 109, 110, 140, 169, 170, 200, 500} {
		var out bytes.Buffer
		p := newPrinter("table", &out, columns)
		for _, f := range records {
			if err := p.print(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.close(); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 1+len(records) {
			t.Fatalf("%d columns: %d lines", columns, len(lines))
		}
		for _, l := range lines {
			if w := textWidth(l); w > columns {
				t.Errorf("%d columns: a line of %d: %q", columns, w, l)
			}
			if strings.ContainsAny(l, "\x1b\u202e") {
				t.Errorf("%d columns: %q", columns, l)
			}
		}
		if columns >= 80 && !strings.Contains(lines[2], "visible") {
			t.Errorf("%d columns: the message is not shown: %q", columns, lines[2])
		}
	}
}

// The same table at a few widths, to look at.
func Example_table() {
	e := &audit.Entry{
		Timestamp: time.Unix(1e9, 0), Type: "session_ended", Provider: "aws", SessionID: "0b6d8e0a-5a0e-4a52-8b5e-4a5fb7d3c7f1",
		Body: attribute.StringValue("session ended: completed, exit code 0, after 12 s"),
	}
	for _, columns := range []int{80, 120} {
		var out bytes.Buffer
		p := newPrinter("table", &out, columns)
		if err := p.print(&found{seq: 3, entry: e}); err != nil {
			fmt.Println(err)
		}
		if err := p.close(); err != nil {
			fmt.Println(err)
		}
		fmt.Print(out.String())
	}
	// Output:
	// SEQ   TIME                 SESSION  TYPE           SUMMARY
	// 3     2001-09-09T01:46:40Z 0b6d8e.. session_ended  session ended: completed, e..
	// SEQ     TIME                 PROVIDER SESSION    TYPE               ACTOR        SUMMARY
	// 3       2001-09-09T01:46:40Z aws      0b6d8e0a.. session_ended                   session ended: completed, exit code 0..
}
