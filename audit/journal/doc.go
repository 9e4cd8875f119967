// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package journal is the durable file: a chain of records as JSON lines, as
// docs/SPEC.md describes them.
//
//	j, err := journal.Open(ctx, "audit.jsonl", journal.Options{Key: key})
//	…
//	err = j.Append(ctx, records, receipts)
//	…
//	err = j.Close()
//
// Guaranteed, with fsync "always": a record whose receipt came back is on
// disk, once, in the place that the receipt says, and stays there through a
// crash of the process or of the machine. Any number of goroutines and
// processes may append to one file. Opening and appending cost the same
// whatever the file's size. A crash leaves at most an unfinished end behind
// the last acknowledged record; the next opening sets its bytes aside and
// says so in the chain.
//
// Not guaranteed: that nobody deletes or replaces the file (it is noticed,
// not prevented), and anything about records that were not acknowledged.
//
// How a commit goes: producers encode and hash their records without a lock.
// One of those that wait in Append takes all that is waiting, locks, checks
// that the file is as it was left (if another process wrote in between, that
// part alone is read), computes the tags, writes once, syncs once, writes the
// watermark, unlocks and wakes the others.
package journal
