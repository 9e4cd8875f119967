// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// crashHistories is how many random histories of the crash model the long form
// lets happen. The short form of them is a test of package journal.
const crashHistories = 20_000

// crashModel runs the journal on a disk in memory that loses power
// (internal/vfs/crashfs), which no real machine can be made to do thousands of
// times. It is part of the long form only, and needs the go command and the
// sources.
func crashModel(ctx context.Context, w *world, long bool) ([]*row, error) {
	if !long {
		return nil, nil
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout=60m", "-run=^TestCrashes", "-v", "github.com/auditchain/auditchain/audit/journal")
	cmd.Env = append(os.Environ(), fmt.Sprintf("AUDITCHAIN_CRASH_HISTORIES=%d", crashHistories))
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.say("%s", out)
		return nil, fmt.Errorf("the crash model: %w", err)
	}
	return crashRows(out)
}

// crashRows reads the table that TestCrashes prints.
func crashRows(out []byte) ([]*row, error) {
	var rows []*row
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		cells := strings.Split(s.Text(), "|")
		if len(cells) != 8 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		injected, err := strconv.Atoi(cells[2])
		if err != nil {
			continue // the head of the table
		}
		r := &row{fault: "crash model: " + cells[1], injected: injected, verdicts: map[string]int{}}
		for i, to := range map[int]*int{3: &r.acknowledged, 4: &r.lost, 5: &r.duplicated} {
			if *to, err = strconv.Atoi(cells[i]); err != nil {
				return nil, fmt.Errorf("the table of the crash model: %q", s.Text())
			}
		}
		for _, v := range strings.Split(cells[6], "; ") {
			name, count, _ := cutLast(v, " ")
			n, err := strconv.Atoi(count)
			if err != nil {
				return nil, fmt.Errorf("the table of the crash model: %q", s.Text())
			}
			r.verdicts[name] = n
		}
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("the crash model printed no table")
	}
	return rows, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
