// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
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

// Files that are cut, changed, replaced and taken away are said, once, and
// following goes on behind.
func TestFollowTrouble(t *testing.T) {
	t.Run("truncated, and gone on with", func(t *testing.T) {
		wantFollow(t, "1-4 | journal is truncated |  | gap 4 7, 7-8", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			size := h.at.Size
			return FollowOptions{}, steps(
				func() {
					h.records(2)
					h.mark()
					h.check(os.Truncate(h.path, size))
				},
				func() {},
				func() { h.rotate(); h.records(1); h.mark() },
			)
		})
	})
	t.Run("the last file is missing from the start", func(t *testing.T) {
		wantFollow(t, "1-4, journal is truncated |  | gap 4 6, 6", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.rotate()
			h.mark()
			h.check(os.Remove(h.path))
			return FollowOptions{}, steps(func() {}, func() { h.write(h.segmentLine("break")); h.mark() })
		})
	})
	t.Run("all files are missing", func(t *testing.T) {
		wantFollow(t, "journal is truncated | ", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			h.check(os.Remove(h.path))
			return FollowOptions{}, steps(func() {})
		})
	})
	t.Run("the file of the watermark is missing", func(t *testing.T) {
		wantFollow(t, "journal is truncated | ", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			h.check(os.Remove(h.finish()))
			h.write(h.segmentLine("size"))
			return FollowOptions{Last: 3}, steps(func() {})
		})
	})
	t.Run("removed and made anew", func(t *testing.T) {
		wantFollow(t, "1-4 |  | 5-6", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			return FollowOptions{}, steps(
				func() { h.check(os.Remove(h.path)) },
				func() { h.write(h.segmentLine("break")); h.records(1); h.mark() },
			)
		})
	})
	t.Run("replaced by a copy", func(t *testing.T) {
		wantFollow(t, "1-4 |  | 5", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			return FollowOptions{}, steps(
				func() { replaceByCopy(h) },
				func() { h.records(1); h.mark() },
			)
		})
	})
	t.Run("another chain", func(t *testing.T) {
		wantFollow(t, "1-4 | journal was replaced by another one, 1-3", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			return FollowOptions{}, steps(func() {
				h.check(os.Remove(h.path))
				h.check(os.Remove(h.path + headSuffix))
				h.chain[0]++
				h.genesis()
				h.records(2)
				h.mark()
			})
		})
	})
	t.Run("restored from a backup", func(t *testing.T) {
		wantFollow(t, "1-4 | 5-6 |  | another line in line 2, 7", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			backup, err := os.ReadFile(h.path)
			h.check(err)
			kept := h.at
			return FollowOptions{}, steps(
				func() { h.records(2); h.mark() },
				func() {
					h.check(os.Remove(h.path))
					h.check(os.WriteFile(h.path, backup, 0o600))
					h.at = kept
					h.mark()
				},
				func() { h.finish(); h.write(h.segmentLine("break")); restoredLines(h); h.mark() },
			)
		})
	})
	t.Run("watermark removed and made anew", func(t *testing.T) {
		wantFollow(t, "1-4 |  | 5", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			return FollowOptions{}, steps(
				func() { h.check(os.Remove(h.path + headSuffix)); h.records(1) },
				func() { h.mark() },
			)
		})
	})
	t.Run("watermark damaged", func(t *testing.T) {
		wantFollow(t, "1-4 | journal has no valid watermark |  | 5", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			return FollowOptions{}, steps(
				func() { h.check(os.WriteFile(h.path+headSuffix, []byte("rubbish"), 0o600)); h.records(1) },
				func() {},
				func() { h.check(os.Remove(h.path + headSuffix)); h.mark() },
			)
		})
	})
	t.Run("bad lines", func(t *testing.T) {
		wantFollow(t, "1-2, bad in line 3, 4-5 | gap 5 7, 7", func(h *handmade) (FollowOptions, []func()) {
			h.records(4)
			h.mark()
			h.edit(h.path, func(b []byte) []byte {
				lines := bytes.SplitAfter(b, []byte("\n"))
				lines[2][1] = 'x'
				return bytes.Join(lines, nil)
			})
			return FollowOptions{}, steps(func() {
				h.line(nil)
				h.at.Size -= int64(len(integrity.AppendSuffix(nil, h.at.Seq, h.at.MAC)))
				h.records(1)
				h.mark()
			})
		})
	})
	t.Run("broken compression", func(t *testing.T) {
		wantFollow(t, "bad in line 1, 5-6", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.check(os.WriteFile(h.compress(h.rotate()), []byte("no frame"), 0o600))
			h.records(1)
			h.mark()
			return FollowOptions{}, nil
		})
	})
}

