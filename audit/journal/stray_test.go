// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/vfs"
)

// A file that has the name of a finished segment, and is none, is said once,
// and hides nothing of the others, from a Reader and from a Follower.
func TestStrays(t *testing.T) {
	planted := func(seq uint64, content func(h *handmade) []byte) func(*handmade) {
		return func(h *handmade) { h.check(os.WriteFile(segmentPath(h.path, seq), content(h), 0o600)) }
	}
	nothing := func(*handmade) []byte { return nil }
	copied := func(seq uint64) func(*handmade) []byte {
		return func(h *handmade) []byte {
			name := segmentPath(h.path, seq)
			if seq == 0 {
				name = h.path
			}
			b, err := os.ReadFile(name)
			h.check(err)
			return b
		}
	}
	for name, tc := range map[string]struct {
		plant func(*handmade)
		want  string
		last  string // of the last two
	}{
		"empty, last of all":   {planted(math.MaxUint64, nothing), "1-8, bad, 9-10", "bad, 9-10"},
		"empty, next":          {planted(11, nothing), "1-8, bad, 9-10", "bad, 9-10"},
		"empty, of the active": {planted(9, nothing), "1-8, bad, 9-10", "bad, 9-10"},
		"empty, in between":    {planted(7, nothing), "1-8, bad, 9-10", "9-10"},
		"empty, and compressed": {func(h *handmade) {
			h.check(os.WriteFile(segmentPath(h.path, 500)+compressedSuffix, nil, 0o600))
		}, "1-8, bad, 9-10", "bad, 9-10"},
		"copy with a high number":         {planted(600, copied(5)), "1-8, bad, 9-10", "bad, 9-10"},
		"copy with a number in between":   {planted(6, copied(5)), "1-8, bad, 9-10", "9-10"},
		"copy of the active":              {planted(9, copied(0)), "1-8, bad, 9-10", "bad, 9-10"},
		"copy of the first, with a later": {planted(4, copied(5)), "1-4, bad, 5-10", "9-10"},
		"no line":                         {planted(7, func(*handmade) []byte { return []byte("rubbish\n") }), "1-8, bad, 9-10", "9-10"},
		"does not follow": {planted(7, func(h *handmade) []byte {
			lines := strings.SplitAfter(string(copied(5)(h)), "\n")
			return []byte(lines[2] + lines[3])
		}), "1-8, bad, 9-10", "9-10"},
		"renamed": {func(h *handmade) {
			h.check(os.Rename(segmentPath(h.path, 5), segmentPath(h.path, 6)))
		}, "1-4, bad, gap 4 9, 9-10", "9-10"},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, _ := three(t)
			tc.plant(h)
			wantRead(t, h.path, tc.want)
			all := strings.NewReplacer("1-4, bad, 5-10", "1-10", "1-8, bad, 9-10", "1-10", "bad, ", "").Replace(tc.want)
			for i := range 8 {
				keyed, marked, fromEnd := i&1 > 0, i&2 > 0, i&4 > 0
				h, _, _ := three(t)
				tc.plant(h)
				if !marked {
					h.check(os.Remove(h.path + headSuffix))
				}
				o, want, saidWant := FollowOptions{}, all, 1
				switch {
				case fromEnd:
					o.Last, want, saidWant = 2, "9-10", strings.Count(tc.last, "bad")
				case !marked && name == "does not follow":
					saidWant = 0 // without a watermark, it may be what a crash left
				}
				if keyed {
					o.Key = h.key
				}
				got := follow(t, h.path, o, func() {
					h.records(1)
					if marked {
						h.mark()
					}
				})
				// It is said when it is met, which may be ahead of the lines before.
				said := strings.Count(got, "bad in line 1")
				got = strings.Replace(got, "bad in line 1, ", "", 1)
				got = strings.NewReplacer("1-4, 5-10", "1-10", "1-8, 9-10", "1-10").Replace(got)
				if want += " | 11"; got != want || said != saidWant {
					t.Errorf("with a key %v, a watermark %v, from the end %v: got %q, want %q", keyed, marked, fromEnd, got, want)
				}
			}
		})
	}
}

// missFS lists a folder as one may be that is read while a file is renamed:
// without it.
type missFS struct {
	vfs.FS
	miss  string
	times int
}

func (m *missFS) ReadDir(name string) ([]string, error) {
	names, err := m.FS.ReadDir(name)
	if m.times > 0 {
		m.times--
		names = slices.DeleteFunc(names, func(s string) bool { return s == m.miss })
	}
	return names, err
}

// A file that is renamed while the folder is listed is not missed.
func TestListedWhileRenamed(t *testing.T) {
	for skip := range 4 {
		h, first, second := three(t)
		for _, name := range []string{first, second} {
			fsys := &missFS{vfs.OS, filepath.Base(name), 0}
			f, err := newFollower(fsys, h.path, FollowOptions{Stop: true})
			h.check(err)
			for want := uint64(1); want <= h.at.Seq; want++ {
				if want == uint64(skip)*3+1 {
					fsys.times = 1
				}
				if line, err := f.Next(t.Context()); err != nil || line.Seq != want {
					t.Fatalf("without %s from seq %d on: seq %d, want %d: %v", name, skip*3+1, line.Seq, want, err)
				}
			}
			h.check(f.Close())
		}
	}
	h, _, second := three(t)
	s := &sequence{fs: &missFS{vfs.OS, filepath.Base(second), 1}, journal: h.path}
	h.check(s.list())
	if len(s.queue) != 3 {
		t.Errorf("%d files", len(s.queue))
	}
}
