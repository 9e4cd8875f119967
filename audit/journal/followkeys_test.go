// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// follow reads what a Follower has, to the end that is there now. notes are the
// first lines behind an ErrUnchecked, wrong is what else was said.
func (h *keyed) follow(o journal.FollowOptions) (lines []integrity.Line, notes []uint64, wrong []error) {
	h.Helper()
	o.Stop = true
	f, err := journal.NewFollower(h.path, o)
	h.check(err)
	defer f.Close()
	noted := false
	for {
		l, err := f.Next(h.Context())
		switch {
		case err == io.EOF:
			return lines, notes, wrong
		case errors.Is(err, journal.ErrUnchecked):
			noted = true
		case err != nil:
			wrong = append(wrong, err)
			if len(wrong) > 100 {
				h.Fatal(wrong[0])
			}
		default:
			if noted {
				notes, noted = append(notes, l.Seq), false
			}
			lines = append(lines, l)
		}
	}
}

func TestFollowAcrossEpochs(t *testing.T) {
	for _, rotation := range []journal.Rotation{{}, {MaxSize: 3000}} {
		h := newKeyed(t)
		j := h.open(6, func(o *journal.Options) { o.Rotation = rotation })
		appendN(t, j, 12)
		old := h.state().Key
		appendN(t, j, 20)
		h.check(j.Close())
		all := h.lines()
		last := all[len(all)-1].Seq

		for after := range last {
			o := journal.FollowOptions{Key: h.zero}
			if after > 0 {
				o.After = &journal.Mark{Seq: after, MAC: all[after-1].MAC}
			}
			lines, notes, wrong := h.follow(o)
			if uint64(len(lines)) != last-after || len(notes)+len(wrong) > 0 {
				t.Fatalf("after %d of %d: %d lines, %v, %v", after, last, len(lines), notes, wrong)
			}
		}
		lines, notes, wrong := h.follow(journal.FollowOptions{Key: h.zero, Last: 5})
		if len(lines) != 5 || len(notes)+len(wrong) > 0 {
			t.Fatalf("last 5: %d lines, %v, %v", len(lines), notes, wrong)
		}
		// With the key of the host, what came before it is not checked.
		lines, notes, wrong = h.follow(journal.FollowOptions{Key: old})
		if len(lines) != len(all) || len(notes) != 1 || notes[0] != 1 || len(wrong) > 0 {
			t.Fatalf("from epoch %d: %d lines, %v, %v", old.Epoch(), len(lines), notes, wrong)
		}
		// A line that is altered shows, wherever the key is at hand; and only it.
		files := segments(t, h.path)
		name := files[len(files)-1].Path
		b := readFile(t, name)
		i := bytes.LastIndex(b, []byte(`"body":"`)) + len(`"body":"`)
		b[i] ^= 1
		h.check(os.WriteFile(name, b, 0o600))
		altered := uint64(0)
		for _, l := range h.lines() {
			if !bytes.Equal(l.Payload, all[l.Seq-1].Payload) {
				altered = l.Seq
			}
		}
		for _, k := range []integrity.Key{h.zero, old, h.state().Key} {
			for _, after := range []uint64{0, altered - 1, altered - 2} {
				o := journal.FollowOptions{Key: k}
				if after > 0 {
					o.After = &journal.Mark{Seq: after, MAC: all[after-1].MAC}
				}
				_, _, wrong = h.follow(o)
				if len(wrong) != 1 && (k.Epoch() == 0 || after != altered-1) {
					t.Errorf("key at epoch %d, after %d: seq %d was altered: %v", k.Epoch(), after, altered, wrong)
				}
			}
		}
	}
}

