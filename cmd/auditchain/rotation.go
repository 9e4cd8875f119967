// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/internal/bytesize"
)

// rotationOptions are the flags of a command that writes about files that are
// finished.
type rotationOptions struct {
	maxSize  bytesize.Size
	maxAge   time.Duration
	compress bool
	keep     int
	keepFor  time.Duration
}

func rotationFlags(cmd *cobra.Command, o *rotationOptions) {
	f := cmd.Flags()
	f.Var(&o.maxSize, "max-size", "finish a file that would grow beyond this, such as 256MiB (0: no limit)")
	f.DurationVar(&o.maxAge, "max-age", 0, "finish a file that was begun longer ago, such as 24h (0s: no limit)")
	f.BoolVar(&o.compress, "compress", false, "write finished files anew as zstd")
	f.IntVar(&o.keep, "keep", 0, "remove the oldest finished files beyond so many (0: keep all)")
	f.DurationVar(&o.keepFor, "keep-for", 0, "remove finished files whose last record is older, such as 2160h (0s: keep all)")
}

// leastMaxSize: below it, a number without its unit was meant, 256 for 256MiB.
const leastMaxSize = 4 * bytesize.KiB

func (o *rotationOptions) rotation() (journal.Rotation, error) {
	var none journal.Rotation
	switch {
	case o.maxSize > 0 && o.maxSize < leastMaxSize:
		return none, usagef("--max-size %v is below %v; write a size such as 256MiB", o.maxSize, leastMaxSize)
	case o.maxAge < 0 || o.maxAge > 0 && o.maxAge < time.Second:
		return none, usagef("--max-age %v is below 1s; write a duration such as 24h", o.maxAge)
	case o.keep < 0:
		return none, usagef("--keep %d is negative", o.keep)
	case o.keepFor < 0 || o.keepFor > 0 && o.keepFor < time.Second:
		return none, usagef("--keep-for %v is below 1s; write a duration such as 2160h, for 90 days", o.keepFor)
	case (o.keep > 0 || o.keepFor > 0) && o.maxSize == 0 && o.maxAge == 0:
		return none, usagef("--keep and --keep-for are about finished files, and there are none without --max-size or --max-age")
	}
	return journal.Rotation{
		MaxSize: int64(o.maxSize), MaxAge: o.maxAge, Compress: o.compress, Keep: o.keep, KeepFor: o.keepFor,
	}, nil
}

// notes is standard error while a journal is open: the journal may report from
// a goroutine of its own.
type notes struct {
	mu   sync.Mutex
	w    io.Writer
	last string // guarded by mu
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.w.Write(p)
}

// report prints what the journal says beside its commits. What goes wrong in
// the same way with every commit is printed once.
func (n *notes) report(err error) {
	text := cleanText(err.Error())
	n.mu.Lock()
	defer n.mu.Unlock()
	if text == n.last {
		return
	}
	n.last = text
	fmt.Fprintf(n.w, "journal: %s\n", text)
}
