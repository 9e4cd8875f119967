// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/klauspost/compress/zstd"
)

// Erasures and other signers in the histories, and what whoever has all keys,
// or none but the public one, makes of a journal that was erased from.

// crashErased is a record that was ordered to be erased.
type crashErased struct {
	rec  journal.Record
	done bool // Erase said so
	anew bool // and it was sealed again, because its id was not known any more
}

func crashErasureKey() integrity.SigningKey {
	k, err := integrity.NewSigningKey(integrity.KindErasure, bytes.Repeat([]byte{'e'}, 32))
	if err != nil {
		panic(err)
	}
	return k
}

// erase orders that a few acknowledged records are erased.
func (h *crashHistory) erase(j *journal.Journal) error {
	var orders []journal.Erasure
	for range 1 + h.rng.IntN(3) {
		if len(h.resend) == 0 {
			break
		}
		rec := h.resend[h.rng.IntN(len(h.resend))]
		p, ok := h.acked[rec.ID]
		if !ok || h.ordered[p.seq] != nil {
			continue
		}
		orders = append(orders, journal.Erasure{Seq: p.seq, Who: "alice@example", Reason: "request 17", Key: crashErasureKey()})
		h.ordered[p.seq], h.orders = &crashErased{rec: rec}, true
		h.resend = slices.DeleteFunc(h.resend, func(r journal.Record) bool { return r.ID == rec.ID })
	}
	results, err := j.Erase(context.Background(), orders)
	h.note("erase %d (%v): %v", len(orders), seqsOf(orders), err)
	switch {
	case err == nil:
		if len(results) != len(orders) {
			return fmt.Errorf("%w: %d results of %d erasures", errFinding, len(results), len(orders))
		}
		for _, o := range orders {
			h.ordered[o.Seq].done = true
			h.tally.erased++
		}
	case errors.Is(err, journal.ErrPruned) && h.opts.Rotation.Keep > 0:
	case !h.excused():
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

func seqsOf(orders []journal.Erasure) (seqs []uint64) {
	for _, o := range orders {
		seqs = append(seqs, o.Seq)
	}
	return seqs
}

// erasedAgain adds a record that was ordered to be erased.
func (h *crashHistory) erasedAgain(recs []journal.Record) []journal.Record {
	var least uint64 // the order of a map is not that of the seed
	for seq, e := range h.ordered {
		if !e.anew && (least == 0 || seq < least) {
			least = seq
		}
	}
	if least == 0 {
		return recs
	}
	return append(recs, h.ordered[least].rec)
}

// wasErased reports whether a receipt is that of a record that was ordered to be
// erased and is not there any more: it is refused, or, where its id is not
// known any more, sealed like a new one.
func (h *crashHistory) wasErased(seq uint64, known bool, rc *journal.Receipt) bool {
	e := h.ordered[seq]
	if !known || e == nil || rc.Duplicate {
		return false
	}
	if errors.Is(rc.Err, journal.ErrErased) {
		return true
	}
	if rc.Err != nil || h.stands(seq) {
		return false
	}
	e.anew = true
	delete(h.acked, rc.ID)
	return true
}

// maybeAnew is for a commit that failed: what was erased may have been sealed
// again in it.
func (h *crashHistory) maybeAnew(recs []journal.Record) {
	for _, e := range h.ordered {
		for i := range recs {
			e.anew = e.anew || recs[i].ID == e.rec.ID
		}
	}
}

// stands reports whether a line has its payload on the disk.
func (h *crashHistory) stands(seq uint64) bool {
	chain, err := chainOnDisk(h.disk, h.path)
	if err != nil || len(chain) == 0 || seq < chain[0].Seq || seq-chain[0].Seq >= uint64(len(chain)) {
		return false
	}
	return chain[seq-chain[0].Seq].Kind != integrity.Tombstone
}

// checkErased makes sure that what is erased stays so, and that nothing else is.
func (h *crashHistory) checkErased(chain []integrity.Line, tombs map[uint64]bool) error {
	if len(chain) == 0 {
		return nil
	}
	h.tally.tombstones += len(tombs)
	sealed := map[uint64]bool{}
	for _, l := range chain {
		var e integrity.Erased
		if l.ControlName() == integrity.ControlErased && integrity.ParseControl(l.Payload, &e) == nil {
			sealed[e.Line] = true
		}
	}
	for seq := range tombs {
		if h.ordered[seq] == nil || !sealed[seq] {
			return fmt.Errorf("%w: line %d is erased (ordered %v, sealed %v)", errLost, seq, h.ordered[seq] != nil, sealed[seq])
		}
	}
	var done []uint64
	for seq, e := range h.ordered {
		if e.done && seq >= chain[0].Seq {
			if !tombs[seq] {
				return fmt.Errorf("%w: line %d was erased, and is there", errFinding, seq)
			}
			if !e.anew {
				done = append(done, seq)
			}
		}
	}
	if len(done) == 0 {
		return nil
	}
	return h.checkGone(done)
}

// checkGone looks for records that are erased in all files on the disk.
func (h *crashHistory) checkGone(seqs []uint64) error {
	dir := filepath.Dir(h.path)
	names, err := h.disk.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		b, err := h.disk.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if strings.Contains(name, ".zst") {
			z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return err
			}
			b, _ = io.ReadAll(z) // a copy that is not whole ends somewhere
			z.Close()
		}
		for _, seq := range seqs {
			if id := h.ordered[seq].rec.ID; bytes.Contains(b, []byte(id.String())) {
				return fmt.Errorf("%w: line %d, record %s, was erased, and %q still has it", errFinding, seq, id, name)
			}
		}
	}
	return nil
}

