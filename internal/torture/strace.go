// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tracing is strace, as it is installed here. It counts the calls of each thread on
// its own, and Go moves a goroutine from thread to thread: so a run says in its trace
// which call of the process was really hit, and only that is believed.
type tracing struct{ path string }

// findTracing looks for an strace that may trace and can inject; missing says why there
// is none.
func findTracing() (t tracing, missing string) {
	path, err := exec.LookPath("strace")
	if err != nil {
		return tracing{}, "strace is not installed (apt-get install strace)"
	}
	out, err := exec.Command(path, "-f", "--seccomp-bpf", "-qq", "-o", os.DevNull, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=1", path, "-V").CombinedOutput()
	if err != nil {
		return tracing{}, fmt.Sprintf("strace cannot trace here: %v: %s", err, strings.TrimSpace(string(out)))
	}
	return tracing{path}, ""
}

// record is the command line that only writes down all calls on files.
func (t tracing) record(trace string) []string {
	return []string{t.path, "-f", "-q", "--seccomp-bpf", "-y", "-s", "0", "-o", trace, "-e", "trace=%file,%desc"}
}

// fault is what is done to one call.
type fault struct{ call, what string }

func (f fault) kill() bool { return f.what == "SIGKILL" }

func (f fault) String() string { return f.call + " " + f.what }

// inject is the command line that does f to the call number when, of those on the
// given files.
func (t tracing) inject(f fault, when int, files []string, trace string) []string {
	args := []string{t.path, "-f", "-q", "-y", "-s", "0", "-o", trace, "-e", "trace=" + f.call}
	if f.kill() {
		args = append(args, "-e", fmt.Sprintf("inject=%s:signal=%s:when=%d", f.call, f.what, when))
	} else {
		// Other calls then cost nothing. At the stops of seccomp, no signal can
		// be injected.
		args = append(args, "--seccomp-bpf", "-e", fmt.Sprintf("inject=%s:error=%s:when=%d", f.call, f.what, when))
	}
	for _, file := range files {
		args = append(args, "-P", file)
	}
	return args
}

// call is one system call of a trace.
type call struct {
	thread   string
	name     string
	file     string // below the folder of the journal; "." is the folder itself
	injected bool
}

// readTrace reads what strace wrote down about the files in dir, in the order in which
// the calls began. killed says that SIGKILL ended the process.
func readTrace(trace, dir string) (calls []call, killed bool, err error) {
	text, err := os.ReadFile(trace)
	if err != nil {
		return nil, false, err
	}
	under := map[string]int{} // thread: its call that is not finished
	for _, l := range strings.Split(string(text), "\n") {
		thread, rest, ok := strings.Cut(l, " ")
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "+++ killed by SIGKILL") {
			killed = true
			continue
		}
		if strings.HasPrefix(rest, "<... ") {
			if i, ok := under[thread]; ok && strings.HasSuffix(rest, "(INJECTED)") {
				calls[i].injected = true
			}
			delete(under, thread)
			continue
		}
		name, args, ok := strings.Cut(rest, "(")
		if !ok || strings.ContainsAny(name, " +-<") {
			continue
		}
		file, ok := fileOf(args, dir)
		if !ok {
			continue
		}
		calls = append(calls, call{thread: thread, name: name, file: file, injected: strings.HasSuffix(rest, "(INJECTED)")})
		if strings.HasSuffix(rest, "<unfinished ...>") {
			under[thread] = len(calls) - 1
		}
	}
	return calls, killed, nil
}

// fileOf is the first file in dir that the arguments name, as a path or as what a
// descriptor stands for.
func fileOf(args, dir string) (string, bool) {
	_, rest, ok := strings.Cut(args, dir)
	if !ok {
		return "", false
	}
	end := strings.IndexAny(rest, `">`)
	if end < 0 {
		return "", false
	}
	if rest[:end] == "" {
		return ".", true
	}
	name, ok := strings.CutPrefix(rest[:end], "/")
	return strings.TrimSuffix(name, " (deleted)"), ok
}

// hits are the numbers, from 1, of the calls that f was done to.
func hits(calls []call, killed bool, f fault) []int {
	var numbers []int
	n := 0
	for _, c := range calls {
		if c.name != f.call {
			continue
		}
		n++
		if c.injected && !f.kill() {
			numbers = append(numbers, n)
		}
	}
	// The kill comes at the entry of a call, which is then the last one.
	if f.kill() && killed && n > 0 {
		numbers = append(numbers, n)
	}
	return numbers
}

// inThread is the number that call number n of that name has among those of its own
// thread; 0 when there are fewer.
func inThread(calls []call, name string, n int) int {
	counts := map[string]int{}
	for _, c := range calls {
		if c.name != name {
			continue
		}
		counts[c.thread]++
		if n--; n == 0 {
			return counts[c.thread]
		}
	}
	return 0
}

// filesOf are the paths of all files that calls are about.
func filesOf(calls []call, dir string) []string {
	var files []string
	for _, c := range calls {
		if f := filepath.Join(dir, c.file); !slices.Contains(files, f) {
			files = append(files, f)
		}
	}
	return files
}

// copyFolder copies the files of a journal's folder. No hard links: a writer refuses
// them.
func copyFolder(from, to string) error {
	names, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, n := range names {
		text, err := os.ReadFile(filepath.Join(from, n.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, n.Name()), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
