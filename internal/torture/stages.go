// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What is done to which system calls on the journal's files. Calls that only read
// change nothing when they are killed: they fail, and that is all.
var faultsOf = map[string][]string{
	"openat":     {"EIO", "ENOSPC", "EINTR", "EMFILE", "EACCES", "SIGKILL"},
	"write":      {"EIO", "ENOSPC", "EINTR", "SIGKILL"},
	"pwrite64":   {"EIO", "ENOSPC", "EINTR", "EROFS", "SIGKILL"},
	"fsync":      {"EIO", "ENOSPC", "EINTR", "SIGKILL"},
	"fdatasync":  {"EIO", "ENOSPC", "EINTR", "SIGKILL"},
	"ftruncate":  {"EIO", "ENOSPC", "SIGKILL"},
	"rename":     {"EIO", "ENOSPC", "SIGKILL"},
	"renameat":   {"EIO", "ENOSPC", "SIGKILL"},
	"renameat2":  {"EIO", "ENOSPC", "SIGKILL"},
	"link":       {"EIO", "ENOSPC", "SIGKILL"},
	"linkat":     {"EIO", "ENOSPC", "SIGKILL"},
	"unlink":     {"EIO", "SIGKILL"},
	"unlinkat":   {"EIO", "SIGKILL"},
	"mkdirat":    {"EIO", "ENOSPC", "SIGKILL"},
	"fchmod":     {"EIO", "SIGKILL"},
	"fchmodat":   {"EIO", "SIGKILL"},
	"fallocate":  {"EIO", "ENOSPC", "SIGKILL"},
	"flock":      {"EIO", "ENOLCK", "EINTR", "SIGKILL"},
	"pread64":    {"EIO"},
	"read":       {"EIO"},
	"fstat":      {"EIO"},
	"newfstatat": {"EIO"},
	"statx":      {"EIO"},
	"getdents64": {"EIO"},
}

// harmless calls neither change a file nor say anything about it that a writer uses.
var harmless = []string{"close", "fcntl", "epoll_ctl", "lseek", "readlinkat"}

// stage is a process that is tortured: what stood there before it, and what it does.
type stage struct {
	name   string
	before string // folder to begin with; "" for none
	given  session
	pieces [][]entry
	flags  []string       // of append
	op     *operation     // what it does instead of appending
	keyed  bool           // it is in the folder of a journal with keys of its own
	count  map[string]int // how often each call is made, as recorded
	files  []string       // the files that they are about, in the folder
}

