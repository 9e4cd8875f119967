// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

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
