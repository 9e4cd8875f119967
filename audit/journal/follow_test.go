// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

var errDone = errors.New("the test has no further step")

// follow follows a journal while the steps happen, each when the follower has
// caught up with the ones before: what came in between is separated by " | ".
func follow(t testing.TB, path string, o FollowOptions, steps ...func()) string {
	t.Helper()
	var parts []string
	var events []string
	o.Wait = func(context.Context) error {
		parts = append(parts, runs(events))
		events = nil
		if len(steps) == 0 {
			return errDone
		}
		steps[0]()
		steps = steps[1:]
		return nil
	}
	f, err := NewFollower(path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 10_000 {
		line, err := f.Next(t.Context())
		if err == errDone {
			return strings.Join(parts, " | ")
		}
		if err == nil {
			if f.Mark() != (Mark{line.Seq, line.MAC}) {
				t.Errorf("the mark is %d behind seq %d", f.Mark().Seq, line.Seq)
			}
			events = append(events, fmt.Sprint("seq ", line.Seq))
			continue
		}
		events = append(events, describe(t, err)...)
	}
	t.Fatalf("it does not end: %q", parts)
	return ""
}

func describe(t testing.TB, err error) (events []string) {
	t.Helper()
	var gap *GapError
	var bad *LineError
	if errors.As(err, &gap) {
		events = append(events, fmt.Sprintf("gap %d %d", gap.After, gap.Next))
	}
	if errors.As(err, &bad) {
		what := "bad"
		switch {
		case errors.Is(bad, errWrongTag):
			what = "wrong tag"
		case errors.Is(bad, ErrTampered):
			what = "another line"
		}
		events = append(events, fmt.Sprintf("%s in line %d", what, bad.Line))
	}
	for _, known := range []error{ErrTruncated, ErrReplaced, ErrNoWatermark, ErrWrongKey} {
		if errors.Is(err, known) {
			events = append(events, known.Error())
		}
	}
	if bad == nil && errors.Is(err, ErrTampered) {
		events = append(events, ErrTampered.Error())
	}
	if len(events) == 0 {
		t.Fatal(err)
	}
	return events
}

// wantFollow runs a scenario without a key and with it: the same must come.
func wantFollow(t *testing.T, want string, scenario func(h *handmade) (FollowOptions, []func())) {
	t.Helper()
	for _, keyed := range []bool{false, true} {
		h := newHandmade(t)
		o, steps := scenario(h)
		if keyed {
			o.Key = h.key
		}
		if got := follow(t, h.path, o, steps...); got != want {
			t.Errorf("with a key: %v\n got %q\nwant %q", keyed, got, want)
		}
	}
}

// steps are the steps of a scenario.
func steps(s ...func()) []func() { return s }

func TestFollowStopsAtTheWatermark(t *testing.T) {
	wantFollow(t, "1-4 |  | 5-6 | 7", func(h *handmade) (FollowOptions, []func()) {
		h.records(3)
		h.mark()
		h.records(1)
		h.write([]byte("half"))
		return FollowOptions{}, steps(
			func() {}, // nothing more, in spite of what stands there
			func() {
				// The tail is set aside, and other lines stand in its place.
				h.edit(h.path, func(b []byte) []byte { return b[:len(b)-4] })
				h.records(1)
				h.mark()
			},
			func() { h.records(1); h.mark() },
		)
	})
}

func TestFollowThroughRotation(t *testing.T) {
	t.Run("while it reads", func(t *testing.T) {
		wantFollow(t, "1-4 | 5-10 | 11-12", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			return FollowOptions{}, steps(
				func() {
					h.records(1)
					h.compress(h.rotate())
					h.records(1)
					h.rotate()
					h.records(2)
					h.mark()
				},
				func() { h.records(2); h.mark() },
			)
		})
	})
	t.Run("step by step", func(t *testing.T) {
		wantFollow(t, "1-5 |  |  |  | 6 | 7", func(h *handmade) (FollowOptions, []func()) {
			h.records(4)
			h.mark()
			var line []byte
			return FollowOptions{}, steps(
				func() { h.finish() },
				func() { line = h.segmentLine("size"); h.write(line[:20]) },
				func() { h.write(line[20:]) }, // beyond the watermark as yet
				func() { h.mark() },
				func() { h.records(1); h.mark() },
			)
		})
	})
	t.Run("from a compressed one on", func(t *testing.T) {
		wantFollow(t, "1-10 | 11-12", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.compress(h.rotate())
			h.records(3)
			h.rotate()
			h.records(1)
			h.mark()
			return FollowOptions{}, steps(func() { h.records(2); h.mark() })
		})
	})
	t.Run("abandoned bytes", func(t *testing.T) {
		wantFollow(t, "1-4 | 5-6", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			return FollowOptions{}, steps(func() {
				kept := h.at
				h.records(3)
				h.finish()
				h.at = kept
				h.write(h.segmentLine("sync_failed"))
				h.records(1)
				h.mark()
			})
		})
	})
}

