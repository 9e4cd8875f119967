// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Line is a record of a journal, read with nothing but encoding/json: as any other
// program would read it, and not with the code under test.
type Line struct {
	Control   string          `json:"control"`
	Timestamp string          `json:"timestamp"`
	SessionID string          `json:"session_id"`
	ID        string          `json:"id"`
	Event     map[string]any  `json:"event"`
	Body      json.RawMessage `json:"body"`
	Seq       uint64          `json:"seq"`

	Number int    `json:"-"` // in the file, from 1
	Text   string `json:"-"` // the line itself, without its LF
}

// Type is the type of the event.
func (l Line) Type() string {
	t, _ := l.Event["type"].(string)
	return t
}

// Records reads the records of a journal, without those that it wrote about itself. A
// file that is not there has none; a line that is no JSON is an error.
func Records(path string) ([]Line, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var out []Line
	for i, raw := range bytes.SplitAfter(text, []byte("\n")) {
		whole, ok := bytes.CutSuffix(raw, []byte("\n"))
		if !ok {
			break // being written, or the nothing after the last LF
		}
		var l Line
		if err := json.Unmarshal(whole, &l); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if l.Control != "" {
			continue
		}
		l.Number, l.Text = i+1, string(whole)
		out = append(out, l)
	}
	return out, nil
}