func replaceByCopy(h *handmade) {
	b, err := os.ReadFile(h.path)
	h.check(err)
	h.check(os.WriteFile(h.path+".new", b, 0o600))
	h.check(os.Rename(h.path+".new", h.path))
}

// restoredLines are lines of another history than those that were lost.
func restoredLines(h *handmade) {
	h.add([]byte(`{"timestamp":"2026-11-25T00:00:00.000000000Z","session_id":"x","event":{"type":"log"}`))
	h.add([]byte(`{"timestamp":"2026-11-25T00:00:00.000000000Z","session_id":"y","event":{"type":"log"}`))
}

// With the key a changed line shows, and only that one.
func TestFollowChecksTags(t *testing.T) {
	h := newHandmade(t)
	h.records(6)
	h.mark()
	h.edit(h.path, func(b []byte) []byte { return bytes.Replace(b, []byte(`"s4"`), []byte(`"s9"`), 1) })
	if got, want := follow(t, h.path, FollowOptions{Key: h.key}), "1-3, wrong tag in line 4, 5-7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := follow(t, h.path, FollowOptions{Key: h.key, Last: 5}), "3, wrong tag in line 4, 5-7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := follow(t, h.path, FollowOptions{Key: h.key, Last: 4}), "wrong tag in line 4, 5-7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := follow(t, h.path, FollowOptions{}), "1-7"; got != want {
		t.Errorf("without a key: got %q, want %q", got, want)
	}
	if _, err := NewFollower(h.path, FollowOptions{Key: handmadeKey(t, 'x')}); !errors.Is(err, ErrNoWatermark) {
		t.Errorf("with another key: %v", err)
	}
	// Without a watermark, the first line says which chain it is.
	h.check(os.Remove(h.path + headSuffix))
	if got, want := follow(t, h.path, FollowOptions{Key: h.key, Last: 5}), "3, wrong tag in line 4, 5-7"; got != want {
		t.Errorf("no watermark: got %q, want %q", got, want)
	}
	if got := follow(t, h.path, FollowOptions{Key: handmadeKey(t, 'x'), Last: 1}); got != "wrong key" && !strings.Contains(got, ErrWrongKey.Error()) {
		t.Errorf("no watermark, another key: %q", got)
	}
}

