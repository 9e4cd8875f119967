// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func quoted(t testing.TB, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Notes are found in whatever they were kept in.
func TestReadNotes(t *testing.T) {
	note := func(size uint64) string { return string(signNote(t, proofKey, proofChain, size, mustRoot(size))) }
	a, b := note(3), note(5)
	cosigned := a + "— witness.example/w " + "AAAAAQIDBAUGBwgJ" + "\n"
	proof, _ := proofOf(t, 5, 11).AppendText(nil)
	record := `{"time":"x","n":1,"attrs":[{"key":"note","value":` + quoted(t, a) + `}]}`
	escaper := strings.NewReplacer("+", `\u002B`, "/", `\/`, "—", `\u2014`)
	for name, tc := range map[string]struct {
		text string
		want []string // name and note, name and note…
	}{
		"one":                         {a, []string{"f:1", a}},
		"without its last LF":         {strings.TrimSuffix(a, "\n"), []string{"f:1", a}},
		"cosigned":                    {cosigned, []string{"f:1", cosigned}},
		"behind a byte order mark":    {"\xef\xbb\xbf" + a, []string{"f:1", a}},
		"a .checkpoints file":         {a + "\n" + b + "\n", []string{"f:1", a, "f:7", b}},
		"without a line between them": {a + b, []string{"f:1", a, "f:6", b}},
		"in a mail":                   {"Dear auditor,\n\n  " + strings.ReplaceAll(a, "\n", "\r\n  ") + "\r\nyours\r\n", []string{"f:3", a}},
		"a proof":                     {string(proof), []string{fmt.Sprintf("f:%d", bytes.Count(proof[:bytes.Index(proof, []byte("\n\n"))], []byte("\n"))+3), string(proof[bytes.Index(proof, []byte("\n\n"))+2:])}},
		"JSONL":                       {`{"a":1}` + "\n" + record + "\n" + `{"note":` + quoted(t, b) + "}\n", []string{"f:2", a, "f:3", b}},
		"an array on a line":          {`[` + record + `,{"note":` + quoted(t, b) + `}]`, []string{"f:1", a, "f:1", b}},
		"pretty JSON":                 {"{\n \"note\":\n  " + quoted(t, a) + "\n}\n", []string{"f:3", a}},
		"JSON in JSON":                {`{"message":` + quoted(t, `{"m":`+quoted(t, record)+`}`) + "}\n", []string{"f:1", a}},
		"all escaped":                 {`{"note":"` + escaper.Replace(strings.ReplaceAll(a, "\n", `\n`)) + `"}`, []string{"f:1", a}},
		"CRLF in JSON":                {`{"note":` + quoted(t, strings.ReplaceAll(a, "\n", "\r\n")) + `}`, []string{"f:1", a}},
		"within a text":               {`{"body":` + quoted(t, "checkpoint: "+a+"\nthat was it") + `}`, []string{"f:1", a}},
		"CSV":                         {"x,\"" + a + "\",y\n", []string{"f:1", a}},
		"behind stray quotes":         {`host app: "x {"note":` + quoted(t, a) + "}\n", []string{"f:1", a}},
		"behind a long value":         {`{"blob":"` + strings.Repeat("A", 3*maxPiece) + `","note":` + quoted(t, a) + "}", []string{"f:1", a}},
		"at a seam":                   {`{"blob":"` + strings.Repeat("A", maxPiece-100) + " " + strings.TrimPrefix(quoted(t, a), `"`) + "}", []string{"f:1", a}},
		"before a long end":           {`{"note":` + strings.TrimSuffix(quoted(t, a), `"`) + `\n` + strings.Repeat("A", 2*maxPiece) + `"}`, []string{"f:1", a}},
	} {
		found, err := ReadNotes("f", strings.NewReader(tc.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, g := range found {
			got = append(got, g.Name, string(g.Note))
			if _, err := OpenCheckpoint(g.Note, proofKey.Public()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tc.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, tc.want)
		}
	}
}

// A note that is cut anywhere is an error that says so, in plain text and in
// JSON; a file without one is an error of its own.
func TestReadNotesCut(t *testing.T) {
	a := string(signNote(t, proofKey, proofChain, 3, mustRoot(3)))
	b := string(signNote(t, proofKey, proofChain, 5, mustRoot(5)))
	origin := len(Origin(proofChain))
	for i := origin + 1; i < len(a)-1; i++ {
		if _, err := ReadNotes("f", strings.NewReader(b+"\n"+a[:i])); !errors.Is(err, ErrNotCheckpoint) || !strings.HasPrefix(err.Error(), "f:7: ") {
			t.Fatalf("cut at byte %d: %v", i, err)
		}
		text := `{"x":` + quoted(t, b) + "}\n" + strings.TrimSuffix(quoted(t, a[:i]), `"`)
		if _, err := ReadNotes("f", strings.NewReader(text)); !errors.Is(err, ErrNotCheckpoint) || !strings.HasPrefix(err.Error(), "f:2: ") {
			t.Fatalf("cut at byte %d, in JSON: %v", i, err)
		}
	}
	for _, text := range []string{"", "\n", "{}\n", "auditchain/\n", `{"chain":"auditchain/` + proofChain.String() + `"}`, "auditchain/" + proofChain.String() + " x\n", strings.Repeat("A", 3*maxPiece)} {
		if _, err := ReadNotes("f", strings.NewReader(text)); !errors.Is(err, ErrNoNotes) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

func FuzzReadNotes(f *testing.F) {
	a := string(signNote(f, proofKey, proofChain, 3, mustRoot(3)))
	f.Add([]byte(a))
	f.Add([]byte(`{"x":` + quoted(f, a) + `}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := ReadNotes("f", bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, g := range found {
			if _, err := parseWholeNote(g.Note); err != nil {
				t.Errorf("%q: %v", g.Note, err)
			}
			again, err := ReadNotes("f", bytes.NewReader(g.Note))
			if err != nil || len(again) != 1 || !bytes.Equal(again[0].Note, g.Note) {
				t.Errorf("%q is found, and not found again: %v", g.Note, err)
			}
		}
	})
}
