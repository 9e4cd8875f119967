// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// machine is where a run took place: figures mean nothing without it.
type machine struct {
	cpu        string
	cores      int
	shaNI      bool
	memory     string
	system     string
	kernel     string
	goVersion  string
	fileSystem string
	load       string // load averages when the run began: what else was going on
	modules    []string
	date       time.Time
}

// describe reads the machine's description from the running system; dir is
// where the benchmark writes its files.
func describe(dir string) machine {
	m := machine{cores: runtime.NumCPU(), goVersion: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, date: time.Now().UTC()}
	m.cpu, m.shaNI = parseCPU(contents("/proc/cpuinfo"))
	m.memory = parseMemory(contents("/proc/meminfo"))
	m.system = parseSystem(contents("/etc/os-release"))
	m.kernel = strings.TrimSpace(string(contents("/proc/sys/kernel/osrelease")))
	m.load = parseLoad(contents("/proc/loadavg"))
	if abs, err := filepath.Abs(dir); err == nil {
		if real, err := filepath.EvalSymlinks(abs); err == nil {
			abs = real
		}
		m.fileSystem = parseMounts(contents("/proc/self/mounts"), abs)
	}
	m.modules = neighbourModules()
	return m
}

// contents is a file of the system's, or nothing: what cannot be read is
// said to be unknown.
func contents(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return b
}

const unknown = "unknown"

func parseCPU(cpuinfo []byte) (model string, shaNI bool) {
	model = unknown
	s := bufio.NewScanner(bytes.NewReader(cpuinfo))
	for s.Scan() {
		name, value, ok := strings.Cut(s.Text(), ":")
		if !ok {
			continue
		}
		switch strings.TrimSpace(name) {
		case "model name":
			model = strings.TrimSpace(value)
		case "flags":
			return model, strings.Contains(value+" ", " sha_ni ")
		case "Features": // arm64
			return model, strings.Contains(value+" ", " sha2 ")
		}
	}
	return model, false
}

func parseMemory(meminfo []byte) string {
	var kib int64
	if _, err := fmt.Sscanf(string(meminfo), "MemTotal: %d kB", &kib); err != nil {
		return unknown
	}
	return fmt.Sprintf("%.0f GiB", float64(kib)/(1<<20))
}

func parseSystem(osRelease []byte) string {
	for line := range strings.Lines(string(osRelease)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(v, `"`)
		}
	}
	return unknown
}

func parseLoad(loadavg []byte) string {
	f := strings.Fields(string(loadavg))
	if len(f) < 3 {
		return unknown
	}
	return strings.Join(f[:3], ", ")
}

// parseMounts returns the type of the file system that holds path: that of
// the longest mount point that path lies in.
func parseMounts(mounts []byte, path string) string {
	best, kind := -1, unknown
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		at := strings.ReplaceAll(f[1], `\040`, " ")
		inside := at == "/" || path == at || strings.HasPrefix(path, at+"/")
		if inside && len(at) >= best {
			best, kind = len(at), f[2]
		}
	}
	return kind
}

// neighbourModules are the versions that the other side was built from.
func neighbourModules() []string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var out []string
	for _, d := range info.Deps {
		switch d.Path {
		case "github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter",
			"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor",
			"github.com/zricethezav/gitleaks/v8",
			"go.opentelemetry.io/collector/pdata":
			out = append(out, d.Path+" "+d.Version)
		}
	}
	return out
}
