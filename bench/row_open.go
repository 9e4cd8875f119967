// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// smallJournal is the journal that opening a large one is compared with.
const smallJournal = 10

// rowOpen: opening a journal, appending one record and closing it, as a
// command that logs one event does. It must not cost more in a large journal.
func rowOpen(ctx context.Context, e *env) (_ []result, err error) {
	text, err := os.ReadFile(e.keyFile)
	if err != nil {
		return nil, err
	}
	key, err := integrity.ParseKey(text)
	if err != nil {
		return nil, err
	}
	dir, err := e.freshFolder()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	opened := &opener{options: func(string) (journal.Options, error) { return journal.Options{Key: key}, nil }}
	small, large := filepath.Join(dir, "small.jsonl"), filepath.Join(dir, "large.jsonl")
	onSmall, onLarge := filepath.Join(dir, "small", "audit.jsonl"), filepath.Join(dir, "large", "audit.jsonl")
	for _, path := range []string{onSmall, onLarge} {
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if _, err := e.newKeys(ctx, filepath.Dir(path)); err != nil {
			return nil, err
		}
	}
	on := &opener{options: evidenceOptions}
	if err := errors.Join(
		opened.fill(ctx, small, smallJournal), opened.fill(ctx, large, e.scale.openRecords),
		on.fill(ctx, onSmall, smallJournal), on.fill(ctx, onLarge, e.scale.openRecords),
	); err != nil {
		return nil, err
	}
	var cs []comparison
	for _, withID := range []bool{false, true} {
		for _, mode := range []string{"always", "never"} {
			fsync, err := journal.ParseFsync(mode)
			if err != nil {
				return nil, err
			}
			at := func(o *opener, path string, records int) contender {
				return contender{fmt.Sprintf("%d records", records), func(ctx context.Context) (sample, error) {
					return o.figure(ctx, path, fsync, withID, e.scale.openRepeats)
				}}
			}
			cs = append(cs,
				comparison{label: openLabel(withID, mode), unit: microseconds,
					a: at(opened, small, smallJournal), b: at(opened, large, e.scale.openRecords)},
				comparison{label: openLabel(withID, mode) + ", everything on", unit: microseconds,
					a: at(on, onSmall, smallJournal), b: at(on, onLarge, e.scale.openRecords)})
		}
	}
	out, err := e.run(ctx, "open", cs)
	if err != nil {
		return nil, err
	}
	return out, errors.Join(e.verifyJournal(ctx, small), e.verifyJournal(ctx, large),
		e.verifyWith(ctx, e.keys.verification, onSmall), e.verifyWith(ctx, e.keys.verification, onLarge))
}

func openLabel(withID bool, mode string) string {
	kind := "a record without an id"
	if withID {
		kind = "a record with its own id"
	}
	return kind + ", fsync " + mode
}

type opener struct {
	// options are those of the journal at path, but for the fsync mode.
	options func(path string) (journal.Options, error)
	n       uint64
}

// evidenceOptions turn everything on, with the keys that newKeys put beside
// the journal.
func evidenceOptions(path string) (o journal.Options, err error) {
	at := keyfile.Source{File: filepath.Join(filepath.Dir(path), "audit.key")}
	if _, o.Keys, err = keyfile.OpenKeys(at); err != nil {
		return o, err
	}
	o.Checkpoint.Signer, err = keyfile.BesideKey(at)
	if err == nil && o.Checkpoint.Signer.IsZero() {
		err = errors.New("there is no checkpoint key beside the key file")
	}
	return o, err
}

func (o *opener) open(ctx context.Context, path string, fsync journal.FsyncMode) (*journal.Journal, error) {
	opts, err := o.options(path)
	if err != nil {
		return nil, err
	}
	opts.Fsync = fsync
	return journal.Open(ctx, path, opts)
}

// fill makes a journal of that many records.
func (o *opener) fill(ctx context.Context, path string, records int) (err error) {
	j, err := o.open(ctx, path, journal.FsyncNever)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	for records > 0 {
		n := min(records, 1000)
		if err := o.appendTo(ctx, j, n, true); err != nil {
			return err
		}
		records -= n
	}
	return nil
}

func (o *opener) appendTo(ctx context.Context, j *journal.Journal, n int, withID bool) error {
	recs := make([]journal.Record, n)
	for i := range recs {
		recs[i] = o.record(withID)
	}
	receipts := make([]journal.Receipt, n)
	if err := j.Append(ctx, recs, receipts); err != nil {
		return err
	}
	for i := range receipts {
		if err := receipts[i].Err; err != nil {
			return err
		}
		if receipts[i].Duplicate {
			return errors.New("the journal takes a new record for one that it has")
		}
	}
	return nil
}

// record is a small record. With an id of its own, the journal must look for
// it among those that it has; else the id is taken for one that a sink made.
func (o *opener) record(withID bool) journal.Record {
	o.n++
	id := recordID(o.n)
	content := fmt.Sprintf(`{"timestamp":"2026-11-23T10:15:00.000000000Z","session_id":"","event":{"type":"log"},"event_name":"","id":"%s",`+
		`"severity":9,"body":"object %d stored by the agent for the nightly run","attributes":{"audit.actor.id":"carol@corp.example","audit.outcome":"success"}`, id, o.n)
	filled := ""
	if !withID {
		filled = `,"filled":["id"]`
	}
	payload := []byte(content + `,"observed":"2026-11-23T10:15:00.000037000Z"` + filled + `,"blind":"AAAAAAAAAAAAAAAAAAAAAA"`)
	return journal.Record{Payload: payload, Leaf: integrity.Leaf(payload), ID: uuid.MustParse(id), Idempotent: withID, ContentFrom: 0, ContentTo: len(content)}
}

// figure is the median time of one opening, in microseconds.
func (o *opener) figure(ctx context.Context, path string, fsync journal.FsyncMode, withID bool, repeats int) (sample, error) {
	took := make([]float64, repeats)
	for i := range took {
		start := time.Now()
		j, err := o.open(ctx, path, fsync)
		if err != nil {
			return sample{}, err
		}
		if err := errors.Join(o.appendTo(ctx, j, 1, withID), j.Close()); err != nil {
			return sample{}, err
		}
		took[i] = float64(time.Since(start)) / float64(time.Microsecond)
	}
	return sample{figure: median(took)}, nil
}
