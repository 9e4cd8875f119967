// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// The README's blocks are exercised by what the line that opens them says:
//
//	```sh runnable    run, in order, in a copy of the checkout with bin/ in the PATH
//	```sh             not run; the make targets that it names must exist
//	```yaml           loaded by the Collector: by itself if it has `receivers` and
//	                  `exporters`, else merged over collector-config.yaml; a part of a builder
//	                  configuration must name what builder-config.yaml names
//
// Blocks of other languages are left alone.

// block is a fenced block of a Markdown file.
type block struct {
	info string // what follows the fence, such as "sh runnable"
	text string
	line int // of the fence
}

func (b block) is(language string) bool {
	words := strings.Fields(b.info)
	return len(words) > 0 && words[0] == language
}

func (b block) runnable() bool {
	return b.is("sh") && slices.Contains(strings.Fields(b.info), "runnable")
}

// blocks extracts the fenced blocks of a Markdown text.
func blocks(markdown string) []block {
	var out []block
	var open *block
	for i, line := range strings.Split(markdown, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case open == nil && strings.HasPrefix(trimmed, "```"):
			open = &block{info: strings.TrimPrefix(trimmed, "```"), line: i + 1}
		case open != nil && trimmed == "```":
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return out
}

func TestBlocks(t *testing.T) {
	got := blocks("a\n```sh runnable\nx\n\ny\n```\nb\n```yaml\nk: v\n```\n```\nplain\n```\n")
	want := []block{{"sh runnable", "x\n\ny\n", 2}, {"yaml", "k: v\n", 8}, {"", "plain\n", 11}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !got[0].runnable() || got[1].runnable() || !got[1].is("yaml") || got[2].is("sh") {
		t.Error("blocks are taken for what they are not")
	}
}

// readme is the README's blocks.
func (w *world) readme() []block {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.root, "README.md"))
	if err != nil {
		w.t.Fatal(err)
	}
	return blocks(string(text))
}

func TestREADMECommands(t *testing.T) {
	w := newWorld(t)
	all := w.readme()
	if !slices.ContainsFunc(all, block.runnable) {
		t.Fatal("README.md has no block that begins with ```sh runnable")
	}
	checkout := w.copyOfCheckout()
	for _, b := range all {
		if !b.runnable() {
			continue
		}
		cmd := exec.CommandContext(w.ctx, "bash", "-euo", "pipefail", "-c", b.text)
		cmd.Dir = checkout
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
			return strings.HasPrefix(v, "AUDITCHAIN_")
		}), "PATH="+w.bin.Dir()+string(os.PathListSeparator)+os.Getenv("PATH"), "NO_COLOR=1")
		res, err := harness.Run(cmd)
		if err != nil {
			t.Fatal(err)
		}
		if res.Code != 0 {
			t.Fatalf("README.md:%d: exit code %d\n%s\n%s%s", b.line, res.Code, b.text, res.Stdout, res.Stderr)
		}
	}
}

var makeCommand = regexp.MustCompile(`(?m)(?:^|[;&|(]|\$)\s*make ((?:[a-z][a-z-]*[ \t]*)+)`)

func TestREADMEMakeTargets(t *testing.T) {
	w := newWorld(t)
	makefile, err := os.ReadFile(filepath.Join(w.root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, b := range w.readme() {
		if !b.is("sh") {
			continue
		}
		for _, match := range makeCommand.FindAllStringSubmatch(b.text, -1) {
			for _, target := range strings.Fields(match[1]) {
				found++
				if !strings.Contains(string(makefile), "\n"+target+":") {
					t.Errorf("README.md:%d: make %s: there is no such target", b.line, target)
				}
			}
		}
	}
	if found == 0 {
		t.Error("README.md names no make target in any of its sh blocks")
	}
}

var gomod = regexp.MustCompile(`gomod:\s*(\S+)(?:\s+(v\S+))?`)

func TestREADMEConfigurations(t *testing.T) {
	w := newWorld(t)
	builder, err := os.ReadFile(filepath.Join(w.root, "builder-config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, b := range w.readme() {
		if !b.is("yaml") {
			continue
		}
		found++
		if modules := gomod.FindAllStringSubmatch(b.text, -1); modules != nil {
			for _, m := range modules {
				if !strings.Contains(string(builder), "gomod: "+m[1]+" ") {
					t.Errorf("README.md:%d: module %s is not in builder-config.yaml", b.line, m[1])
				}
			}
			continue
		}
		w.loads("README.md", b)
	}
	if found == 0 {
		t.Error("README.md has no yaml block")
	}
}

// The configurations in the document about checkpoints load too.
func TestCheckpointsConfigurations(t *testing.T) {
	w := newWorld(t)
	text, err := os.ReadFile(filepath.Join(w.root, "docs", "CHECKPOINTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, b := range blocks(string(text)) {
		if b.is("yaml") {
			found++
			w.loads("CHECKPOINTS.md", b)
		}
	}
	if found < 3 {
		t.Errorf("CHECKPOINTS.md has %d yaml blocks", found)
	}
}

var whole = []*regexp.Regexp{regexp.MustCompile(`(?m)^receivers:`), regexp.MustCompile(`(?m)^exporters:`)}

// loads insists that the Collector takes a block, by itself or merged.
func (w *world) loads(name string, b block) {
	w.t.Helper()
	configs := []string{w.write("block.yaml", b.text)}
	for _, has := range whole {
		if !has.MatchString(b.text) {
			configs = []string{filepath.Join(w.root, "collector-config.yaml"), configs[len(configs)-1]}
		}
	}
	if res := w.validate(configs...); res.Code != 0 {
		w.t.Errorf("%s:%d: exit code %d\n%s\n%s", name, b.line, res.Code, b.text, res.Stderr)
	}
}

// copyOfCheckout copies what a clone would have, with bin/ beside it.
func (w *world) copyOfCheckout() string {
	w.t.Helper()
	to := filepath.Join(w.dir, "checkout")
	err := filepath.WalkDir(w.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(w.root, path)
		if err != nil {
			return err
		}
		switch rel {
		case ".git", ".build", "bin", "data":
			if entry.IsDir() {
				return filepath.SkipDir
			}
		}
		switch {
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, info.Mode().Perm()|0o200)
	})
	if err != nil {
		w.t.Fatal(fmt.Errorf("copy the checkout: %w", err))
	}
	if err := os.Symlink(w.bin.Dir(), filepath.Join(to, "bin")); err != nil {
		w.t.Fatal(err)
	}
	return to
}