// With the key, what is inserted shows, and what begins behind a removed file
// is checked too.
func TestFollowChecksMore(t *testing.T) {
	h := newHandmade(t)
	h.records(3)
	h.check(os.Remove(h.rotate()))
	h.records(2)
	h.mark()
	sound, err := os.ReadFile(h.path)
	h.check(err)
	h.edit(h.path, func(b []byte) []byte { return bytes.Replace(b, []byte(`"size"`), []byte(`"sixe"`), 1) })
	if got, want := follow(t, h.path, FollowOptions{Key: h.key}), "wrong tag in line 1, 6-7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// A line behind rubbish is still checked against the one before that.
	lines := bytes.SplitAfter(sound, []byte("\n"))
	changed := bytes.Replace(lines[1], []byte(`"s6"`), []byte(`"s7"`), 1)
	h.check(os.WriteFile(h.path, bytes.Join([][]byte{lines[0], []byte("rubbish\n"), changed, lines[2]}, nil), 0o600))
	h.at.Size += int64(len("rubbish\n"))
	h.mark()
	if got, want := follow(t, h.path, FollowOptions{Key: h.key}), "5, bad in line 2, wrong tag in line 3, 7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Where there is no watermark, what is there is read, and an unfinished line
// waits.
func TestFollowWithoutAWatermark(t *testing.T) {
	wantFollow(t, "1-6 | 7 | 8-9", func(h *handmade) (FollowOptions, []func()) {
		h.records(3)
		h.rotate()
		h.records(1)
		line := h.line([]byte(`{"timestamp":"2026-11-24T10:15:00.000000000Z"`))
		h.at.Size -= int64(len(line))
		h.write(line[:30])
		return FollowOptions{}, steps(
			func() { h.write(line[30:]); h.at.Size += int64(len(line)) },
			func() { h.rotate(); h.records(1) },
		)
	})
	// A chain that is being begun has none yet: it is waited for.
	wantFollow(t, " | 1-2", func(h *handmade) (FollowOptions, []func()) {
		h.records(1)
		h.check(os.WriteFile(h.path+lockSuffix, nil, 0o600))
		return FollowOptions{}, steps(func() { h.mark() })
	})
}

func TestFollowRefuses(t *testing.T) {
	h, first, _ := three(t)
	if _, err := NewFollower(first, FollowOptions{}); err == nil || !strings.Contains(err.Error(), "finished segment") {
		t.Errorf("a finished segment: %v", err)
	}
	if _, err := NewFollower(filepath.Join(h.dir, "absent.jsonl"), FollowOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no journal: %v", err)
	}
	f, err := NewFollower(h.dir, FollowOptions{End: true, Poll: time.Hour})
	h.check(err)
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := f.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
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

// The writer of this package and the follower agree, through its restarts.
func TestFollowAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	key := handmadeKey(t, 'k')
	write := func() {
		j, err := Open(t.Context(), path, Options{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		payload := []byte(`{"timestamp":"2026-11-23T10:15:00.123456789Z","session_id":"s1","event":{"type":"log"},"id":"0"`)
		rc := make([]Receipt, 1)
		if err := j.Append(t.Context(), []Record{{Payload: payload, Leaf: integrity.Leaf(payload)}}, rc); err != nil || rc[0].Err != nil {
			t.Fatal(err, rc[0].Err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if got, want := follow(t, path, FollowOptions{Key: key}, write, write), "1-4 | 5-7 | 8-10"; got != want {
		t.Errorf("got %q, want %q", got, want)
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

// A writer that rotates and compresses all the time, and does not wait for
// anybody: a Follower gets every line once, and so does a Reader each time.
func TestFollowBesideAWriter(t *testing.T) {
	const last = 3000
	h := newHandmade(t)
	h.mark()
	done := make(chan error, 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		f, err := NewFollower(h.path, FollowOptions{Key: h.key, Wait: func(ctx context.Context) error { return ctx.Err() }})
		if err != nil {
			done <- err
			return
		}
		defer f.Close()
		for want := uint64(1); want <= last; want++ {
			line, err := f.Next(ctx)
			if err != nil || line.Seq != want {
				done <- fmt.Errorf("follower: seq %d, want %d: %w", line.Seq, want, err)
				return
			}
		}
		done <- nil
	}()
	go func() {
		for seq := uint64(0); seq < last; {
			r, err := NewReader(h.path)
			if err != nil {
				done <- err
				return
			}
			for seq = 0; ; seq++ {
				line, err := r.Next()
				var bad *LineError
				if err == io.EOF || errors.As(err, &bad) && errors.Is(bad, errNoNewline) {
					break
				}
				if err != nil || line.Seq != seq+1 {
					done <- fmt.Errorf("reader: seq %d, want %d: %w", line.Seq, seq+1, err)
					return
				}
			}
			_ = r.Close()
		}
		done <- nil
	}()
	for i := 0; h.at.Seq < last+10; i++ {
		h.records(1 + i%7)
		if i%5 == 4 {
			name := h.rotate()
			h.mark()
			if i%2 == 0 {
				h.compress(name)
			}
			continue
		}
		h.mark()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// hookFS calls before ahead of each opening of a file.
type hookFS struct {
	vfs.FS
	before func(name string)
}

func (h *hookFS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	h.before(name)
	return h.FS.OpenFile(name, flag, perm)
}

// The file that is being written is rotated away, twice, between the look at
// the folder and its opening.
func TestFollowRotatedBeforeOpening(t *testing.T) {
	t.Run("with a watermark", func(t *testing.T) { rotatedBeforeOpening(t, (*handmade).mark) })
	t.Run("without", func(t *testing.T) { rotatedBeforeOpening(t, func(*handmade) {}) })
}

func rotatedBeforeOpening(t *testing.T, mark func(*handmade)) {
	h := newHandmade(t)
	h.records(2)
	mark(h)
	f, err := NewFollower(h.path, FollowOptions{Key: h.key, Wait: func(context.Context) error { return errDone }})
	h.check(err)
	defer f.Close()
	rotations := 0
	f.fs = &hookFS{vfs.OS, func(name string) {
		if name == h.path && rotations < 2 {
			rotations++
			h.rotate()
			h.records(1)
			mark(h)
		}
	}}
	for want := uint64(1); want <= 7; want++ {
		line, err := f.Next(t.Context())
		if err == errDone { // the watermark that it knew is behind: it looks again
			want--
			continue
		}
		if err != nil || line.Seq != want {
			t.Fatalf("seq %d, want %d: %v", line.Seq, want, err)
		}
	}
	if rotations != 2 {
		t.Errorf("%d rotations", rotations)
	}
}

// What has the name that the file which is being written will get, and is no
// file, neither stops a follower nor keeps it from ending.
func TestFollowFolderAtASegmentsName(t *testing.T) {
	wantFollow(t, "1-4 |  | 5 | 6-7", func(h *handmade) (FollowOptions, []func()) {
		h.records(3)
		h.mark()
		taken := segmentPath(h.path, 1)
		return FollowOptions{}, steps(
			func() { h.check(os.Mkdir(taken, 0o700)) },
			func() { h.records(1); h.mark() },
			func() { h.check(os.Remove(taken)); h.rotate(); h.records(1); h.mark() },
		)
	})
}

// A follower that passes over lines looks at its context as it does.
func TestFollowEndsWhileItSeeks(t *testing.T) {
	h := newHandmade(t)
	h.records(100)
	after := Mark{h.at.Seq, h.at.MAC}
	h.records(1)
	h.mark()
	f, err := NewFollower(h.path, FollowOptions{After: &after})
	h.check(err)
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f.fs = &hookFS{vfs.OS, func(string) { cancel() }}
	if line, err := f.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("seq %d, %v", line.Seq, err)
	}
}

// A compressed file that is removed after it was found, or between two looks
// at it, is a gap.
func TestFollowVanished(t *testing.T) {
	for _, tc := range []struct {
		o    FollowOptions
		from uint64   // of the file that is removed
		want []string // as it is removed before, while or after it is read
	}{
		{FollowOptions{}, 1, []string{"gap 0 5, 5-10", "1-10"}},
		{FollowOptions{}, 5, []string{"1-4, gap 4 9, 9-10", "1-10"}},
		{FollowOptions{Last: 5}, 5, []string{"2-4, gap 4 9, 9-10", "gap 5 9, 9-10", "6-10"}},
		{FollowOptions{Last: 900}, 1, []string{"5-10", "gap 0 5, 5-10", "1-10"}},
	} {
		met := map[string]bool{}
		for nth := 1; nth < 6; nth++ {
			h, first, second := three(t)
			h.compress(first)
			h.compress(second)
			name := segmentPath(h.path, tc.from) + compressedSuffix
			n, removed := 0, false
			fsys := &hookFS{vfs.OS, func(opened string) {
				if opened == name {
					if n++; n == nth {
						h.check(os.Remove(name))
						removed = true
					}
				}
			}}
			tc.o.Wait = func(context.Context) error { return errDone }
			f, err := newFollower(fsys, h.path, tc.o)
			h.check(err)
			var events []string
			for err == nil {
				line, nerr := f.Next(t.Context())
				switch {
				case nerr == errDone:
					err = nerr
				case nerr == nil:
					events = append(events, fmt.Sprint("seq ", line.Seq))
				default:
					events = append(events, describe(t, nerr)...)
				}
			}
			h.check(f.Close())
			if got := runs(events); !slices.Contains(tc.want, got) {
				t.Errorf("last %d, removed at opening %d of seq %d: %q", tc.o.Last, nth, tc.from, got)
			} else {
				met[got] = true
			}
			if nth == 1 && !removed {
				t.Error("nothing was removed")
			}
		}
		if len(met) < 2 {
			t.Errorf("last %d: only %v", tc.o.Last, met)
		}
	}
}

// A watermark that changes between two looks at it is read again.
func TestFollowBeginsBesideAWriter(t *testing.T) {
	h := newHandmade(t)
	h.records(3)
	h.mark()
	busy := 0
	fsys := &hookFS{vfs.OS, func(name string) {
		if name == h.path+headSuffix && busy < 5 {
			busy++
			h.records(1)
			h.mark()
		}
	}}
	f, err := newFollower(fsys, h.path, FollowOptions{Last: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if line, err := f.Next(t.Context()); err != nil || line.Seq != h.at.Seq || busy != 5 {
		t.Errorf("seq %d of %d, %v", line.Seq, h.at.Seq, err)
	}
}

// The file that is being written is replaced by the same bytes, gone on with
// and finished before the follower looks again: nothing is missing.
func TestFollowReplacedAndRotated(t *testing.T) {
	for _, compress := range []bool{false, true} {
		wantFollow(t, "1-4 | 5-9", func(h *handmade) (FollowOptions, []func()) {
			h.records(3)
			h.mark()
			return FollowOptions{}, steps(func() {
				replaceByCopy(h)
				h.records(3)
				name := h.rotate()
				h.records(1)
				h.mark()
				if compress {
					h.compress(name)
				}
			})
		})
	}
}

// countFS counts how often a folder is listed.
type countFS struct {
	vfs.FS
	lists int
}

func (c *countFS) ReadDir(name string) ([]string, error) {
	c.lists++
	return c.FS.ReadDir(name)
}

// A Follower that is to stop does so at the watermark as it was, whatever is
// written meanwhile, and lists the folder a few times, not once for each file.
func TestFollowStops(t *testing.T) {
	rotating := func() *handmade {
		h := newHandmade(t)
		for range 40 {
			h.records(1)
			h.rotate()
		}
		h.mark()
		return h
	}
	for _, last := range []int{0, 1, 30, 1000} {
		h := rotating()
		end := h.at.Seq
		lists := &countFS{FS: vfs.OS}
		f, err := newFollower(lists, h.path, FollowOptions{Last: last, Stop: true, Wait: func(context.Context) error { return errDone }})
		h.check(err)
		lines, seq := 0, uint64(0)
		for {
			line, err := f.Next(t.Context())
			if err == io.EOF {
				break
			}
			h.check(err)
			seq = line.Seq
			lines++
			if lines < 100 { // a writer that never rests
				h.records(1)
				h.rotate()
				h.mark()
			}
		}
		h.check(f.Close())
		if want := min(cmp.Or(uint64(last), end), end); seq != end || uint64(lines) != want {
			t.Errorf("last %d: %d lines, up to seq %d, want %d up to %d", last, lines, seq, want, end)
		}
		if lists.lists > 20 {
			t.Errorf("last %d: the folder was listed %d times", last, lists.lists)
		}
	}
	// None at all, where no more is to come.
	h := rotating()
	f, err := NewFollower(h.path, FollowOptions{End: true, Stop: true})
	h.check(err)
	defer f.Close()
	if line, err := f.Next(t.Context()); err != io.EOF {
		t.Errorf("seq %d, %v", line.Seq, err)
	}
	// Nor where the last line is none, or there is no watermark.
	h.write([]byte("no line\n"))
	h.at.Size += 8
	h.at.Seq++
	h.mark()
	for range 2 {
		f, err := NewFollower(h.path, FollowOptions{Stop: true})
		h.check(err)
		bad := 0
		for {
			_, err := f.Next(t.Context())
			var line *LineError
			if err == io.EOF {
				break
			}
			if errors.As(err, &line) {
				bad++
				continue
			}
			h.check(err)
		}
		h.check(f.Close())
		if bad != 1 {
			t.Errorf("%d bad lines", bad)
		}
		h.check(os.RemoveAll(h.path + headSuffix))
	}
}

// The file that is being written is finished between the look at the folder
// and its opening: its lines count among the last ones.
func TestFollowLastRotatedBeforeOpening(t *testing.T) {
	for _, size := range []int{0, 40, 1 << 20} { // of the file that is begun
		lastRotatedBeforeOpening(t, size)
	}
}

func lastRotatedBeforeOpening(t *testing.T, size int) {
	h := newHandmade(t)
	h.records(5)
	h.rotate()
	h.records(5)
	h.mark()
	end := h.at.Seq
	rotated, opened := false, 0
	fsys := &hookFS{vfs.OS, func(name string) {
		// It is opened once before, to see where it begins.
		if name == h.path {
			opened++
		}
		if name == h.path && !rotated && opened == 2 {
			rotated = true
			if h.finish(); size < 1<<20 {
				h.write(h.segmentLine("size")[:size])
				return
			}
			h.write(h.segmentLine("size"))
			h.records(1)
			h.mark()
		}
	}}
	f, err := newFollower(fsys, h.path, FollowOptions{Last: 3, Stop: true})
	h.check(err)
	defer f.Close()
	for want := end - 2; want <= end; want++ {
		if line, err := f.Next(t.Context()); err != nil || line.Seq != want {
			t.Fatalf("seq %d, want %d: %v", line.Seq, want, err)
		}
	}
	if line, err := f.Next(t.Context()); err != io.EOF || !rotated {
		t.Errorf("seq %d, %v", line.Seq, err)
	}
}

// A file that was just begun, and has no line yet, is not the one of the
// watermark where that one is finished.
func TestFollowNamesTheActive(t *testing.T) {
	h := newHandmade(t)
	h.records(3)
	h.mark()
	f, err := NewFollower(h.path, FollowOptions{})
	h.check(err)
	defer f.Close()
	name := h.finish()
	h.write(nil)
	for i, want := range []bool{false, false, true} { // plain, compressed, gone
		switch i {
		case 1:
			name = h.compress(name)
		case 2:
			h.check(os.Remove(name))
		}
		c, err := openFollowed(f.fs, Segment{Path: h.path})
		h.check(err)
		if got := f.nameActive(c); got != want {
			t.Errorf("%d: %v", i, got)
		}
		c.close()
	}
}
