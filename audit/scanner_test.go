// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const (
	mac        = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	record1    = `{"timestamp":"2026-11-23T10:15:00.000000000Z","session_id":"s1","event":{"type":"x"},"id":"019aab30-1c2d-7e3f-8a4b-5c6d7e8f9a0b","blind":"AAECAwQFBgcICQoLDA0ODw"`
	suffix7    = `,"seq":7,"hmac":"` + mac + `"}`
	olderPlain = `{"timestamp":"2026-01-02T03:04:06Z","session_id":"s1","event":{"type":"x"}}`
)

func scan(t *testing.T, s *Scanner) []Line {
	t.Helper()
	var out []Line
	for s.Scan() {
		out = append(out, s.Line())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScannerBothFormats(t *testing.T) {
	text := record1 + suffix7 + "\n" +
		olderPlain + "\n" +
		olderPlain + "\t#HMAC:" + mac + "\n" +
		`{"control":"chain.closed","time":"2026-11-23T10:15:00.000000000Z"` + suffix7 + "\n" +
		`{"erased":"` + mac + `"` + suffix7 + "\n"
	lines := scan(t, NewScanner(iotest.OneByteReader(strings.NewReader(text))))
	if len(lines) != 5 {
		t.Fatalf("%d lines", len(lines))
	}
	offset := int64(0)
	for i, l := range lines {
		if l.Err != nil || l.Number != int64(i+1) || l.Offset != offset {
			t.Errorf("line %d: %+v", i+1, l)
		}
		signed := i != 1
		if (l.MAC[1] == 0x11) != signed || (l.Seq == 7) != (i == 0 || i > 2) || l.Entry.Older != (i == 1 || i == 2) {
			t.Errorf("line %d: MAC %x, seq %d, older %v", i+1, l.MAC, l.Seq, l.Entry.Older)
		}
		offset += int64(strings.IndexByte(text[offset:], '\n') + 1)
	}
	if lines[3].Entry.Control.Name != "chain.closed" || lines[4].Entry.Kind != KindErased || lines[4].Entry.Erased != lines[4].MAC {
		t.Error("the last two are not what they are")
	}
}

// Every line comes, what cannot be read as an error that names its place.
func TestScannerReportsEveryLine(t *testing.T) {
	bad := map[string]string{
		"empty":                "",
		"a space":              " ",
		"no JSON":              "completed",
		"NUL bytes":            "\x00\x00\x00\x00",
		"carriage return":      record1 + suffix7 + "\r",
		"no suffix":            record1 + "}",
		"no hmac":              record1 + `,"seq":7}`,
		"seq 0":                record1 + strings.Replace(suffix7, "7", "0", 1),
		"seq with a zero":      record1 + strings.Replace(suffix7, "7", "07", 1),
		"seq with a sign":      record1 + strings.Replace(suffix7, "7", "+7", 1),
		"seq too large":        record1 + strings.Replace(suffix7, "7", "18446744073709551616", 1),
		"seq missing":          record1 + strings.Replace(suffix7, "7", "", 1),
		"hmac in upper case":   record1 + strings.ToUpper(suffix7[len(suffix7)-4:]),
		"hmac upper":           record1 + strings.Replace(suffix7, "aabb", "AABB", 1),
		"hmac short":           record1 + strings.Replace(suffix7, "aabb", "", 1),
		"space in the suffix":  record1 + strings.Replace(suffix7, `,"hmac"`, `, "hmac"`, 1),
		"older with a suffix":  olderPlain[:len(olderPlain)-1] + suffix7,
		"current with a mark":  record1 + "}\t#HMAC:" + mac,
		"mark in upper case":   olderPlain + "\t#HMAC:" + strings.ToUpper(mac),
		"mark cut":             olderPlain + "\t#HMAC:" + mac[:63],
		"mark twice":           olderPlain + "\t#HMAC:" + mac + "\t#HMAC:" + mac,
		"two on one line":      olderPlain + olderPlain,
		"glued to a torn line": record1[:50] + record1 + suffix7,
	}
	for name, text := range bad {
		t.Run(name, func(t *testing.T) {
			good := record1 + suffix7 + "\n"
			lines := scan(t, NewScanner(strings.NewReader(good+text+"\n"+good)))
			if len(lines) != 3 || lines[0].Err != nil || lines[2].Err != nil {
				t.Fatalf("%d lines: %+v", len(lines), lines)
			}
			e := lines[1].Err
			if e == nil {
				t.Fatalf("it was read: %+v", lines[1])
			}
			if e.Line != 2 || e.Offset != int64(len(good)) || e.Reason == "" {
				t.Errorf("%+v", e)
			}
			for _, content := range []string{"completed", "s1", "019aab30"} {
				if strings.Contains(e.Error(), content) {
					t.Errorf("it holds content: %v", e)
				}
			}
			if lines[1].Seq != 0 || lines[1].MAC != [32]byte{} || lines[1].Entry.Kind != 0 {
				t.Errorf("a line that was not read says something: %+v", lines[1])
			}
		})
	}
}

func TestScannerEnd(t *testing.T) {
	if lines := scan(t, NewScanner(strings.NewReader(""))); len(lines) != 0 {
		t.Errorf("an empty file has %d lines", len(lines))
	}
	for text, ok := range map[string]bool{
		record1 + suffix7:             false, // the LF belongs to the write
		record1:                       false,
		olderPlain:                    true,
		olderPlain + "\t#HMAC:" + mac: true,
	} {
		lines := scan(t, NewScanner(strings.NewReader(text)))
		if len(lines) != 1 || (lines[0].Err == nil) != ok {
			t.Errorf("%.30s… without LF: %+v", text, lines)
		}
	}
}

func TestScannerLongLines(t *testing.T) {
	long := strings.Replace(record1, `"s1"`, `"`+strings.Repeat("x", 300<<10)+`"`, 1) + suffix7 + "\n"
	short := record1 + suffix7 + "\n"
	lines := scan(t, NewScanner(strings.NewReader(long+short)))
	if len(lines) != 2 || lines[0].Err != nil || len(lines[0].Entry.SessionID) != 300<<10 || lines[1].Err != nil {
		t.Fatalf("a line of %d bytes is not read", len(long))
	}

	s := NewScanner(strings.NewReader(short + long + short))
	s.max = len(short) - 1 // exactly what the short line has
	lines = scan(t, s)
	if len(lines) != 3 || lines[0].Err != nil || lines[2].Err != nil {
		t.Fatalf("%+v", lines)
	}
	if e := lines[1].Err; e == nil || !strings.Contains(e.Reason, "longer") || lines[2].Offset != int64(len(short)+len(long)) {
		t.Errorf("%+v, then %+v", lines[1], lines[2])
	}
	s = NewScanner(strings.NewReader(short))
	s.max = len(short) - 2
	if lines = scan(t, s); len(lines) != 1 || lines[0].Err == nil {
		t.Errorf("one byte more than the limit: %+v", lines)
	}
}

func TestScannerReaderFails(t *testing.T) {
	gone := errors.New("the disk is gone")
	s := NewScanner(io.MultiReader(strings.NewReader(olderPlain+"\n"+olderPlain[:20]), iotest.ErrReader(gone)))
	n := 0
	for s.Scan() {
		n++
	}
	if n != 1 || !errors.Is(s.Err(), gone) || s.Scan() {
		t.Errorf("%d lines, error %v", n, s.Err())
	}
}

func TestScannerOlderFiles(t *testing.T) {
	var entries []Entry
	for _, file := range []string{"signed", "unsigned"} {
		b, err := os.ReadFile(filepath.Join("testdata", "older", file+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range scan(t, NewScanner(bytes.NewReader(b))) {
			if l.Err != nil || !l.Entry.Older || (l.MAC != [32]byte{}) != (file == "signed") {
				t.Errorf("%s: %+v", file, l)
			}
			entries = append(entries, l.Entry)
		}
	}
	want := []Event{
		SessionEnded{Status: "completed", DurationSeconds: 12, ExitCode: new(int32(0))},
		BudgetWarning{CurrentSpend: 8.5, Limit: 10},
		SessionCreated{RoleARN: "arn:aws:iam::123456789012:role/deploy", TTLSeconds: 900, AllowedActions: []string{"s3:GetObject"}, Command: []string{"terraform", "apply"}},
		SessionCreated{RoleARN: "sub", TTLSeconds: 900, Budget: new(5.0), AllowedActions: []string{}, Command: []string{}, AgentID: "agent-7"},
		CredentialsIssued{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", ExpiresAt: time.Date(2026, 1, 2, 3, 19, 9, 5e8, time.UTC)},
		BudgetExceeded{FinalSpend: 11.25, Limit: 10},
		ResourceCreated{Service: "s3", ResourceType: "bucket", Identifier: "logs"},
	}
	if len(entries) != len(want)+1 {
		t.Fatalf("%d entries", len(entries))
	}
	for i, w := range want {
		if got := fmt.Sprintf("%#v", entries[i].Event); !sameEvent(w, entries[i].Event) {
			t.Errorf("entry %d: %s, want %#v", i, got, w)
		}
	}
	if c, ok := entries[7].Event.(Custom); !ok || c.Type != "something_new" {
		t.Errorf("an event of a later version: %#v", entries[7].Event)
	}
	if e := entries[2]; e.Provider != AWS || e.text(keyProvider) != "aws" || e.text(keySessionID) != "s2" || e.EventName != "audit.session_created" {
		t.Errorf("%+v", e)
	}
	if e := entries[3]; e.Timestamp != time.Date(2026, 1, 2, 2, 4, 8, 0, time.UTC) || e.Provider != Azure || e.Actor() != "agent-7" {
		t.Errorf("%+v", e)
	}
}

func sameEvent(a, b Event) bool {
	x, errX := marshalEvent(a)
	y, errY := marshalEvent(b)
	return errX == nil && errY == nil && bytes.Equal(x, y) && fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b)
}

func ExampleScanner() {
	file := strings.NewReader(`{"timestamp":"2026-01-02T03:04:06Z","session_id":"s1","provider":"gcp","event":{"type":"budget_warning","current_spend":8.5,"limit":10.0}}
not an entry
`)
	s := NewScanner(file)
	for s.Scan() {
		if line := s.Line(); line.Err != nil {
			fmt.Println(line.Err)
		} else {
			fmt.Println(line.Number, line.Entry.SessionID, line.Entry.Type)
		}
	}
	fmt.Println(s.Err())
	// Output:
	// 1 s1 budget_warning
	// line 2, byte offset 139: it does not end in "seq" and "hmac", and is no line of the older format: it begins like neither a record nor a control record nor what is left of an erased one
	// <nil>
}
