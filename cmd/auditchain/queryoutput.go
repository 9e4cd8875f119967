// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/integrity"
)

// found is a record that query and tail print.
type found struct {
	entry *audit.Entry
	seq   uint64        // 0 in the older format
	json  []byte        // as it stands in the file, without what must not leave it
	order *erasureOrder // of an erased one, where it was found
}

// time is the record's, in a layout; "" where it is erased.
func (f *found) time(layout string) string {
	if f.entry.Kind == audit.KindErased {
		return ""
	}
	return f.entry.Timestamp.UTC().Format(layout)
}

func (f *found) kind() string {
	if f.entry.Kind == audit.KindErased {
		return "erased"
	}
	return f.entry.Type
}

func (f *found) summary() string {
	if f.entry.Kind == audit.KindErased {
		return f.order.String()
	}
	return summaryOf(f.entry)
}

// printer prints records in one of the forms of -o.
type printer interface {
	print(f *found) error
	// flush writes what was printed: nothing more may come for a long time.
	flush() error
	close() error
}

func newPrinter(form string, w io.Writer, columns int) printer {
	switch form {
	case "json":
		return &jsonPrinter{out: bufio.NewWriter(w)}
	case "csv":
		return &csvPrinter{out: csv.NewWriter(w)}
	}
	return &tablePrinter{out: bufio.NewWriter(w), columns: columns}
}

// jsonPrinter prints one JSON object a line.
type jsonPrinter struct {
	out *bufio.Writer
	buf []byte
}

func (p *jsonPrinter) print(f *found) error {
	p.buf = append(appendCleanJSON(p.buf[:0], f.json), '\n')
	_, err := p.out.Write(p.buf)
	return err
}

func (p *jsonPrinter) flush() error { return p.out.Flush() }
func (p *jsonPrinter) close() error { return p.out.Flush() }

// csvPrinter prints comma-separated values (RFC 4180) that a spreadsheet does
// not take for formulas.
type csvPrinter struct {
	out    *csv.Writer
	begun  bool
	fields []string
}

var csvColumns = []string{"timestamp", "seq", "id", "session_id", "provider", "type", "actor", "summary", "event"}

func (p *csvPrinter) print(f *found) error {
	if !p.begun {
		p.begun = true
		if err := p.out.Write(csvColumns); err != nil {
			return err
		}
	}
	e := f.entry
	id := ""
	if e.ID != [16]byte{} {
		id = e.ID.String()
	}
	p.fields = append(p.fields[:0], f.time(integrity.TimeFormat), seqText(f.seq), id,
		e.SessionID, string(e.Provider), f.kind(), e.Actor(), f.summary(), memberText(f.json, "event"))
	for i, v := range p.fields {
		p.fields[i] = csvCell(v)
	}
	return p.out.Write(p.fields)
}

func (p *csvPrinter) close() error {
	if !p.begun {
		if err := p.out.Write(csvColumns); err != nil {
			return err
		}
	}
	return p.flush()
}

func (p *csvPrinter) flush() error {
	p.out.Flush()
	return p.out.Error()
}

// csvCell makes a text safe in a cell: control characters are spelled out, and
// what a spreadsheet would run as a formula gets an apostrophe before it
// (https://owasp.org/www-community/attacks/CSV_Injection). Spreadsheets skip
// spaces before they look, and take full-width signs for the plain ones.
func csvCell(s string) string {
	s = cleanText(s)
	first := strings.TrimLeft(s, " \u00a0\u3000")
	for _, sign := range []string{"=", "+", "-", "@", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20"} {
		if strings.HasPrefix(first, sign) {
			return "'" + s
		}
	}
	return s
}

// memberText is the text of a top-level member of a JSON object, "" for none.
func memberText(object []byte, name string) (text string) {
	eachMember(object, func(n, value []byte) bool {
		if string(n) != name {
			return true
		}
		text = string(value)
		return false
	})
	return text
}

// memberString is a top-level member that is a string.
func memberString(object []byte, name string) (s string) {
	if json.Unmarshal([]byte(memberText(object, name)), &s) != nil {
		return ""
	}
	return s
}

