// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// outage is something that keeps a journal from being written for a while. The writer
// runs all the time; what it is refused it may try again, and once the outage is over
// it must go on by itself.
type outage struct {
	name  string
	calls []string // that strace makes fail, in every thread, until it lets go; or:
	errno string
	begin func(h *helper, path string) error
	end   func(h *helper, path string) error
}

// outages that strace makes: a read-only remount of a file system with open files, or
// a disk that refuses, cannot be had otherwise on a machine that is used for more.
var outages = []outage{
	{name: "read-only file system (EROFS)", calls: []string{"openat", "pwrite64", "ftruncate", "renameat", "unlinkat", "mkdirat"}, errno: "EROFS"},
	{name: "disk refuses to write (EIO)", calls: []string{"pwrite64"}, errno: "EIO"},
	{name: "disk refuses to sync (EIO)", calls: []string{"fsync"}, errno: "EIO"},
	{name: "disk refuses to write and to cut (EIO)", calls: []string{"pwrite64", "ftruncate"}, errno: "EIO"},
	{name: "disk refuses everything (EIO)", calls: []string{"openat", "pread64", "pwrite64", "ftruncate", "fsync", "fstat", "newfstatat", "renameat", "unlinkat", "flock"}, errno: "EIO"},
	{name: "quota exceeded (EDQUOT)", calls: []string{"pwrite64"}, errno: "EDQUOT"},
	{name: "no locks (ENOLCK)", calls: []string{"flock"}, errno: "ENOLCK"},
	{name: "metadata unreadable (EIO)", calls: []string{"fstat", "newfstatat"}, errno: "EIO"},
	{name: "unreadable (EIO)", calls: []string{"pread64"}, errno: "EIO"},
	{name: "too many open files (RLIMIT_NOFILE)", begin: nofile(3), end: nofile(0)},
	{name: "permission lost: folder (chmod 0)", begin: chmod("", 0), end: chmod("", 0o700)},
	{name: "permission lost: .lock (chmod 0)", begin: chmod(".lock", 0), end: chmod(".lock", 0o600)},
	{name: "permission lost: all files (chmod 0)", begin: chmodAll(0), end: chmodAll(0o600)},
}

func nofile(n int) func(*helper, string) error {
	return func(h *helper, _ string) error {
		_, err := h.ask("nofile %d", n)
		return err
	}
}

func chmod(suffix string, mode os.FileMode) func(*helper, string) error {
	return func(_ *helper, path string) error {
		if suffix == "" {
			return os.Chmod(filepath.Dir(path), mode)
		}
		return os.Chmod(path+suffix, mode)
	}
}

func chmodAll(mode os.FileMode) func(*helper, string) error {
	return func(_ *helper, path string) error {
		files, err := filepath.Glob(strings.TrimSuffix(path, ".jsonl") + "*")
		for _, f := range files {
			err = errors.Join(err, os.Chmod(f, mode))
		}
		return err
	}
}

// chownAll gives a folder, and what is in it, to nobody.
func chownAll(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range append(files, dir) {
		err = errors.Join(err, os.Chown(f, nobody, -1))
	}
	return err
}

// nobody is a user who may not read what is forbidden to all.
const nobody = 65534

func outageRows(ctx context.Context, w *world, long bool) ([]*row, error) {
	strace, missing := findTracing()
	var rows []*row
	for _, out := range outages {
		r := &row{fault: "outage: " + out.name}
		rows = append(rows, r)
		if out.calls != nil && missing != "" {
			r.skipped = missing
			continue
		}
		sizes := []int{0, 4 << 10}
		begins := []func(string) (string, error){w.keyed, w.journal}
		if !long {
			sizes, begins = sizes[:1], begins[:1]
		}
		for n := range len(sizes) * len(begins) {
			maxSize := sizes[n%len(sizes)]
			o, path, err := w.sufferOutage(ctx, strace, out, maxSize, begins[n/len(sizes)])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", out.name, err)
			}
			for _, p := range o.Problems {
				w.say("BAD %s, new file at %d bytes, in %s: %s", r.fault, maxSize, filepath.Dir(path), p)
			}
			r.add(o)
		}
	}
	return rows, nil
}

// sufferOutage lets a writer work before, during and after an outage, twice.
func (w *world) sufferOutage(ctx context.Context, t tracing, out outage, maxSize int, begin func(string) (string, error)) (o outcome, path string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if path, err = begin("outage"); err != nil {
		return o, path, err
	}
	h, err := w.startHelper(ctx, &o, path, maxSize)
	if err != nil {
		return o, path, err
	}
	if out.calls == nil && os.Geteuid() == 0 {
		// Root may do everything.
		if err := errors.Join(os.Chmod(w.root, 0o711), chownAll(filepath.Dir(path))); err != nil {
			return o, path, err
		}
		if _, err := h.ask("user %d", nobody); err != nil {
			return o, path, err
		}
	}
	const size = 100
	for range 2 {
		if o.bad() {
			break
		}
		for range 5 {
			if !h.must("before", h.fresh(), size) {
				break
			}
		}
		var refused []string
		during := func() {
			for range 4 {
				if id := h.fresh(); h.try(id, size) != nil {
					o.Hits++
					refused = append(refused, id)
				}
			}
		}
		if out.calls != nil {
			if err := t.during(ctx, h.cmd.Process.Pid, out, path+".trace", during); err != nil {
				return o, path, err
			}
		} else {
			if err := out.begin(h, path); err != nil {
				return o, path, err
			}
			during()
			if err := out.end(h, path); err != nil {
				return o, path, err
			}
		}
		for _, id := range refused {
			if !h.must("after the outage", id, size) {
				break
			}
		}
	}
	if o.Hits == 0 && len(o.Problems) == 0 && !slices.Contains(mayPass, out.name) {
		o.problem("the outage was not felt: nothing was refused")
	}
	for range 5 {
		if len(o.Problems) == 0 {
			h.must("at the end", h.fresh(), size)
		}
	}
	h.end(ctx, w, path)
	return o, path, nil
}

// mayPass are outages that a writer may well not feel: it has what it needs.
var mayPass = []string{"unreadable (EIO)", "permission lost: all files (chmod 0)", "permission lost: .lock (chmod 0)"}

// during makes the calls of a running process fail while f runs.
func (t tracing) during(ctx context.Context, pid int, out outage, trace string, f func()) error {
	set := strings.Join(out.calls, ",")
	cmd := exec.CommandContext(ctx, t.path, "-f", "-p", fmt.Sprint(pid), "-o", trace, "-s", "0",
		"-e", "trace="+set, "-e", "inject="+set+":error="+out.errno)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	said := bufio.NewReader(stderr)
	line := ""
	for !strings.Contains(line, "attached") {
		if line, err = said.ReadString('\n'); err != nil {
			return errors.Join(fmt.Errorf("strace did not attach: %q", line), cmd.Wait())
		}
	}
	f()
	// It lets go of all threads, and the calls are the kernel's own again.
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		return errors.Join(fmt.Errorf("strace has ended: %w", err), cmd.Wait())
	}
	if _, err := io.Copy(io.Discard, said); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}
