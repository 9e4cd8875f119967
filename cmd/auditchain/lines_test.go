// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

type lineSeen struct {
	Text, End string
	Size      int64
	TooLong   bool
}

func readLines(r *lineReader) (got []lineSeen, err error) {
	for {
		l, err := r.Next()
		if err != nil {
			return got, err
		}
		if l.Number != int64(len(got)+1) {
			return got, fmt.Errorf("line %d is numbered %d", len(got)+1, l.Number)
		}
		got = append(got, lineSeen{string(l.Text), l.End, l.Size, l.TooLong()})
	}
}

func TestLineReader(t *testing.T) {
	const buffer = 256 << 10 // of lineReader
	long := strings.Repeat("x", buffer)
	for _, tc := range []struct {
		name, in string
		max      int
		want     []lineSeen
	}{
		{"empty", "", 10, nil},
		{"ends", "a\nb\r\n\n\r\nc", 10, []lineSeen{{"a", "\n", 1, false}, {"b", "\r\n", 1, false}, {"", "\n", 0, false}, {"", "\r\n", 0, false}, {"c", "", 1, false}}},
		{"CR alone is no end", "a\rb\n\r", 10, []lineSeen{{"a\rb", "\n", 3, false}, {"\r", "", 1, false}}},
		{"NUL and no UTF-8", "\x00\xff\n", 10, []lineSeen{{"\x00\xff", "\n", 2, false}}},
		{"longest", "0123456789\r\nb\n", 10, []lineSeen{{"0123456789", "\r\n", 10, false}, {"b", "\n", 1, false}}},
		{"too long", "0123456789x\nb\n", 10, []lineSeen{{"", "\n", 11, true}, {"b", "\n", 1, false}}},
		{"too long at the end", "b\n0123456789x", 10, []lineSeen{{"b", "\n", 1, false}, {"", "", 11, true}}},
		{"longer than the buffer", long + "y\nb\n", 2 * buffer, []lineSeen{{long + "y", "\n", buffer + 1, false}, {"b", "\n", 1, false}}},
		{"CR LF at the buffer's edge", long[1:] + "\r\nb\n", 2 * buffer, []lineSeen{{long[1:], "\r\n", buffer - 1, false}, {"b", "\n", 1, false}}},
		{"as long as the buffer", long + "\nb\n", buffer, []lineSeen{{long, "\n", buffer, false}, {"b", "\n", 1, false}}},
		{"too long by one", long + "y\nb\n", buffer, []lineSeen{{"", "\n", buffer + 1, true}, {"b", "\n", 1, false}}},
		{"far too long", long + long + long + "\nb\n", buffer + 5, []lineSeen{{"", "\n", 3 * buffer, true}, {"b", "\n", 1, false}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, in := range map[string]io.Reader{
				"at once": strings.NewReader(tc.in), "in halves": iotest.HalfReader(strings.NewReader(tc.in)), "with EOF": iotest.DataErrReader(strings.NewReader(tc.in)),
			} {
				r := newLineReader(in)
				r.max = tc.max
				got, err := readLines(r)
				if err != io.EOF {
					t.Fatalf("%s: %v", name, err)
				}
				if d := cmp.Diff(tc.want, got); d != "" {
					t.Errorf("%s: %.2000s", name, d)
				}
			}
		})
	}
}

// A read error is told, after what was read before it.
func TestLineReaderError(t *testing.T) {
	broken := errors.New("broken")
	r := newLineReader(io.MultiReader(strings.NewReader("a\nhalf"), iotest.ErrReader(broken)))
	got, err := readLines(r)
	if !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	if d := cmp.Diff([]lineSeen{{"a", "\n", 1, false}, {"half", "", 4, false}}, got); d != "" {
		t.Error(d)
	}
	if _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("the error is forgotten: %v", err)
	}
}

// Waiting tells a line that is there from one that is still to come.
func TestLineReaderWaiting(t *testing.T) {
	in, out := io.Pipe()
	go func() { _, _ = io.WriteString(out, "a\nb\nhalf") }()
	r := newLineReader(in)
	for _, want := range []bool{true, false} {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if got := r.Waiting(); got != want {
			t.Fatalf("waiting: %v, want %v", got, want)
		}
	}
}
