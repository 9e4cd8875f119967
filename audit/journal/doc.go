// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package journal is the durable files: a chain of records as JSON lines, in
// one file or in several, as docs/SPEC.md describes them.
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
// processes of one machine may append to one journal. Opening and appending
// cost the same whatever its size.
//
// A journal goes on by itself: after an error of Append, the next one looks at
// the disk anew. A crash leaves at most an unfinished end behind the last
// acknowledged record, which is set aside, and the chain says so. What a disk
// refused to sync is given up with its file, and never claimed. A file that
// was cut, altered, replaced or taken away is left as it was found, and a
// chain.break in a new file says for ever what was found: Options.Report gets
// ErrBroken, and Verify says what the chain is worth. Only another chain in
// the place of this one (ErrReplaced) needs another Open.
//
// Options.Keys is where a key comes from that steps and can be changed: then who
// takes over the host cannot alter what was sealed in earlier epochs.
// Options.Checkpoint has the journal seal signed checkpoints of itself, which
// Verify and Prove go by, and hands a copy of each on when it is durable. Erase
// takes the payload of a record out by a signed order, and leaves a tombstone.
//
// Options.Rotation begins new files by size and age, compresses finished ones,
// and removes the oldest within what the first record of the chain allows.
// NewReader reads all files of a journal in order, a Follower as they are
// acknowledged, and Verify judges them, while writers go on.
//
// Not guaranteed: that nobody deletes or replaces files (it is noticed, not
// prevented), that an older copy of all of them, key file and all, is noticed
// by who kept no checkpoint, and anything about
// records that were not acknowledged, or on a network file system.
// docs/THREATS.md has the whole list.
//
// How a commit goes: producers encode and hash their records without a lock.
// One of those that wait in Append takes all that is waiting, locks, checks
// that the file is as it was left (if another process wrote in between, that
// part alone is read), computes the tags, writes, syncs once, writes the
// watermark, unlocks and wakes the others.
package journal
