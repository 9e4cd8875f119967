// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/klauspost/compress/zstd"
)

// handmade is a journal that a test writes by hand, step by step, so that it
// can stop where a writer would not.
type handmade struct {
	testing.TB
	dir, path string
	key       integrity.Key
	chain     integrity.ChainID
	sealer    *integrity.Sealer
	at        integrity.Position // behind the last line
	gen       uint64
}

func handmadeKey(t testing.TB, fill byte) integrity.Key {
	t.Helper()
	key, err := integrity.NewKey(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newHandmade(t testing.TB) *handmade {
	t.Helper()
	h := &handmade{TB: t, dir: t.TempDir(), key: handmadeKey(t, 'k'), chain: integrity.ChainID{1, 2, 3}}
	h.path = filepath.Join(h.dir, "audit.jsonl")
	h.genesis()
	return h
}

func (h *handmade) check(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *handmade) genesis() {
	h.sealer = integrity.NewSealer(h.key, h.chain)
	h.at, h.gen = integrity.Position{First: 1}, 0
	h.add(integrity.ControlPayload(integrity.NewGenesis(h.chain, h.key, time.Unix(0, 0))))
}

// write appends raw bytes to the file that is being written.
func (h *handmade) write(b []byte) {
	h.Helper()
	f, err := os.OpenFile(h.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	h.check(err)
	_, err = f.Write(b)
	h.check(err)
	h.check(f.Close())
}

func (h *handmade) line(payload []byte) []byte {
	h.at.Seq++
	h.at.MAC = h.sealer.MAC(h.at.MAC, h.at.Seq, integrity.Leaf(payload))
	b := integrity.AppendSuffix(bytes.Clone(payload), h.at.Seq, h.at.MAC)
	h.at.Size += int64(len(b))
	return b
}

func (h *handmade) add(payload []byte) {
	h.Helper()
	h.write(h.line(payload))
}

// records appends n records.
func (h *handmade) records(n int) {
	h.Helper()
	var b []byte
	for range n {
		b = append(b, h.line([]byte(fmt.Sprintf(`{"timestamp":"2026-11-24T10:15:00.000000000Z","session_id":"s%d","event":{"type":"log"}`, h.at.Seq+1)))...)
	}
	h.write(b)
}

// mark writes the watermark.
func (h *handmade) mark() {
	h.Helper()
	h.gen++
	head := integrity.Head{Generation: h.gen, Chain: h.chain, Position: h.at, Time: time.Unix(1, 0)}
	f, err := os.OpenFile(h.path+headSuffix, os.O_CREATE|os.O_WRONLY, 0o600)
	h.check(err)
	_, err = f.WriteAt(head.AppendSlot(nil, integrity.NewHeadKey(h.key, h.chain)), int64(h.gen%2)*integrity.SlotSize)
	h.check(err)
	h.check(f.Close())
}

// finish renames the file that is being written, the first step of a rotation.
func (h *handmade) finish() string {
	h.Helper()
	name := segmentPath(h.path, h.at.First)
	h.check(os.Rename(h.path, name))
	return name
}

// segmentLine is the first line of the next file.
func (h *handmade) segmentLine(reason string) []byte {
	before := h.at
	h.at.First, h.at.Size = h.at.Seq+1, 0
	return h.line(integrity.ControlPayload(integrity.Segment{
		Control: integrity.ControlSegment, Time: integrity.FormatTime(time.Unix(2, 0)), Writer: "w", Format: 1,
		Chain: h.chain, KeyID: h.key.ID(), KeyMode: h.key.Mode(), Reason: reason, Previous: before,
	}))
}

// rotate is a whole rotation, but for the watermark.
func (h *handmade) rotate() string {
	h.Helper()
	name := h.finish()
	h.write(h.segmentLine(integrity.SegmentSize))
	return name
}

// compress replaces a finished segment by its compressed form.
func (h *handmade) compress(name string) string {
	h.Helper()
	b, err := os.ReadFile(name)
	h.check(err)
	z, err := zstd.NewWriter(nil)
	h.check(err)
	h.check(os.WriteFile(name+compressedSuffix, z.EncodeAll(b, nil), 0o600))
	h.check(os.Remove(name))
	return name + compressedSuffix
}

// edit changes a file.
func (h *handmade) edit(name string, change func([]byte) []byte) {
	h.Helper()
	b, err := os.ReadFile(name)
	h.check(err)
	h.check(os.WriteFile(name, change(b), 0o600))
}

// runs writes sequence numbers that follow each other as 3-7.
func runs(events []string) string {
	var out []string
	var from, to uint64
	flush := func() {
		switch {
		case from == 0:
		case from == to:
			out = append(out, fmt.Sprint(from))
		default:
			out = append(out, fmt.Sprintf("%d-%d", from, to))
		}
		from, to = 0, 0
	}
	for _, e := range events {
		var seq uint64
		if n, _ := fmt.Sscanf(e, "seq %d", &seq); n == 1 {
			if from > 0 && seq == to+1 {
				to = seq
				continue
			}
			flush()
			from, to = seq, seq
			continue
		}
		flush()
		out = append(out, e)
	}
	flush()
	return strings.Join(out, ", ")
}
