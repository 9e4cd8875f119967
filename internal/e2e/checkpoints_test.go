// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// The head of the chain leaves the host: the backend has checkpoints whose
// bodies open with the public key, and whose roots are those of the file. They
// are opened and computed here with code of others.
func TestCheckpointsReachTheBackend(t *testing.T) {
	w := newWorld(t)
	key := w.checkpointKey()
	backend := w.startBackend()
	o := w.options(backend.InsertURL())
	o.Overlays = []string{w.write("checkpoint.yaml", "exporters: {audit_chain: {checkpoint: {every: 1s}}}")}
	col := w.startCollector(o)
	var ids []string
	for range 3 {
		logs, more := batch(20)
		if err := postProto(w.ctx, col.HTTP, logs); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, more...)
	}
	w.waitForIDs(backend, ids)
	// One that pins all of them: they were acknowledged, so it will come.
	size := w.waitForCheckpoint(backend, key, uint64(len(ids)))

	// The one that is made at the end goes when the Collector starts again.
	if err := col.Stop(); err != nil {
		t.Error(err)
	}
	last := w.lines()
	w.startCollector(o)
	if end := w.waitForCheckpoint(backend, key, last-1); end <= size {
		t.Errorf("checkpoints of %d lines, and then of %d", size, end)
	}
	w.auditchain(0, "verify", w.journal())
}

// Without a key for checkpoints there are none, and the Collector runs all the
// same.
func TestNoCheckpointKey(t *testing.T) {
	w := newWorld(t)
	if err := os.Remove(w.key + ".checkpoint"); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	backend := w.startBackend()
	col := w.startCollector(w.options(backend.InsertURL()))
	logs, ids := batch(3)
	if err := postProto(w.ctx, col.HTTP, logs); err != nil {
		t.Fatal(err)
	}
	w.waitForIDs(backend, ids)
	if err := col.Stop(); err != nil {
		t.Error(err)
	}
	if rows, err := backend.Query(w.ctx, harness.Checkpoints); err != nil || len(rows) != 0 {
		t.Errorf("rows %v, %v", rows, err)
	}
	w.auditchain(0, "verify", w.journal())
}

// checkpointKey puts a key for checkpoints beside the chain's, where there is
// none yet, and returns its public key.
func (w *world) checkpointKey() integrity.PublicKey {
	w.t.Helper()
	path := w.key + ".checkpoint"
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		k, kerr := integrity.GenerateSigningKey(integrity.KindCheckpoint)
		if kerr != nil {
			w.t.Fatal(kerr)
		}
		text = k.Text()
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	k, err := integrity.ParseSigningKey(integrity.KindCheckpoint, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return k.Public()
}

// lines is how many lines the journal has, which is in one file.
func (w *world) lines() uint64 {
	w.t.Helper()
	text, err := os.ReadFile(w.journal())
	if err != nil {
		w.t.Fatal(err)
	}
	return uint64(bytes.Count(text, []byte("\n")))
}

// waitForCheckpoint waits until the backend has a checkpoint of at least so
// many lines, checks all that are there, and returns the largest size.
func (w *world) waitForCheckpoint(backend *harness.Logs, key integrity.PublicKey, atLeast uint64) (size uint64) {
	w.t.Helper()
	var rows []map[string]string
	err := harness.Until(w.ctx, "a checkpoint of "+strconv.FormatUint(atLeast, 10)+" lines at the backend", func(ctx context.Context) (bool, string, error) {
		var err error
		size = 0
		rows, err = backend.Query(ctx, harness.Checkpoints)
		for _, row := range rows {
			if n, err := strconv.ParseUint(row["audit.sequence.number"], 10, 64); err == nil {
				size = max(size, n)
			}
		}
		return size >= atLeast, strconv.Itoa(len(rows)) + " checkpoints, the largest of " + strconv.FormatUint(size, 10), err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, row := range rows {
		w.checkRow(row, key)
	}
	return size
}

// checkRow opens the note of a row, and compares it with the attributes and
// the file.
func (w *world) checkRow(row map[string]string, key integrity.PublicKey) {
	w.t.Helper()
	chain, err := integrity.ParseChainID(row["audit.sequence.stream_id"])
	if err != nil {
		w.t.Fatalf("row %v: %v", row, err)
	}
	verifier, err := note.NewVerifier(key.NoteKey(chain))
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := note.Open([]byte(row["_msg"]), note.VerifierList(verifier))
	if err != nil {
		w.t.Fatalf("%v: %q", err, row["_msg"])
	}
	text := strings.Split(n.Text, "\n")
	size, err := strconv.ParseInt(text[1], 10, 64)
	if err != nil || text[1] != row["audit.sequence.number"] {
		w.t.Fatalf("size %q, attribute %q", text[1], row["audit.sequence.number"])
	}
	root := w.root6962(size)
	if text[2] != base64.StdEncoding.EncodeToString(root[:]) || row["audit.integrity.value"] != integrity.Hash(root).String() {
		w.t.Errorf("the checkpoint of %d lines is not of the file: %v", size, row)
	}
}

// root6962 is the root of the first lines of the journal, which is in one file.
func (w *world) root6962(size int64) tlog.Hash {
	w.t.Helper()
	text, err := os.ReadFile(w.journal())
	if err != nil {
		w.t.Fatal(err)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = stored[at]
		}
		return out, nil
	})
	for i, line := range bytes.SplitN(text, []byte("\n"), int(size)+1)[:size] {
		payload := line[:bytes.LastIndex(line, []byte(`,"seq":`))]
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), sha256.Sum256(append([]byte{0}, payload...)), reader)
		if err != nil {
			w.t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		w.t.Fatal(err)
	}
	return root
}
