// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog"
)

// The checks hold each side to what it claims to have written. They read the
// files after the clock has stopped.

// written is what stands in a side's file.
type written struct {
	records int
	// found[i] says that marker i stands in the file.
	found []bool
	// leaked counts the planted secrets that stand in the file.
	leaked int
}

// recordsOf counts the records of one line; it does not see the line's LF.
type recordsOf func(line []byte) (int, error)

// countOTLP counts the log records of a line of OTLP/JSON by the one member
// that each has. The first line of a file is parsed as well, so that the
// count rests on real records.
func countOTLP() recordsOf {
	first := true
	return func(line []byte) (int, error) {
		n := bytes.Count(line, []byte(`{"timeUnixNano":"`))
		if first {
			first = false
			ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
			if err != nil {
				return 0, fmt.Errorf("the first line is no OTLP/JSON: %w", err)
			}
			if ld.LogRecordCount() != n {
				return 0, fmt.Errorf("the first line holds %d records and %d were counted", ld.LogRecordCount(), n)
			}
		}
		return n, nil
	}
}

// countJournal counts the record lines of a journal (docs/SPEC.md, section 2);
// that they are authentic is for the verify command to say.
func countJournal() recordsOf {
	return func(line []byte) (int, error) {
		switch {
		case bytes.HasPrefix(line, []byte(`{"timestamp":"`)):
			return 1, nil
		case bytes.HasPrefix(line, []byte(`{"control":"chain.`)):
			return 0, nil
		}
		return 0, errors.New("a line is neither a record nor a control record")
	}
}

// readFile reads a side's file and looks for the pool's markers and secrets.
func readFile(path string, count recordsOf, p *pool) (written, error) {
	f, err := os.Open(path)
	if err != nil {
		return written{}, err
	}
	defer f.Close()
	w := written{found: make([]bool, len(p.markers))}
	needles := newNeedles(p)
	r := bufio.NewReaderSize(f, 4<<20)
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			// A batch of many records: one line of fileexporter.
			head := bytes.Clone(line)
			line, err = r.ReadBytes('\n')
			line = append(head, line...)
		}
		if errors.Is(err, io.EOF) {
			if len(line) > 0 {
				return w, fmt.Errorf("%s: line %d has no end", path, n)
			}
			return w, nil
		}
		if err != nil {
			return w, err
		}
		line = line[:len(line)-1]
		k, err := count(line)
		if err != nil {
			return w, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		w.records += k
		w.leaked += needles.scan(line, w.found)
	}
}

// needles finds the pool's texts without one search a text: markers are
// UUIDs behind "id" keys and secrets have known beginnings.
type needles struct {
	markers map[string]int
	secrets map[string]bool
}

func newNeedles(p *pool) needles {
	n := needles{markers: make(map[string]int, len(p.markers)), secrets: make(map[string]bool, len(p.secrets))}
	for i, m := range p.markers {
		n.markers[m] = i
	}
	for _, s := range p.secrets {
		n.secrets[s] = true
	}
	return n
}

var idKeys = [][]byte{
	[]byte(`"id":"`), // a journal's line
	[]byte(`"key":"id","value":{"stringValue":"`), // OTLP/JSON
}

const uuidLen = 36

func (n needles) scan(line []byte, found []bool) (leaked int) {
	for _, key := range idKeys {
		for rest := line; ; {
			i := bytes.Index(rest, key)
			if i < 0 || len(rest) < i+len(key)+uuidLen {
				break
			}
			rest = rest[i+len(key):]
			if m, ok := n.markers[string(rest[:uuidLen])]; ok {
				found[m] = true
			}
		}
	}
	if len(n.secrets) == 0 {
		return 0
	}
	for s := range strings.FieldsFuncSeq(string(line), notSecretByte) {
		if n.secrets[s] {
			leaked++
		}
	}
	return leaked
}

// notSecretByte splits a line where no planted secret has a byte.
func notSecretByte(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
		return false
	}
	return true
}

// check compares what was pushed with what stands in the file.
func (w written) check(p pushed, redacted bool) error {
	if w.records != p.records {
		return fmt.Errorf("%d records were pushed and %d stand in the file", p.records, w.records)
	}
	for i, n := range p.batches {
		if n > 0 && !w.found[i] {
			return fmt.Errorf("batch %d was pushed %d times and its first record is not in the file", i, n)
		}
	}
	if redacted && w.leaked > 0 {
		return fmt.Errorf("%d planted secrets stand in the file", w.leaked)
	}
	return nil
}