func TestFollowAcrossKeys(t *testing.T) {
	h := newKeyed(t)
	next := forwardKey(t, 'g')
	j := h.open(6)
	appendN(t, j, 12)
	h.rotate(j, next)
	appendN(t, j, 12)
	h.check(j.Close())
	all := h.lines()
	lines, notes, wrong := h.follow(journal.FollowOptions{Key: next})
	if len(lines) != len(all) || len(notes) != 1 || notes[0] != 1 || len(wrong) > 0 {
		t.Errorf("%d lines of %d, %v, %v", len(lines), len(all), notes, wrong)
	}
	_, err := journal.NewFollower(h.path, journal.FollowOptions{Key: h.zero})
	wantError(t, err, journal.ErrNoWatermark, next.ID())

	// With both, every line is checked, wherever it begins; and one that is
	// altered shows, under whichever key it is.
	for _, o := range []journal.FollowOptions{{Key: h.zero, Keys: []integrity.Key{next}}, {Key: next, Keys: []integrity.Key{h.zero}}} {
		for after := range uint64(len(all)) {
			o.After = nil
			if after > 0 {
				o.After = &journal.Mark{Seq: after, MAC: all[after-1].MAC}
			}
			if lines, notes, wrong := h.follow(o); len(lines) != len(all)-int(after) || len(notes)+len(wrong) > 0 {
				t.Fatalf("after %d of %d: %d lines, %v, %v", after, len(all), len(lines), notes, wrong)
			}
		}
		o.After, o.Last = nil, len(all)-3
		if lines, notes, wrong := h.follow(o); len(lines) != o.Last || len(notes)+len(wrong) > 0 {
			t.Fatalf("last %d: %d lines, %v, %v", o.Last, len(lines), notes, wrong)
		}
		o.Last = 0
		for _, s := range segments(t, h.path) {
			b := readFile(t, s.Path)
			i := bytes.LastIndex(b, []byte(`"body":"`)) + len(`"body":"`)
			h.check(os.WriteFile(s.Path, slices.Concat(b[:i], []byte{b[i] ^ 1}, b[i+1:]), 0o600))
			if lines, notes, wrong := h.follow(o); len(lines) != len(all)-1 || len(notes) > 0 || len(wrong) != 1 {
				t.Errorf("%s: %d lines, %v, %v", s.Path, len(lines), notes, wrong)
			}
			h.check(os.WriteFile(s.Path, b, 0o600))
		}
	}
	// With the key of the host, which has stepped since it came in, what was sealed
	// with it before that is not checked, and what follows is.
	if lines, notes, wrong := h.follow(journal.FollowOptions{Key: h.zero, Keys: []integrity.Key{h.state().Key}}); len(lines) != len(all) || len(notes) != 1 || len(wrong) > 0 {
		t.Errorf("with the key of the host: %d lines of %d, %v, %v", len(lines), len(all), notes, wrong)
	}
	// Where the file between two is gone, what is behind it is checked under
	// its own key.
	third, err := integrity.NewKey(bytes.Repeat([]byte("3"), 32))
	h.check(err)
	j = h.open(6)
	h.rotate(j, third)
	appendN(t, j, 3)
	h.check(j.Close())
	h.check(os.Remove(segments(t, h.path)[1].Path))
	_, notes, wrong = h.follow(journal.FollowOptions{Key: h.zero, Keys: []integrity.Key{third, next}})
	if len(notes) > 0 || len(wrong) != 1 {
		t.Errorf("with a file gone: %v, %v", notes, wrong)
	}
	// A key in the middle that is not at hand is said, and what follows is
	// checked again.
	h2 := newKeyed(t)
	j = h2.open(6)
	appendN(t, j, 12)
	h2.rotate(j, next)
	appendN(t, j, 12)
	h2.rotate(j, third)
	appendN(t, j, 3)
	h2.check(j.Close())
	all = h2.lines()
	lines, notes, wrong = h2.follow(journal.FollowOptions{Key: h2.zero, Keys: []integrity.Key{third}})
	if len(lines) != len(all) || len(notes) != 1 || len(wrong) > 0 {
		t.Errorf("%d lines of %d, %v, %v", len(lines), len(all), notes, wrong)
	}
}
