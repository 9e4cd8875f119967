// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

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