// tablePrinter prints a table. On a terminal it fits its columns; elsewhere
// nothing is cut.
type tablePrinter struct {
	out     *bufio.Writer
	columns int // of the terminal, 0 when there is none
	begun   bool
	buf     strings.Builder
}

// tableColumn is a column and its width on narrow, usual and wide terminals; 0
// leaves it out, rest is what remains. What is whole is never cut.
type tableColumn struct {
	heading             string
	narrow, usual, wide int
	whole               bool
	cell                func(*found) string
}

const rest = -1

// The first numbers of columns of a usual and of a wide terminal.
const (
	usualTerminal = 110
	wideTerminal  = 170
)

var tableColumns = []tableColumn{
	{"SEQ", 5, 7, 9, true, func(f *found) string { return seqText(f.seq) }},
	{"TIME", 20, 20, 20, true, func(f *found) string { return f.time("2006-01-02T15:04:05Z") }},
	{"PROVIDER", 0, 8, 8, false, func(f *found) string { return string(f.entry.Provider) }},
	{"SESSION", 8, 10, 36, false, func(f *found) string { return f.entry.SessionID }},
	{"TYPE", 14, 18, 22, false, func(f *found) string { return f.kind() }},
	{"ACTOR", 0, 12, 20, false, func(f *found) string { return f.entry.Actor() }},
	{"SUMMARY", rest, rest, rest, false, func(f *found) string { return f.summary() }},
}

func (c tableColumn) width(columns int) int {
	switch {
	case columns >= wideTerminal || columns == 0:
		return c.wide
	case columns >= usualTerminal:
		return c.usual
	}
	return c.narrow
}

func (p *tablePrinter) print(f *found) error {
	if !p.begun {
		p.begun = true
		if err := p.row(func(c tableColumn) string { return c.heading }); err != nil {
			return err
		}
	}
	return p.row(func(c tableColumn) string { return c.cell(f) })
}

func (p *tablePrinter) row(cell func(tableColumn) string) error {
	p.buf.Reset()
	for _, c := range tableColumns {
		width := c.width(p.columns)
		if width == 0 {
			continue
		}
		if p.buf.Len() > 0 {
			p.buf.WriteByte(' ')
		}
		text := cleanText(cell(c))
		if width != rest {
			if p.columns == 0 || c.whole {
				width = max(width, textWidth(text))
			}
			text = fit(text, width, true)
		}
		p.buf.WriteString(text)
	}
	line := strings.TrimRight(p.buf.String(), " ")
	if p.columns > 0 {
		line = fit(line, p.columns, false)
	}
	_, err := p.out.WriteString(line + "\n")
	return err
}

func (p *tablePrinter) flush() error { return p.out.Flush() }
func (p *tablePrinter) close() error { return p.out.Flush() }

func seqText(seq uint64) string {
	if seq == 0 {
		return ""
	}
	return strconv.FormatUint(seq, 10)
}

// maxSummary bounds what is shown of one record, in bytes.
const maxSummary = 2000

// summaryOf is a record in one line: its message, or what a JSON body says in
// its place, else the fields of its event.
func summaryOf(e *audit.Entry) string {
	s := ""
	switch {
	case e.JSONBody:
		s = bodySummary([]byte(e.Message()))
	case e.Body.Type() != attribute.EMPTY:
		s = e.Message()
	case e.Event != nil:
		var b strings.Builder
		for _, f := range audit.Fields(e.Event) {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%s=%s", strings.TrimPrefix(string(f.Key), audit.FieldPrefix), fieldText(f.Value))
		}
		s = b.String()
	}
	if len(s) > maxSummary {
		s = strings.ToValidUTF8(s[:maxSummary], "") + ".."
	}
	return s
}

// bodySummary is a JSON body in one line: its message, or what a call of a
// cloud's API was (CloudTrail), else the JSON itself.
func bodySummary(body []byte) string {
	for _, name := range []string{"message", "msg"} {
		if s := memberString(body, name); s != "" {
			return s
		}
	}
	if name := memberString(body, "eventName"); name != "" {
		return strings.TrimSpace(memberString(body, "eventSource") + " " + name)
	}
	return string(body)
}

func fieldText(v attribute.Value) string {
	if v.Type() == attribute.EMPTY {
		return "null"
	}
	return v.String()
}