// A file is read to its end when it is compressed or removed meanwhile; one
// that is removed before it was read leaves a gap.
func TestFollowThroughRetention(t *testing.T) {
	wantFollow(t, "1-4 | 5-6, gap 6 9, 9-11", func(h *handmade) (FollowOptions, []func()) {
		h.records(3)
		h.mark()
		return FollowOptions{}, steps(func() {
			h.records(2)
			first := h.rotate()
			h.records(1)
			second := h.rotate()
			h.records(2)
			h.mark()
			h.check(os.Remove(first)) // it is open
			h.check(os.Remove(second))
		})
	})
	// The beginning was removed before: the first line that is there is the first.
	wantFollow(t, "5-6", func(h *handmade) (FollowOptions, []func()) {
		h.records(3)
		h.check(os.Remove(h.rotate()))
		h.records(1)
		h.mark()
		return FollowOptions{}, nil
	})
}

func TestFollowWhere(t *testing.T) {
	var after Mark
	set := func(h *handmade) {
		h.records(2)
		after = Mark{h.at.Seq, h.at.MAC}
		h.records(1)
		h.compress(h.rotate())
		h.records(3)
		h.rotate()
		h.records(1)
		h.mark()
	}
	more := func(h *handmade) []func() { return steps(func() { h.records(1); h.mark() }) }
	for name, tc := range map[string]struct {
		want string
		o    func() FollowOptions
	}{
		"beginning":         {"1-10 | 11", func() FollowOptions { return FollowOptions{} }},
		"end":               {" | 11", func() FollowOptions { return FollowOptions{End: true} }},
		"last":              {"10 | 11", func() FollowOptions { return FollowOptions{Last: 1} }},
		"last of two files": {"8-10 | 11", func() FollowOptions { return FollowOptions{Last: 3} }},
		"in a compressed":   {"2-10 | 11", func() FollowOptions { return FollowOptions{Last: 9} }},
		"more than all":     {"1-10 | 11", func() FollowOptions { return FollowOptions{Last: 900} }},
		"after":             {"4-10 | 11", func() FollowOptions { return FollowOptions{After: &after} }},
		"matching": {"6-10 | 11", func() FollowOptions {
			return FollowOptions{Last: 3, Match: func(l integrity.Line) bool { return l.Kind == integrity.Record && l.Seq%2 == 0 }}
		}},
		"none matches": {"1-10 | 11", func() FollowOptions {
			return FollowOptions{Last: 3, Match: func(l integrity.Line) bool { return false }}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			wantFollow(t, tc.want, func(h *handmade) (FollowOptions, []func()) {
				set(h)
				return tc.o(), more(h)
			})
		})
	}
	t.Run("after one that has another tag", func(t *testing.T) {
		wantFollow(t, "another line in line 3, 4-10", func(h *handmade) (FollowOptions, []func()) {
			set(h)
			return FollowOptions{After: &Mark{3, integrity.Hash{9}}}, nil
		})
	})
	t.Run("after one that was removed", func(t *testing.T) {
		wantFollow(t, "gap 3 5, 5-10", func(h *handmade) (FollowOptions, []func()) {
			set(h)
			h.check(os.Remove(segmentPath(h.path, 1) + ".zst"))
			return FollowOptions{After: &after}, nil
		})
	})
	t.Run("after the last of a removed file", func(t *testing.T) {
		wantFollow(t, "5-10", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			end := Mark{h.at.Seq, h.at.MAC}
			h.check(os.Remove(h.rotate()))
			h.records(5)
			h.mark()
			return FollowOptions{After: &end}, nil
		})
	})
	t.Run("after one beyond the watermark", func(t *testing.T) {
		wantFollow(t, " | 6", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			h.records(1)
			beyond := Mark{h.at.Seq, h.at.MAC}
			return FollowOptions{After: &beyond}, steps(func() { h.records(1); h.mark() })
		})
	})
}

// peekHead reads, without a key, what integrity.ParseHead reads with it.
func TestPeekHead(t *testing.T) {
	h := newHandmade(t)
	for range 3 {
		h.records(1)
		h.mark()
		b, err := os.ReadFile(h.path + headSuffix)
		h.check(err)
		want, _, err := integrity.ParseHead(b, h.key)
		h.check(err)
		got, ok := integrity.PeekHead(b)
		want.Time = got.Time
		if !ok || got != want {
			t.Errorf("got %+v (%v), want %+v", got, ok, want)
		}
		for i := range b {
			c := bytes.Clone(b)
			c[i] ^= 0x80
			if got, ok := integrity.PeekHead(c); ok && got.Generation != want.Generation && got.Generation != want.Generation-1 {
				t.Errorf("byte %d changed: %+v", i, got)
			}
		}
	}
	if _, ok := integrity.PeekHead(nil); ok {
		t.Error("an empty file is a watermark")
	}
}

// Memory does not grow with the journal.
func TestFollowMemory(t *testing.T) {
	h := newHandmade(t)
	for range 4 {
		h.records(50_000)
		h.compress(h.rotate())
	}
	h.records(50_000)
	h.mark()
	f, err := NewFollower(h.path, FollowOptions{Wait: func(context.Context) error { return errDone }})
	h.check(err)
	defer f.Close()
	heap := heapGrowth(func() {
		n := 0
		for {
			if _, err := f.Next(t.Context()); err == errDone {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if uint64(n) != h.at.Seq {
			t.Errorf("%d lines of %d", n, h.at.Seq)
		}
	})
	if heap > 4<<20 {
		t.Errorf("the heap grew by %d bytes", heap)
	}
}