func newMatrix(ctx context.Context, w *world, t tracing, sample bool) (*matrix, error) {
	m := &matrix{w: w, strace: t, rows: map[fault]*row{}}
	template, err := w.journal("template")
	if err != nil {
		return nil, err
	}
	old := entries(1, 4)
	given := w.append(ctx, nil, template, [][]entry{old[:2], old[2:]})
	if !given.sealed() {
		return nil, fmt.Errorf("append without a fault: %s", given)
	}
	torn, err := w.journal("template")
	if err != nil {
		return nil, err
	}
	if err := copyFolder(filepath.Dir(template), filepath.Dir(torn)); err != nil {
		return nil, err
	}
	if err := appendText(torn, `{"timestamp":"2026-11-23T10:15:00.0000000`); err != nil {
		return nil, err
	}
	es := entries(2, 14)
	m.stages = []*stage{
		{name: "first opening", pieces: [][]entry{es[:2], es[2:4]}},
		// One record is sent again: it is looked up, and read.
		{name: "appending", before: filepath.Dir(template), given: given, pieces: [][]entry{es[:2], es[2:5], {old[1]}, es[5:7], es[7:13]}},
		{name: "crash tail", before: filepath.Dir(torn), given: given, pieces: [][]entry{es[:2], es[2:4]}},
	}
	// A few records fill a file.
	const fileSize = "4KiB"
	large := entriesOf(7, 14, 1200)
	if flags := w.rotation(fileSize, false); flags != nil {
		m.stages = append(m.stages,
			&stage{name: "rotation", before: filepath.Dir(template), given: given, pieces: [][]entry{large[:2], large[2:5], {old[1]}, large[5:7], large[7:13]}, flags: flags},
			&stage{name: "compression", before: filepath.Dir(template), given: given, pieces: [][]entry{large[:2], large[2:5], large[5:7], large[7:13]}, flags: w.rotation(fileSize, true)})
	}
	keyed, err := w.keyedStages(ctx)
	if err != nil {
		return nil, err
	}
	m.stages = slices.DeleteFunc(append(m.stages, keyed...), func(s *stage) bool { return !strings.Contains(s.name, w.stage) })
	for _, s := range m.stages {
		if err := m.record(ctx, s, sample); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return m, nil
}

func appendText(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Close()
}

// begin makes the folder that a stage begins with.
func (m *matrix) begin(s *stage) (path string, err error) {
	if path, err = m.w.journal("run"); err != nil || s.before == "" {
		return path, err
	}
	return path, copyFolder(s.before, filepath.Dir(path))
}

// perform does what a stage does, under prefix (strace and its arguments).
func (m *matrix) perform(ctx context.Context, o *outcome, s *stage, prefix []string, path string) session {
	if s.op != nil {
		return m.w.perform(ctx, o, prefix, path, s.op)
	}
	return m.w.append(ctx, prefix, path, s.pieces, s.flags...)
}

// record runs a stage once without a fault, and finds out which calls it makes.
func (m *matrix) record(ctx context.Context, s *stage, sample bool) error {
	path, err := m.begin(s)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	trace := dir + ".trace"
	var o outcome
	got := m.perform(ctx, &o, s, m.strace.record(trace), path)
	if !got.sealed() {
		return fmt.Errorf("under strace: %s", got)
	}
	calls, _, err := readTrace(trace, dir)
	if err != nil {
		return err
	}
	s.count = map[string]int{}
	for _, c := range calls {
		if slices.Contains(harmless, c.name) {
			continue
		}
		if faultsOf[c.name] == nil {
			return fmt.Errorf("a call that this test does not know: %s on %s; add it to faultsOf", c.name, c.file)
		}
		s.count[c.name]++
	}
	for _, f := range filesOf(calls, dir) {
		rel, err := filepath.Rel(dir, f)
		if err != nil {
			return err
		}
		s.files = append(s.files, rel)
	}
	// Of a sample it counts what was met, whichever.
	if !sample {
		if err := m.countLightly(ctx, s); err != nil {
			return err
		}
	}
	if s.count["fsync"]+s.count["fdatasync"] == 0 || s.count["pwrite64"]+s.count["write"] == 0 {
		return fmt.Errorf("no write or no sync was seen: the trace is not to be trusted: %v", s.count)
	}
	return nil
}

// countLightly counts once more, with strace as it is when it injects, which slows the
// process down less: how many commits it makes of its input, and how often it looks
// whether a lock is free, depends a little on its speed. What is in every run counts.
func (m *matrix) countLightly(ctx context.Context, s *stage) error {
	for call := range s.count {
		path, err := m.begin(s)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		trace := dir + ".trace"
		const never = 65535 // no stage makes so many calls
		got := m.perform(ctx, new(outcome), s, m.strace.inject(fault{call, "EIO"}, never, s.paths(dir), trace), path)
		if !got.sealed() {
			return fmt.Errorf("under strace: %s", got)
		}
		calls, _, err := readTrace(trace, dir)
		if err != nil {
			return err
		}
		n := 0
		for _, c := range calls {
			if c.name == call {
				n++
			}
		}
		if n == 0 {
			return fmt.Errorf("%s is made %d times, and none of them is seen on %q", call, s.count[call], s.files)
		}
		s.count[call] = min(s.count[call], n)
	}
	return nil
}

// paths are the files of the stage in another folder, and the folder.
func (s *stage) paths(dir string) []string {
	paths := []string{dir}
	for _, f := range s.files {
		paths = append(paths, filepath.Join(dir, f))
	}
	return paths
}
