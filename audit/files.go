// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"io"

	"github.com/auditchain/auditchain/audit/journal"
)

// Open returns a Scanner for what path names: a journal with all its files
// (docs/SPEC.md, section 7), one of them, a folder that holds one journal, or
// a file in the older format. Each Line says which file it is from. Close it.
//
//	s, err := audit.Open("audit.jsonl")
//	…
//	defer s.Close()
//	for s.Scan() { … }
func Open(path string) (*Scanner, error) {
	r, err := journal.NewReader(path)
	if err != nil {
		return nil, err
	}
	return &Scanner{files: r}, nil
}

// Close closes what Open opened.
func (s *Scanner) Close() error {
	if s.files == nil {
		return nil
	}
	return s.files.Close()
}

// Abandoned is how many bytes at the ends of files were passed over, so far,
// because the file behind them says that they are no part of the chain.
func (s *Scanner) Abandoned() int64 {
	if s.files == nil {
		return 0
	}
	return s.files.Abandoned()
}

// scanFiles is Scan for a Scanner that Open made.
func (s *Scanner) scanFiles() bool {
	t, err := s.files.NextText()
	file := s.files.Path()
	s.line = Line{File: file, Number: t.Number, Offset: t.Offset}
	var bad *journal.LineError
	var gap *journal.GapError
	switch {
	case err == nil:
		if err := s.line.parse(t.Bytes, t.Whole); err != nil {
			s.line = Line{File: file, Number: t.Number, Offset: t.Offset,
				Err: &LineError{File: file, Line: t.Number, Offset: t.Offset, Reason: err.Error()}}
		}
		return true
	case errors.As(err, &bad):
		s.line = Line{File: file, Number: bad.Line, Offset: bad.Offset,
			Err: &LineError{File: file, Line: bad.Line, Offset: bad.Offset, Reason: bad.Reason.Error()}}
		return true
	case errors.As(err, &gap):
		s.line = Line{File: file, Number: 1, Err: &LineError{File: file, Line: 1, Missing: gap.Missing(),
			Reason: fmt.Sprintf("it has seq %d, and the line before it seq %d: a file is missing, or the end of one", gap.Next, gap.After)}}
		return true
	case err != io.EOF:
		s.err = err
	default:
		s.err = io.EOF
	}
	return false
}
