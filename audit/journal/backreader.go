// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/auditchain/auditchain/integrity"
)

// backReader reads lines from an end towards the beginning.
type backReader struct {
	file io.ReaderAt
	end  int64 // behind the LF of the line that comes next
	buf  []byte
	from int64 // offset of buf
}

func newBackReader(file io.ReaderAt, end int64) *backReader {
	return &backReader{file: file, end: end, from: end}
}

const backStep = 256 << 10

func (b *backReader) next() (integrity.Line, error) {
	if b.end == 0 {
		return integrity.Line{}, io.EOF
	}
	for {
		have := b.buf[:b.end-b.from]
		if len(have) > 0 && have[len(have)-1] != '\n' {
			return integrity.Line{}, errors.New("no newline where a line should end")
		}
		start := -1
		if len(have) > 0 {
			if i := bytes.LastIndexByte(have[:len(have)-1], '\n'); i >= 0 || b.from == 0 {
				start = i + 1
			}
		}
		if start >= 0 {
			line, err := integrity.ParseLine(have[start : len(have)-1])
			line.Offset = b.from + int64(start)
			b.end = line.Offset
			return line, err
		}
		if len(have) > integrity.MaxLine {
			return integrity.Line{}, fmt.Errorf("line is longer than %d bytes", integrity.MaxLine)
		}
		step := min(max(backStep, int64(len(have))), b.from)
		grown := make([]byte, step, step+int64(len(have)))
		if _, err := b.file.ReadAt(grown, b.from-step); err != nil {
			return integrity.Line{}, err
		}
		b.buf = append(grown, have...)
		b.from -= step
	}
}

// lastLine reads the line that ends at end.
func lastLine(file io.ReaderAt, end int64) (integrity.Line, error) {
	return newBackReader(file, end).next()
}