// changeSigner is what `auditchain key rotate --new-checkpoint-key` does.
func (h *crashHistory) changeSigner(which int) error {
	// Who signs with one that is not the chain's any more has to be started
	// anew first.
	if with := h.signsWith[which]; with.IsZero() || with.Public() != h.signer.Public() {
		return nil
	}
	if h.incoming.IsZero() {
		seed := make([]byte, 32)
		for i := range seed {
			seed[i] = byte(h.rng.Uint32())
		}
		k, err := integrity.NewSigningKey(integrity.KindCheckpoint, seed)
		if err != nil {
			return err
		}
		h.incoming = k
	}
	err := h.journals[which].RotateSigner(context.Background(), h.incoming)
	h.note("signer %s: %v", h.incoming.ID(), err)
	if err != nil {
		if !h.excused() {
			return fmt.Errorf("another signer: %w", err)
		}
		return nil
	}
	h.signer, h.incoming = h.incoming, integrity.SigningKey{}
	h.signsWith[which] = h.signer
	h.tally.signers++
	return nil
}

// inForce reports whether a chain says that a key was in force in it.
func inForce(chain []integrity.Line, id string) bool {
	for _, l := range chain {
		var says struct {
			KeyID string `json:"key_id"`
		}
		if l.Kind == integrity.Control && integrity.ParseControl(l.Payload, &says) == nil && says.KeyID == id {
			return true
		}
	}
	return false
}

// judgeWhole lets journal.Verify judge the journal on the disk as an auditor
// would: with all keys, as they were at first, the key file, the public key of
// the checkpoints and every one of them that was given away; and without a
// secret. A crash contradicts none of it.
func (h *crashHistory) judgeWhole(when string, chain []integrity.Line) error {
	if len(chain) == 0 || !h.begun {
		return nil
	}
	o := journal.VerifyOptions{FS: h.disk, Workers: 1}
	key := h.opts.Key
	if h.keys != nil {
		kept, err := h.keptKey()
		if err != nil {
			return err
		}
		// The one in force first, as `auditchain verify` has it from the key file;
		// not one that a change did not get to, which could as well have been cut
		// off with what it sealed.
		for _, k := range h.keys {
			switch {
			case k.Same(kept.Key):
				key = k
			case inForce(chain, k.ID()):
				o.Keys = append(o.Keys, k)
			}
		}
		o.State = kept
	}
	if h.signs {
		o.PublicKey = h.publicKey(chain)
		for _, p := range h.given.all() {
			if p.Size+1 < chain[0].Seq {
				// It pins nothing, and retention may have removed what said whose it is.
				continue
			}
			o.Given = append(o.Given, integrity.Given{Name: fmt.Sprint(p.Size), Note: p.Note})
		}
	}
	tail := false
	for _, k := range []integrity.Key{key, {}} {
		if k.IsZero() {
			if !h.signs {
				break
			}
			o.Keys, o.State = nil, integrity.KeyState{}
		}
		r, err := journal.Verify(context.Background(), h.path, k, o)
		if err != nil {
			return fmt.Errorf("%s: %w: verify: %w", when, errFinding, err)
		}
		if !k.IsZero() {
			tail = r.TailBytes > 0
		}
		finding := errFinding
		switch {
		case r.Verdict == integrity.Verified, r.Verdict == integrity.VerifiedCrashTail:
			finding = nil
		case k.IsZero() && tail && r.Verdict == integrity.Tampered && r.First().Kind == integrity.IllFormed:
			// What a power failure left of the last writes, in any order: only the
			// watermark tells it from tampering, and that only to who has the key
			// (docs/SPEC.md, section 7.2). The next opening sets it aside.
			finding = nil
		case r.Verdict == integrity.PartlyProven && (k.IsZero() || h.shaken):
			finding = nil
		case r.Verdict == integrity.PartlyProven && h.keys != nil && chain[0].Seq > 1 && strings.Contains(strings.Join(r.NotProven, "\n"), "that retention removed what was before"):
			// Whoever had the host in the epoch of the new beginning could have made
			// it up (docs/SPEC.md, section 8.1).
			finding = nil
		case r.Verdict == integrity.Tampered || r.Verdict == integrity.Truncated:
			finding = errAccused
		}
		for _, g := range r.Given {
			if !g.Holds && finding == nil {
				finding = fmt.Errorf("%w: the checkpoint of %d lines that was given away does not hold: %s", errAccused, g.Size, g.Reason)
			}
		}
		if finding != nil {
			return fmt.Errorf("%s: %w: with a key %v, the verdict is %q: bad %v; not proven: %q; given %v", when, finding, !k.IsZero(), r.Verdict, r.Bad, r.NotProven, r.Given)
		}
	}
	return nil
}

// publicKey is the newest key of the checkpoints that the chain names.
func (h *crashHistory) publicKey(chain []integrity.Line) (newest integrity.PublicKey) {
	for _, l := range chain {
		var says struct {
			CheckpointKey string `json:"checkpoint_key"`
		}
		switch l.ControlName() {
		case integrity.ControlGenesis, integrity.ControlSegment, integrity.ControlSigner:
			if integrity.ParseControl(l.Payload, &says) == nil {
				if k, err := integrity.ParsePublicKey(integrity.KindCheckpoint, []byte(says.CheckpointKey)); err == nil {
					newest = k
				}
			}
		}
	}
	return newest
}
