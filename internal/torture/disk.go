// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The scenes on a file system of their own run in a process with mounts of its own:
// nothing is left behind, and no other program sees the mounts. Where this process may
// not mount, one that is root in a user namespace may.
const sceneVar = "AUDITCHAIN_TORTURE_SCENE"

// smallDisk is the size of that file system, and ballast what fills most of it.
const (
	smallDisk = 1 << 20
	ballast   = 512 << 10
)

// sceneMode plays a scene when this process was started for one.
func sceneMode() bool {
	root := os.Getenv(sceneVar)
	if root == "" {
		return false
	}
	var o outcome
	w := &world{bin: os.Getenv("AUDITCHAIN_BIN"), root: root, key: os.Getenv("AUDITCHAIN_KEY_FILE"), keys: os.Getenv("AUDITCHAIN_TORTURE_KEYS"), progress: os.Stderr}
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	defer cancel()
	if err := w.diskFull(ctx, &o, os.Args[1] == "rotating", os.Args[2] == "long"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errNoMount) {
			os.Exit(exitNoMount)
		}
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(o); err != nil {
		os.Exit(2)
	}
	return true
}

// errNoMount: this machine lets nobody mount, and so the scene cannot be played.
var errNoMount = errors.New("no file system of its own can be mounted")

const exitNoMount = 3

func diskScenes(ctx context.Context, w *world, long bool) ([]*row, error) {
	var rows []*row
	for _, how := range []string{"one file", "rotating"} {
		r := &row{fault: "disk full (tmpfs), space freed, " + how}
		rows = append(rows, r)
		o, err := w.scene(ctx, how, long)
		switch {
		case errors.Is(err, errNoMount):
			r.skipped = err.Error()
			continue
		case err != nil:
			return nil, err
		}
		for _, p := range o.Problems {
			w.say("BAD disk full, %s: %s", how, p)
		}
		r.add(o)
	}
	return rows, nil
}

// scene plays the scene in a process with mounts of its own.
func (w *world) scene(ctx context.Context, how string, long bool) (o outcome, err error) {
	self, err := os.Executable()
	if err != nil {
		return o, err
	}
	dir := filepath.Join(w.root, fmt.Sprintf("disk-%d", w.next.Add(1)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return o, err
	}
	length := "short"
	if long {
		length = "long"
	}
	cmd := w.command(ctx, self, how, length)
	cmd.Env = append(cmd.Env, sceneVar+"="+dir, "AUDITCHAIN_BIN="+w.bin, "AUDITCHAIN_TORTURE_KEYS="+w.keys)
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	said := strings.TrimSpace(stderr.String())
	var exit *exec.ExitError
	switch {
	case err == nil:
	case !errors.As(err, &exit):
		// The namespaces are made when the process is started.
		return o, fmt.Errorf("%w: %w", errNoMount, err)
	case exit.ExitCode() == exitNoMount:
		return o, fmt.Errorf("%w: %s", errNoMount, strings.TrimPrefix(said, errNoMount.Error()+": "))
	default:
		return o, fmt.Errorf("%w: %s", err, said)
	}
	return o, json.Unmarshal(stdout.Bytes(), &o)
}

// diskFull fills a disk under a writer, frees space, and lets the same process go on,
// with records of many sizes: so that the disk gets full at every place of a commit.
func (w *world) diskFull(ctx context.Context, o *outcome, rotating, long bool) error {
	// Mounts of this process must not spread to others.
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("%w: %w", errNoMount, err)
	}
	if err := syscall.Mount("tmpfs", w.root, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", smallDisk)); err != nil {
		return fmt.Errorf("%w: %w", errNoMount, err)
	}
	cycles, maxSize := 4, 0
	if long {
		cycles = 60
	}
	if rotating {
		maxSize = 16 << 10
	}
	for cycle := range cycles {
		dir := filepath.Join(w.root, fmt.Sprint(cycle))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if cycle%2 == 0 {
			if err := copyFolder(w.keys, dir); err != nil {
				return err
			}
		}
		if err := w.fill(ctx, o, filepath.Join(dir, "audit.jsonl"), maxSize, 700+cycle*137); err != nil {
			return err
		}
		if o.bad() {
			return nil
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// fill is one writer on a full disk, which is full before its first opening, and later
// once more.
func (w *world) fill(ctx context.Context, o *outcome, path string, maxSize, size int) error {
	var once outcome
	stuff := filepath.Join(filepath.Dir(path), "ballast")
	// The whole disk: not even an empty journal can be begun.
	if err := occupy(stuff, 2*smallDisk); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk does not get full: %w", err)
	}
	h, err := w.startHelper(ctx, &once, path, maxSize)
	if err != nil {
		return err
	}
	first := h.fresh()
	if h.try(first, size) == nil {
		once.problem("a journal was begun on a full disk")
	} else {
		once.Hits++
	}
	if err := os.Remove(stuff); err != nil {
		return err
	}
	if err := occupy(stuff, ballast); err != nil {
		return err
	}
	if h.must("after the disk was full at the opening", first, size) {
		const most = 2 * smallDisk
		for written := 0; written < most; written += size {
			id := h.fresh()
			if h.try(id, size) == nil {
				continue
			}
			once.Hits++
			for range 3 {
				_ = h.try(id, size) // it stays full; smaller ones may still fit
				_ = h.try(h.fresh(), 1)
			}
			if err := os.Remove(stuff); err != nil {
				return err
			}
			if !h.must("after space was freed", id, size) {
				break
			}
			for range 20 {
				if !h.must("after space was freed", h.fresh(), size/2) {
					break
				}
			}
			break
		}
		if once.Hits < 2 {
			once.problem("the disk did not get full")
		}
	}
	h.end(ctx, w, path)
	o.Hits += once.Hits
	o.Acknowledged += once.Acknowledged
	o.Lost += once.Lost
	o.Duplicated += once.Duplicated
	o.Verdict = once.Verdict
	for _, p := range once.Problems {
		o.problem("records of %d bytes: %s", size, p)
	}
	return nil
}

// occupy writes a file of n bytes, or as many as there is room for.
func occupy(name string, n int) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, n))
	return errors.Join(err, f.Close())
}
