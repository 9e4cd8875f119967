// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"io"
	"os"
	"testing"

	"github.com/auditchain/auditchain/internal/vfs"
)

// What is no line, and begins beyond the watermark, is what a crash left: it
// is the end. Whole lines before it are read.
func TestReaderTornEnd(t *testing.T) {
	const torn = "half a line\nand\nmore"
	for name, tc := range map[string]struct {
		do   func(h *handmade)
		want string
	}{
		"beyond the watermark": {func(h *handmade) { h.write([]byte(torn)) }, "1-8"},
		"behind whole lines":   {func(h *handmade) { h.records(2); h.write([]byte(torn)) }, "1-10"},
		"zeros":                {func(h *handmade) { h.write(make([]byte, 5000)) }, "1-8"},
		"below the watermark": {func(h *handmade) {
			h.write([]byte("altered\n"))
			h.at.Size += 8
			h.mark()
			h.write([]byte(torn))
		}, "1-8, bad"},
		"the first line": {func(h *handmade) {
			h.edit(h.path, func(b []byte) []byte { b[0] = 'x'; return b })
			h.write([]byte(torn))
		}, "1-4, bad, 6-8"},
		"without a watermark": {func(h *handmade) {
			h.write([]byte(torn))
			h.check(os.Remove(h.path + headSuffix))
		}, "1-8, bad, bad, bad"},
		"a file that was begun": {func(h *handmade) {
			h.finish()
			h.write(h.segmentLine("size")[:40])
		}, "1-8"},
		"and the end of the one before": {func(h *handmade) {
			h.write([]byte(torn))
			h.finish()
			h.write(h.segmentLine("crash")[:40])
		}, "1-8"},
		"no file was begun": {func(h *handmade) {
			h.write([]byte(torn))
			h.finish()
		}, "1-8"},
		"the end of a finished file": {func(h *handmade) {
			name := segmentPath(h.path, 1)
			h.edit(name, func(b []byte) []byte { return append(b, torn...) })
			h.edit(h.path, func(b []byte) []byte { return append([]byte("altered\n"), b...) })
		}, "1-4, bad, bad, bad, bad, 5-8"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandmade(t)
			h.records(3)
			h.rotate()
			h.records(3)
			h.mark()
			tc.do(h)
			wantRead(t, h.path, tc.want)
		})
	}
}

// A Reader that is asked again, behind a torn end, reads what stands there by
// then; and a line that became whole while it was read is no bad one.
func TestReaderTornEndGoesOn(t *testing.T) {
	h := newHandmade(t)
	h.records(2)
	h.mark()
	h.records(1)
	line := h.line([]byte(`{"timestamp":"2026-11-24T10:15:00.000000000Z"`))
	h.at.Size -= int64(len(line))
	h.write(line[:30])
	r, err := NewReader(h.path)
	h.check(err)
	defer r.Close()
	read := func(want uint64) {
		t.Helper()
		line, err := r.Next()
		if want == 0 && err != io.EOF || want > 0 && (err != nil || line.Seq != want || line.Number != int64(want)) {
			t.Fatalf("seq %d, line %d, want %d: %v", line.Seq, line.Number, want, err)
		}
	}
	for seq := uint64(1); seq <= 4; seq++ {
		read(seq)
	}
	read(0)
	read(0)
	h.write(line[30:])
	h.at.Size += int64(len(line))
	read(5)
	read(0)

	half := h.line([]byte(`{"timestamp":"2026-11-24T10:15:00.000000000Z"`))
	h.write(half[:30])
	r.set.fs = &hookFS{vfs.OS, func(name string) { // as it looks at the watermark
		if half != nil {
			h.write(half[30:])
			half = nil
			h.mark()
		}
	}}
	read(6)
	read(0)
}
